"""Films become files whole or not at all."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from longreel.errors import LongreelError, SourceError
from longreel.films.render import make_film, render_frame, write_film
from longreel.films.scenes import draw_film
from longreel.films.truth import load_truth
from longreel.progress import Progress


def test_the_file_shows_the_film(tmp_path: Path) -> None:
    film = draw_film(4, 6.25, size=(96, 64), fps=8)
    paths = write_film(film, tmp_path / "film.mp4")
    assert sorted(os.listdir(tmp_path)) == ["film.json", "film.mp4"]
    with av.open(str(paths.film)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        frames = [(float(f.time or 0), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert len(frames) == 50
    assert [t for t, _ in frames] == pytest.approx(np.arange(50) / 8, abs=1e-4)
    for t, picture in frames[::10]:
        assert np.abs(picture.astype(int) - render_frame(film, t)).mean() < 16
    assert load_truth(paths.truth) == film


@pytest.mark.parametrize("size", [(16, 16), (33, 64), (64, 33)])
def test_small_and_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    film = draw_film(4, 5, size=size)
    paths = write_film(film, tmp_path / "film.mp4")
    with av.open(str(paths.film)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (size[1], size[0], 3)
    assert np.abs(picture.astype(int) - render_frame(film, 0.0)).mean() < 20


def test_the_same_film_has_the_same_bytes(tmp_path: Path) -> None:
    film = draw_film(4, 5, size=(64, 48))
    one, two = write_film(film, tmp_path / "one.mp4"), write_film(film, tmp_path / "two.mp4")
    assert one.film.read_bytes() == two.film.read_bytes()
    assert one.truth.read_bytes() == two.truth.read_bytes()


def test_bytes_do_not_change_from_one_encoding_to_the_next(tmp_path: Path) -> None:
    """With macroblock trees, this film came out differently about every fifth time."""
    film = draw_film(3, 6)
    paths = [write_film(film, tmp_path / f"{number}.mp4") for number in range(12)]
    assert len({path.film.read_bytes() for path in paths}) == 1


def test_progress_counts_frames(tmp_path: Path) -> None:
    seen: list[Progress] = []
    write_film(draw_film(4, 12, size=(32, 32)), tmp_path / "film.mp4", seen.append)
    assert [report.done for report in seen] == [0, 50, 100, 120]
    assert {report.total for report in seen} == {120}


def test_a_film_that_is_there_is_kept(tmp_path: Path) -> None:
    first = make_film(tmp_path / "films", 5, 3, size=(32, 32))
    stamp = first.film.stat().st_mtime_ns
    again = make_film(tmp_path / "films", 5, 3, size=(32, 32))
    assert (first.kept, again.kept) == (False, True)
    assert again.film.stat().st_mtime_ns == stamp


def test_another_or_unfinished_film_is_drawn_anew(tmp_path: Path) -> None:
    first = make_film(tmp_path, 5, 3, size=(32, 32))
    assert not make_film(tmp_path, 6, 3, size=(32, 32)).kept
    first.truth.unlink()
    assert not make_film(tmp_path, 6, 3, size=(32, 32)).kept
    first.film.write_bytes(b"")
    assert not make_film(tmp_path, 6, 3, size=(32, 32)).kept


@contextmanager
def small_disk() -> Iterator[None]:
    """Files of this process may not grow beyond 4,000 bytes; nor may the log that tests are written to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("seconds", [5, 60])
def test_a_full_disk_leaves_nothing(tmp_path: Path, seconds: float) -> None:
    with (
        pytest.raises(LongreelError, match=r"film\.mp4 cannot be written") as caught,
        small_disk(),
    ):
        write_film(draw_film(3, seconds), tmp_path / "film.mp4")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(report: Progress) -> None:
        if report.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(draw_film(3, 20, size=(32, 32)), tmp_path / "film.mp4", interrupt)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LongreelError, match="name another folder"):
        make_film(tmp_path / "file", 5, 1)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(LongreelError, match=r"film\.mp4 cannot be written"):
        write_film(draw_film(3, 5, size=(32, 32)), tmp_path / "no" / "film.mp4")


def test_a_film_named_like_its_truth(tmp_path: Path) -> None:
    with pytest.raises(LongreelError, match="truth"):
        write_film(draw_film(3, 5, size=(32, 32)), tmp_path / "film.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "not a film's truth"),
        ({"version": 99}, "version 99"),
        ({"seconds": "long"}, "damaged at seconds"),
        ({"scenes": []}, "no scenes"),
        ({"style": "oil"}, "'oil'"),
        ({"fps": 0}, "not positive"),
    ],
)
def test_damaged_truth(tmp_path: Path, change: dict[str, object], said: str) -> None:
    paths = make_film(tmp_path, 5, 1, size=(32, 32))
    document = json.loads(paths.truth.read_text())
    paths.truth.write_text(json.dumps({**document, **change}))
    _check_refused(paths.truth, said)


@pytest.mark.parametrize(
    ("key", "value"), [("object", "submarine"), ("start", 3.0), ("end", -1.0), ("colour", 3)]
)
def test_damaged_scenes(tmp_path: Path, key: str, value: object) -> None:
    paths = make_film(tmp_path, 12, 1, size=(32, 32))
    document = json.loads(paths.truth.read_text())
    document["scenes"][1][key] = value
    paths.truth.write_text(json.dumps(document))
    _check_refused(paths.truth, "damaged")


def test_no_truth(tmp_path: Path) -> None:
    _check_refused(tmp_path / "none.json", "none.json")
    (tmp_path / "text.json").write_bytes(b"\xff\x00 no json")
    _check_refused(tmp_path / "text.json", "not a JSON file")
    (tmp_path / "list.json").write_text("[]")
    _check_refused(tmp_path / "list.json", "not a film's truth")


def _check_refused(path: Path, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        load_truth(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
