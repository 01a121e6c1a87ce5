"""`longreel watch`: memories are made, gone on with, and never lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from longreel.memory import VideoMemory
from longreel.progress import Progress, ProgressCallback
from longreel.session import WatchSession
from tests.cli import tiny
from tests.cli.conftest import Run
from tests.fakes import assert_same


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Press Ctrl-C once, when the first frames have been watched."""
    pressed = []

    def press(progress: Progress) -> None:
        if not pressed:
            pressed.append(progress)
            signal.raise_signal(signal.SIGINT)

    @contextmanager
    def pressing(quiet: bool) -> Iterator[ProgressCallback]:
        yield press

    monkeypatch.setattr("longreel.cli.watch.shown_progress", pressing)
    yield
    assert pressed


def test_makes_a_memory_and_says_what_is_in_it(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.memory"
    result = run("watch", film, "-o", path, "--model", model, "--keep", "4x")
    assert result.code == 0, result.err
    assert str(path) in result.out
    assert "16 frames" in result.out
    assert "(100%)" in result.err
    assert VideoMemory.open(path).header.method["name"] == "video-xl"


def test_quiet_prints_no_progress(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    result = run("watch", film, "-o", tmp_path / "a.memory", "--model", model, "-q", "--keep", "1/4")
    assert result.code == 0
    assert result.err == ""


@pytest.mark.parametrize("keep", ["1/4", "0.25", "4x", "4X", "4\N{MULTIPLICATION SIGN}"])
def test_ways_to_write_keep(run: Run, film: Path, model: Path, tmp_path: Path, keep: str) -> None:
    result = run("watch", film, "-o", tmp_path / "a.memory", "--model", model, "--keep", keep, "--json")
    assert result.code == 0, result.err
    assert result.json["method"]["cache"]["ratio"] == 4


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        (["--fps", "2"], 8),
        (["--count", "5"], 5),
        (["--max-frames", "3"], 3),
        (["--start", "1", "--end", "3"], 8),
        (["--seconds", "0.5,1,3.5"], 3),
    ],
)
def test_frames_asked_for(
    run: Run, film: Path, model: Path, tmp_path: Path, options: list[str], frames: int
) -> None:
    result = run("watch", film, "-o", tmp_path / "a.memory", "--model", model, "--json", *options)
    assert result.code == 0, result.err
    assert result.json["sources"][0]["frames_encoded"] == frames
    assert result.json["memory"] == str(tmp_path / "a.memory")
    assert result.json["bytes"] == (tmp_path / "a.memory").stat().st_size


def test_several_films_make_one_memory(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    other = tiny.write_film(tmp_path / "other.mp4", seconds=2)
    result = run("watch", film, other, "-o", tmp_path / "both.memory", "--model", model, "--json")
    assert [source["name"] for source in result.json["sources"]] == ["stripes.mp4", "other.mp4"]


def test_the_memory_is_named_after_the_film(
    run: Run, film: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("watch", film, "--model", model).code == 0
    assert (tmp_path / "stripes.memory").is_file()


def test_a_memory_is_replaced_only_with_force(run: Run, film: Path, model: Path, memory: Path) -> None:
    before = memory.read_bytes()
    again = ["watch", film, "-o", memory, "--model", model, "--keep", "1/2"]
    result = run(*again)
    assert result.code == 2
    assert str(memory) in result.error
    assert "--force" in result.error
    assert memory.read_bytes() == before
    assert run(*again, "--force").code == 0
    assert memory.read_bytes() != before


def written(path: Path) -> tuple[int, int, int]:
    """Which file it is and when it was written; when it was read last may change."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def test_watching_again_changes_nothing(run: Run, film: Path, model: Path, memory: Path) -> None:
    before = written(memory)
    result = run("watch", film, "-o", memory, "--model", model, "--keep", "1/4", "--json")
    assert result.code == 0, result.err
    assert "already" in result.err
    assert result.json["complete"]
    assert written(memory) == before


def test_a_file_of_another_kind_is_never_replaced(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    other = tiny.write_film(tmp_path / "holiday.mp4", seconds=1)
    before = other.read_bytes()
    result = run("watch", film, "-o", other, "--model", model, "--force")
    assert result.code == 2
    assert "holiday.mp4" in result.error
    assert other.read_bytes() == before


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_keeps_what_was_watched_and_the_same_command_goes_on(
    run: Run, model: Path, tmp_path: Path
) -> None:
    film = tiny.write_film(tmp_path / "long.mp4", seconds=20)
    path = tmp_path / "a.memory"
    command = ["watch", film, "-o", path, "--model", model, "--keep", "1/4"]
    result = run(*command, "--json")
    assert result.code == 130
    assert str(path) in result.error
    assert "same command again" in result.error
    assert result.json["error"]["exit_code"] == 130
    assert not VideoMemory.open(path).complete
    assert sorted(os.listdir(tmp_path)) == ["a.memory", "long.mp4"]

    result = run(*command)
    assert result.code == 0, result.err
    assert "going on with" in result.err

    whole = tmp_path / "whole.memory"
    run("watch", film, "-o", whole, "--model", model, "--keep", "1/4")
    assert_same(VideoMemory.open(path), VideoMemory.open(whole))


@pytest.mark.usefixtures("interrupted")
def test_an_unfinished_memory_of_another_film_is_not_overwritten(
    run: Run, film: Path, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.memory"
    command = ["-o", path, "--model", model, "--keep", "1/4"]
    assert run("watch", film, *command).code == 130
    before = path.read_bytes()
    other = tiny.write_film(tmp_path / "other.mp4", seconds=2)
    result = run("watch", other, *command)
    assert result.code == 2
    assert "--force" in result.error
    assert path.read_bytes() == before
    assert run("watch", other, *command, "--force").code == 0
    assert VideoMemory.open(path).header.sources[0].name == "other.mp4"


def test_ctrl_c_before_anything_was_watched(
    run: Run, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*settings: object, **named: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("longreel.cli.watch.loaded_model", press)
    result = run("watch", film, "-o", tmp_path / "a.memory")
    assert result.code == 130
    assert result.error == "longreel: interrupted"
    assert os.listdir(tmp_path) == []


def test_ctrl_c_while_the_memory_is_saved_loses_nothing(
    run: Run, film: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = VideoMemory.save

    def pressed_while_saving(self: VideoMemory, path: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        real(self, path)

    monkeypatch.setattr(VideoMemory, "save", pressed_while_saving)
    path = tmp_path / "a.memory"
    assert run("watch", film, "-o", path, "--model", model, "--keep", "1/4").code == 0
    assert VideoMemory.open(path).complete


@pytest.mark.usefixtures("interrupted")
def test_a_second_ctrl_c_does_not_cost_what_the_first_one_saved(
    run: Run, film: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = WatchSession.checkpoint

    def pressed_again(self: WatchSession) -> VideoMemory:
        signal.raise_signal(signal.SIGINT)
        return real(self)

    monkeypatch.setattr(WatchSession, "checkpoint", pressed_again)
    path = tmp_path / "a.memory"
    result = run("watch", film, "-o", path, "--model", model, "--keep", "1/4")
    assert result.code == 130
    assert not VideoMemory.open(path).complete


def test_a_tampered_memory_is_not_taken_for_a_finished_one(
    run: Run, film: Path, model: Path, memory: Path
) -> None:
    content = bytearray(memory.read_bytes())
    content[-1] ^= 1
    memory.write_bytes(content)
    again = run("watch", film, "-o", memory, "--model", model, "--keep", "1/4")
    assert again.code == 2
    assert "damaged" in again.error
    assert "--force" in again.error
    assert "damaged" in run("info", memory).error


def test_a_memory_of_nothing_says_so(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    few = ["--model", model, "--keep", "1/12", "--count", "1"]
    watched = run("watch", film, "-o", tmp_path / "a.memory", *few, "-q")
    assert watched.code == 0, watched.err
    assert "nothing is kept" in watched.err
    asked = run("ask", film, "what is it", *few, "-q", "--json")
    assert "nothing is kept" in asked.err
    assert "nothing is kept" in asked.json["warnings"][0]
