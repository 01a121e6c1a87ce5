"""Damaged films: what is readable comes, with a warning; strict readers refuse."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.video.make import CONTAINERS, Recipe, boxes, read, write

from longreel.errors import LongreelError, SourceError
from longreel.video.reader import open_film, probe
from longreel.video.sampling import Sampling
from longreel.video.wholeness import damage_told

KINDS = {ending: CONTAINERS[ending] for ending in ("mp4", "mkv", "ts", "avi", "webm")}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    return {ending: write(folder / f"film.{ending}", recipe) for ending, recipe in KINDS.items()}


@pytest.mark.parametrize("policy", ["auto", "sequential", "seek"])
@pytest.mark.parametrize("ending", KINDS)
def test_a_film_cut_short(films: dict[str, Path], tmp_path: Path, ending: str, policy: str) -> None:
    whole = films[ending].read_bytes()
    path = tmp_path / f"short.{ending}"
    # More than half of so small an avi is its header.
    path.write_bytes(whole[: len(whole) * 4 // 5])
    numbers, times, stream = read(path, policy=policy)
    assert 10 < len(numbers) < 60
    assert times == sorted(set(times))
    # The last picture before the cut may be half there.
    assert numbers[:-1] == [round(time * 10) for time in times[:-1]]
    assert stream.report.warnings
    # Nothing in a transport stream tells how long it was meant to be.
    if ending != "ts":
        assert stream.report.got < stream.report.asked
    with pytest.raises(SourceError, match=r"^.*short\.\w+: ") as caught:
        read(path, policy=policy, strict=True)
    assert "\n" not in str(caught.value)


# Where parts of these end, a file that was cut is a whole one; so few of all places are such.
FEW = {"ts": 1 / 100, "m2ts": 1 / 100, "live.mkv": 1 / 100, "fragmented.mp4": 1 / 100, "mov": 1 / 100}


@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_cut_anywhere_is_noticed(tmp_path: Path, ending: str) -> None:
    whole = write(tmp_path / f"film.{ending}", CONTAINERS[ending]).read_bytes()
    assert damage_told(BytesIO(whole)) is None
    beginning = len(whole) // 2
    cuts = range(beginning, len(whole), max(1, len(whole) // 4000) | 1)
    silent = sum(damage_told(BytesIO(whole[:cut])) is None for cut in cuts)
    assert silent <= FEW.get(ending, 0) * len(cuts)


def test_a_cut_between_two_pictures(tmp_path: Path) -> None:
    """What FFmpeg plays without complaint."""
    path = write(tmp_path / "film.avi", Recipe("mpeg4", gop=1))
    whole = path.read_bytes()
    chunks = [place - 4 for place in boxes(whole, b"00dc")]
    # The first is in the index.
    path.write_bytes(whole[: chunks[31]])
    numbers, _, stream = read(path)
    assert numbers == list(range(30))
    assert any("cut short" in warning for warning in stream.report.warnings)
    assert probe(path).damage
    with pytest.raises(SourceError, match="cut short"):
        read(path, strict=True)


def test_a_lost_cluster(tmp_path: Path) -> None:
    """FFmpeg looks for the next one and says nothing."""
    path = write(tmp_path / "film.mkv", replace(KINDS["mkv"], container={"cluster_time_limit": "1000"}))
    content = bytearray(path.read_bytes())
    clusters = list(boxes(bytes(content), bytes.fromhex("1F43B675")))
    content[clusters[2] - 4 : clusters[2] + 8] = bytes(12)
    path.write_bytes(content)
    _, times, stream = read(path, fps=5.0)
    assert times == sorted(set(times))
    assert any("structure is damaged" in warning for warning in stream.report.warnings)
    assert stream.report.got < stream.report.asked == 30


@pytest.mark.parametrize("policy", ["auto", "sequential", "seek"])
def test_a_count_in_a_film_cut_short(films: dict[str, Path], tmp_path: Path, policy: str) -> None:
    whole = films["mp4"].read_bytes()
    path = tmp_path / "short.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    numbers, times, stream = read(path, policy=policy, count=12)
    assert numbers == [round(time * 10) for time in times]
    assert times == sorted(set(times))
    assert 0 < stream.report.got < stream.report.asked == 12
    assert any("end at" in warning for warning in stream.report.warnings)


@pytest.mark.parametrize("policy", ["auto", "sequential", "seek"])
def test_a_hole_in_the_middle(tmp_path: Path, policy: str) -> None:
    path = write(tmp_path / "film.mp4", replace(KINDS["mp4"], gop=6, frames=120))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 10] = bytes(len(content) // 10)
    path.write_bytes(content)
    numbers, times, stream = read(path, policy=policy, fps=10.0)
    assert numbers[:20] == list(range(20))
    assert numbers[-20:] == list(range(100, 120))
    assert times == sorted(set(times))
    assert any("damaged" in warning for warning in stream.report.warnings)
    assert stream.report.got == len(numbers) < stream.report.asked == 120
    with pytest.raises(SourceError):
        read(path, policy=policy, fps=10.0, strict=True)


def flipped(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice([1, 3, 30])):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.3:
        del damaged[chance.randrange(len(damaged)) :]
    return bytes(damaged)


@pytest.mark.parametrize("seed", range(120))
def test_any_damage_ends_well(films: dict[str, Path], tmp_path: Path, seed: int) -> None:
    """Frames in the order of time, or one line that names the film; never anything else."""
    chance = random.Random(seed)
    ending = chance.choice(list(KINDS))
    path = tmp_path / f"hurt.{ending}"
    path.write_bytes(flipped(films[ending].read_bytes(), chance))
    sampling = chance.choice(
        [Sampling(), Sampling(fps=1.0), Sampling(count=5), Sampling(seconds=(0.0, 5.0)), Sampling(start=3.0)]
    )
    policy: Any = chance.choice(["auto", "sequential", "seek"])
    strict = chance.random() < 0.3
    failure = None
    times: list[float] = []
    try:
        with open_film(path, sampling=sampling, size=(24, 32), strict=strict, policy=policy) as stream:
            for block in stream:
                assert block.pixels.shape[1:] == (3, 24, 32)
                times += block.seconds.tolist()
    except LongreelError as error:
        failure = str(error)
    assert times == sorted(times)
    if failure is None:
        assert stream.report.got == len(times) > 0
    else:
        assert re.search(r"hurt\.\w+", failure)
        assert "\n" not in failure
        assert len(failure) < 300


def test_a_film_that_is_still_growing(films: dict[str, Path], tmp_path: Path) -> None:
    whole = films["mkv"].read_bytes()
    path = tmp_path / "growing.mkv"
    path.write_bytes(whole[: len(whole) // 3])
    with open_film(path, sampling=Sampling(), block=4) as stream:
        blocks = iter(stream)
        first = next(blocks)
        with open(path, "ab") as file:
            file.write(whole[len(whole) // 3 :])
        times = first.seconds.tolist() + [time for block in blocks for time in block.seconds.tolist()]
    assert times == sorted(set(times))
    assert len(times) >= len(first.seconds) > 0


def test_a_film_that_goes_away_while_it_is_read(films: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(films["mp4"], tmp_path / "film.mp4"))
    with open_film(path, sampling=Sampling(), block=4) as stream:
        blocks = iter(stream)
        next(blocks)
        path.unlink()
        assert sum(len(block.seconds) for block in blocks) == 56


def test_giant_dimensions(tmp_path: Path) -> None:
    """Pictures that claim to be 60,000 x 60,000."""
    path = write(tmp_path / "giant.avi", Recipe("mjpeg", "yuvj420p", frames=3))
    content = bytearray(path.read_bytes())
    place = content.find(b"\xff\xc0\x00\x11\x08")
    while place >= 0:
        content[place + 5 : place + 9] = (60_000).to_bytes(2, "big") * 2
        place = content.find(b"\xff\xc0\x00\x11\x08", place + 9)
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"giant\.avi"):
        probe(path)
