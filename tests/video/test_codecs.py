"""Every codec in every container: the right frames at the right times, whichever way is taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.video.make import Recipe, read, write

FPS, FRAMES = 10, 60
X265 = {"x265-params": "log-level=none:pools=none:frame-threads=1"}
OPEN = "open-gop=1:bframes=3:keyint=12"
CASES = [
    *[
        (Recipe("libx264", options={"bf": "2", "preset": "ultrafast"}), ending)
        for ending in ("mp4", "mkv", "mov", "ts", "avi")
    ],
    *[
        (Recipe("libx265", options={**X265, "preset": "ultrafast"}), ending)
        for ending in ("mp4", "mkv", "ts", "mov")
    ],
    *[
        (Recipe("libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}), ending)
        for ending in ("webm", "mkv", "mp4")
    ],
    *[(Recipe("libsvtav1", options={"preset": "12"}), ending) for ending in ("mp4", "mkv", "webm")],
    *[(Recipe("mpeg4"), ending) for ending in ("mp4", "mkv", "mov", "avi", "ts")],
    *[(Recipe("mpeg4", options={"bf": "2"}), ending) for ending in ("mp4", "avi")],
    *[(Recipe("mjpeg", pix_fmt="yuvj420p"), ending) for ending in ("avi", "mov", "mkv")],
    (Recipe("gif", pix_fmt="rgb8"), "gif"),
    (Recipe("mpeg2video", options={"bf": "2"}), "ts"),
    *[(Recipe("libx264", options={"x264-params": OPEN}), ending) for ending in ("mp4", "mkv", "ts")],
    *[(Recipe("libx264", options={"x264-params": "intra-refresh=1"}), ending) for ending in ("mp4", "ts")],
    *[(Recipe("libx264", options={"x264-params": "tff=1:bframes=2"}), ending) for ending in ("mp4", "ts")],
    (Recipe("libx264", container={"movflags": "frag_keyframe+empty_moov"}), "mp4"),
    (Recipe("libx264", options={"bf": "2"}, container={"movflags": "faststart+negative_cts_offsets"}), "mp4"),
]


def named(case: tuple[Recipe, str]) -> str:
    recipe, ending = case
    options = [*recipe.options.items(), *recipe.container.items()]
    return "-".join(
        [recipe.codec, *(f"{key}={value}" for key, value in options if "log" not in value), ending]
    )


@pytest.fixture(scope="module", params=CASES, ids=named)
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe, ending = request.param
    path = tmp_path_factory.mktemp("codec") / f"film.{ending}"
    write(path, replace(recipe, frames=FRAMES, fps=FPS))
    return path


def test_every_frame(film: Path) -> None:
    numbers, times, stream = read(film)
    assert numbers == list(range(FRAMES))
    assert times == pytest.approx([number / FPS for number in range(FRAMES)], abs=0.002)
    assert stream.report.warnings == []
    assert stream.report.got == stream.report.asked == FRAMES
    assert stream.info.duration == pytest.approx(FRAMES / FPS, abs=0.11)
    assert stream.info.frame_rate == pytest.approx(FPS, rel=0.02)
    assert (stream.info.height, stream.info.width) == (48, 64)
    assert stream.info.frames in (FRAMES, None)
    assert stream.info.container == {".mkv": "matroska", ".ts": "mpegts"}.get(film.suffix, film.suffix[1:])


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({"fps": 2.0}, list(range(0, 60, 5))),
        ({"fps": 0.5}, [0, 20, 40]),
        ({"fps": 2.0, "start": 2.0, "end": 4.0}, [20, 25, 30, 35]),
        ({"seconds": (0.0, 1.15, 1.25, 4.95, 5.91)}, [0, 11, 12, 49, 59]),
        ({"seconds": (5.41,)}, [54]),
        ({"count": 3, "end": 6.0}, [10, 30, 50]),
        ({"fps": 10.0, "max_frames": 4, "end": 6.0}, [7, 22, 37, 52]),
    ],
)
def test_every_way_gives_the_same_frames(
    film: Path, sampling: dict[str, object], expected: list[int]
) -> None:
    for policy in ("auto", "sequential", "seek"):
        numbers, times, stream = read(film, policy=policy, **sampling)
        assert numbers == expected, (policy, stream.report)
        assert times == pytest.approx([number / FPS for number in expected], abs=0.002)
        assert stream.report.warnings == []
        assert stream.report.got == stream.report.asked == len(expected)
