"""Times come from the container: uneven, shifted, cut by edit lists, or missing."""

from __future__ import annotations

import itertools
import random
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from tests.video.make import Recipe, boxes, read, write

from longreel.video.clock import Clock
from longreel.video.reader import open_film, probe
from longreel.video.sampling import Sampling

UNEVEN = [0.0, 0.1, 0.2, 0.9, 1.0, 1.05, 3.5, 3.6, 4.0, 7.0, 7.04, 7.08, 8.0]
POLICIES = ["auto", "sequential", "seek"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "ts"])
def test_variable_frame_rate(tmp_path: Path, ending: str, policy: str) -> None:
    recipe = Recipe(times=UNEVEN, gop=4, options={"preset": "ultrafast"}, fps=30)
    path = write(tmp_path / f"film.{ending}", recipe)
    numbers, times, stream = read(path, policy=policy)
    assert numbers == list(range(len(UNEVEN)))
    assert times == pytest.approx(UNEVEN, abs=0.0015)
    numbers, times, stream = read(path, policy=policy, seconds=(0.95, 3.45, 3.5, 6.9, 7.5))
    assert numbers == [3, 5, 6, 8, 11], stream.report
    assert stream.report.warnings == []
    # Each frame once, however long it stays.
    assert read(path, policy=policy, fps=2.0)[0] == [0, 2, 4, 5, 6, 8, 9, 11, 12]
    # An exact count repeats it.
    assert read(path, policy=policy, count=8, end=8.0)[0] == [2, 5, 5, 6, 8, 8, 8, 11]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "mov"])
@pytest.mark.parametrize("start", [0.5, 100.0])
def test_a_stream_that_starts_late_starts_at_zero(
    tmp_path: Path, ending: str, start: float, policy: str
) -> None:
    recipe = Recipe(times=[start + number / 10 for number in range(40)], fps=10)
    path = write(tmp_path / f"film.{ending}", recipe)
    numbers, times, stream = read(path, policy=policy, fps=1.0)
    assert numbers == [0, 10, 20, 30], stream.report
    assert times == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.0015)
    assert stream.info.duration == pytest.approx(4.0, abs=0.11)
    assert stream.report.warnings == []


def edited(path: Path, start: float, length: float) -> Path:
    """Cut an mp4 by its edit list: show `length` seconds from `start` on."""
    content = bytearray(path.read_bytes())
    (mvhd,) = boxes(bytes(content), b"mvhd")
    (mdhd,) = boxes(bytes(content), b"mdhd")
    (elst,) = boxes(bytes(content), b"elst")
    movie, media = (struct.unpack_from(">I", content, place + 12)[0] for place in (mvhd, mdhd))
    (_, entries) = struct.unpack_from(">II", content, elst)
    assert entries == 1
    old = struct.unpack_from(">Ii", content, elst + 8)
    struct.pack_into(">Ii", content, elst + 8, round(length * movie), old[1] + round(start * media))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("frames", ["0", "2"])
@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_edit_lists(tmp_path: Path, frames: str, policy: str, ending: str) -> None:
    recipe = Recipe(options={"bf": frames, "preset": "ultrafast"}, frames=60, gop=12)
    path = edited(write(tmp_path / f"film.{ending}", recipe), start=1.5, length=3.0)
    numbers, times, stream = read(path, policy=policy)
    assert numbers[0] == 15
    assert numbers[:30] == list(range(15, 45))
    assert times[:30] == pytest.approx([number / 10 for number in range(30)], abs=0.0015)
    assert stream.info.duration == pytest.approx(3.0, abs=0.2)
    assert read(path, policy=policy, fps=1.0, end=3.0)[0] == [15, 25, 35]
    assert stream.report.warnings == []


def live_webm(path: Path) -> Path:
    """What a browser records: no duration, no index, no way back."""

    class OneWay(BytesIO):
        def seekable(self) -> bool:
            return False

    target = OneWay()
    # PyAV asks for `seek`, not for `seekable`.
    target.seek = None  # type: ignore[assignment, method-assign]
    recipe = Recipe(
        "libvpx-vp9",
        format="webm",
        frames=60,
        options={"deadline": "realtime", "cpu-used": "8"},
        container={"live": "1"},
    )
    write(target, recipe)
    path.write_bytes(target.getvalue())
    return path


@pytest.mark.parametrize("policy", POLICIES)
def test_a_film_without_duration_and_frame_count(tmp_path: Path, policy: str) -> None:
    path = live_webm(tmp_path / "film.webm")
    with av.open(str(path)) as container:
        assert container.duration is None
        assert container.streams.video[0].frames == 0
    info = probe(path)
    assert info.frames is None
    assert info.duration == pytest.approx(6.0, abs=0.11)
    assert read(path, policy=policy, count=3)[0] == [10, 30, 50]
    assert read(path, policy=policy, fps=0.5)[0] == [0, 20, 40]


@pytest.mark.parametrize(("codec", "format"), [("libx264", "h264"), ("libx265", "hevc")])
def test_a_raw_stream_has_the_times_of_its_frame_rate(tmp_path: Path, codec: str, format: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = write(tmp_path / "film.264", Recipe(codec, format=format, fps=25, options=options))
    numbers, times, stream = read(path)
    assert numbers == list(range(60))
    assert times == pytest.approx([number / 25 for number in range(60)], abs=0.05)
    assert stream.report.warnings == []
    assert read(path, count=2)[0] == [15, 45]


def test_a_recording_that_begins_between_keyframes(tmp_path: Path) -> None:
    whole = write(tmp_path / "film.ts", Recipe(frames=60, options={"preset": "ultrafast"})).read_bytes()
    path = tmp_path / "cut.ts"
    packets = 188 * 14
    path.write_bytes(whole[packets:])
    numbers, times, stream = read(path)
    assert numbers == list(range(60 - len(numbers), 60))
    assert 10 < len(numbers) < 60
    assert times == pytest.approx([number / 10 for number in range(len(numbers))], abs=0.0015)
    assert stream.info.duration == pytest.approx(len(numbers) / 10, abs=0.11)
    assert stream.report.warnings == []


def test_joined_transport_streams_go_on(tmp_path: Path) -> None:
    """Their times begin again in the middle."""
    whole = write(tmp_path / "film.ts", Recipe(frames=40)).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(whole * 3)
    numbers, times, stream = read(path, fps=2.0)
    assert numbers == list(range(0, 40, 5)) * 3
    assert times == pytest.approx([number / 2 for number in range(24)], abs=0.0015)
    assert any("impossible times" in warning for warning in stream.report.warnings)


def test_a_longer_sound_track_is_no_damage(tmp_path: Path) -> None:
    from fractions import Fraction

    import numpy as np

    for ending in ("mp4", "mkv", "ts"):
        path = tmp_path / f"film.{ending}"
        with av.open(str(path), "w") as container:
            video = container.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            sound = container.add_stream("aac", rate=16_000, layout="mono")
            for number in range(80):
                if number < 40:
                    picture = np.full((48, 64, 3), number * 5, np.uint8)
                    container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                samples = np.zeros((1, 1600), np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 16_000, number * 1600, Fraction(1, 16_000)
                container.mux(sound.encode(frame))
            container.mux(video.encode(None))
            container.mux(sound.encode(None))
        info = probe(path)
        assert info.duration == pytest.approx(4.0, abs=0.2), ending
        with open_film(path, sampling=Sampling(count=4)) as stream:
            assert sum(len(block.seconds) for block in stream) == 4
        assert stream.report.warnings == []


def test_frames_per_second_above_the_films_give_every_frame_once(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mkv", Recipe(frames=30, fps=30))
    numbers, _, stream = read(path, fps=120.0)
    assert numbers == list(range(30))
    assert stream.expected == pytest.approx(30, abs=1)
    assert read(path, fps=30.0)[0] == list(range(30))


class TestClock:
    def test_missing_times_follow_from_the_frame_rate(self) -> None:
        clock = Clock(0.1, None)
        assert [clock.tell(None) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
        assert clock.repaired == 0

    def test_times_that_go_back_or_far_ahead(self) -> None:
        clock = Clock(0.1, 100.0)
        stamps = [5.0, 5.1, 4.0, 5.3, 1e9, 5.5, None, 5.7]
        expected = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
        assert [clock.tell(stamp) for stamp in stamps] == pytest.approx(expected)
        assert clock.repaired == 2

    def test_they_always_ascend(self) -> None:
        chance = random.Random(1)
        clock = Clock(0.04, None)
        choices: list[Any] = [None, -1e12, 0.0, 3.0, 1e15]
        stamps = [chance.choice([*choices, chance.random() * 100]) for _ in range(500)]
        times = [clock.tell(stamp) for stamp in stamps]
        assert all(earlier < later for earlier, later in itertools.pairwise(times))
