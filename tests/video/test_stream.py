"""The stream itself: blocks, once only, closed on every way out, apart from other readers."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.video.make import Recipe, read, write

from longreel.errors import UsageError
from longreel.video.reader import Begin, open_film
from longreel.video.sampling import Sampling


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("films")
    recipes = {
        "a.mp4": Recipe(frames=80),
        "b.mkv": Recipe("mpeg4", frames=80),
        "c.ts": Recipe(frames=80, gop=5),
    }
    return [write(folder / name, recipe) for name, recipe in recipes.items()]


SAMPLINGS: list[dict[str, Any]] = [
    {},
    {"fps": 10.0},
    {"fps": 3.0},
    {"fps": 0.9, "start": 1.3},
    {"count": 12},
    {"count": 150},
    {"max_frames": 11},
    {"seconds": (0.0, 0.2, 2.0, 2.0, 5.5, 7.9)},
]


@pytest.mark.parametrize("settings", SAMPLINGS)
@pytest.mark.parametrize("policy", ["auto", "sequential", "seek"])
def test_beginning_where_an_earlier_reading_stopped(
    films: list[Path], settings: dict[str, Any], policy: str
) -> None:
    for film in films:
        numbers, times, whole = read(film, policy=policy, **settings)
        for first in range(0, len(numbers), max(1, len(numbers) // 7)):
            begin = Begin(first, times[first])
            rest, rest_times, stream = read(film, policy=policy, begin=begin, **settings)
            assert (rest, rest_times) == (numbers[first:], times[first:])
            assert stream.report.got == whole.report.got
            assert stream.report.asked == whole.report.asked


def test_beginning_late_skips_what_is_before(films: list[Path]) -> None:
    begin = Begin(60, 6.0)
    _, _, stream = read(films[2], fps=10.0, begin=begin)
    assert stream.report.decoded < 40


@pytest.mark.parametrize("block", [1, 7, 16, 100])
def test_blocks(films: list[Path], block: int) -> None:
    with open_film(films[0], sampling=Sampling(), block=block, size=(24, 32)) as stream:
        blocks = list(stream)
    assert [len(frames.seconds) for frames in blocks[:-1]] == [block] * (len(blocks) - 1)
    assert sum(len(frames.seconds) for frames in blocks) == 80
    for frames in blocks:
        assert frames.pixels.dtype == torch.uint8
        assert frames.pixels.shape == (len(frames.seconds), 3, 24, 32)
        assert frames.seconds.dtype == torch.float64


def test_a_film_can_be_read_once(films: list[Path]) -> None:
    with open_film(films[0]) as stream:
        list(stream)
        with pytest.raises(UsageError, match="read already"):
            iter(stream)
    with pytest.raises(UsageError):
        iter(stream)


def test_a_closed_film_is_not_read_on(films: list[Path]) -> None:
    with open_film(films[0], block=2) as stream:
        blocks = iter(stream)
        next(blocks)
    with pytest.raises(UsageError, match="closed"):
        next(blocks)


def test_closing_while_another_thread_reads(films: list[Path]) -> None:
    for _ in range(10):
        stream = open_film(films[0], sampling=Sampling(), block=3)
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(list, iter(stream))
            stream.close()
            error = reading.exception()
        assert error is None or isinstance(error, UsageError)


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to count open files")
def test_files_are_closed_on_every_way_out(films: list[Path]) -> None:
    before = open_files()
    streams = [open_film(film) for film in films]
    assert open_files() > before
    for stream in streams:
        stream.close()
        stream.close()
    with pytest.raises(ZeroDivisionError), open_film(films[0], block=2) as stream:
        next(iter(stream)).pixels[0, 0, 0, 0] / (1 // 0)
    with open_film(films[0]) as stream:
        pass
    for _ in open_film(films[0]):
        pass
    with pytest.raises(UsageError):
        open_film(films[0], sampling=Sampling(start=99.0))
    with pytest.raises(ZeroDivisionError):
        open_film(films[0], size=lambda height, width: (1 // 0, 1))
    assert open_files() == before


def test_readers_in_threads_do_not_meet(films: list[Path]) -> None:
    settings = [
        (film, policy, fps) for film in films for policy in ("seek", "sequential") for fps in (0.7, 5.0)
    ]

    def job(setting: tuple[Path, str, float]) -> tuple[list[int], list[float], list[str]]:
        film, policy, fps = setting
        numbers, times, stream = read(film, policy=policy, fps=fps)
        return numbers, times, stream.report.warnings

    alone = [job(setting) for setting in settings]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(job, settings * 2)) == alone * 2


def test_the_report_tells_the_way_and_why(films: list[Path]) -> None:
    _, _, sparse = read(films[0], fps=0.3)
    assert sparse.report.policy == "seek"
    # The last jump finds the end.
    assert sparse.report.seeks == 3
    assert "wanted times are 3.33 s apart, keyframes" in sparse.report.reason
    assert sparse.report.decoded < 80
    _, _, dense = read(films[0], fps=5.0)
    assert dense.report.policy == "sequential"
    assert dense.report.seeks == 0
    assert dense.report.decoded >= 80
    assert sparse.expected == 3
    assert dense.expected == 40


def test_a_late_start_jumps_there(films: list[Path]) -> None:
    numbers, _, stream = read(films[0], fps=5.0, start=6.0)
    assert numbers == list(range(60, 80, 2))
    assert stream.report.seeks == 1
    assert stream.report.decoded < 40
