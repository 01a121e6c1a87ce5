"""Subtitles on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from longreel.memory import VideoMemory
from tests.cli.conftest import Run
from tests.families.checkpoints import write_checkpoint
from tests.video.subtitled import Track, write_subtitled

LINES = [(0.0, 0.5, "Who is there?"), (1.0, 2.0, "It is red.")]
SRT = "1\n00:00:00,000 --> 00:00:00,500\nWho is there?\n\n2\n00:00:01,000 --> 00:00:02,000\nIt is red.\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A model that can be told anything, and a few tokens of answer."""
    folder = write_checkpoint("qwen2_vl", tmp_path_factory.mktemp("told") / "qwen2_vl")
    return ["--model", str(folder), "--fps", "1", "-q"]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subtitled(tmp_path_factory.mktemp("spoken") / "film.mkv", Track("subrip", LINES))


def test_a_file_and_a_track_make_the_same_memory(
    run: Run, spoken: Path, told: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "film.srt"
    file.write_text(SRT)
    kept = []
    for given in (file, "track"):
        path = tmp_path / f"{kept}.memory"
        result = run("watch", spoken, "-o", path, "--subtitles", given, *told)
        assert result.code == 0, result.err
        kept.append(VideoMemory.open(path).header.kept[0])
    assert kept[0] == kept[1]
    assert "2 lines at their times" in run("info", path).out


def test_dropped_lines_are_a_warning(run: Run, spoken: Path, told: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.memory"
    options = ["--subtitles", "track", "--subtitle-placement", "transcript", "--subtitle-budget", "20"]
    result = run("watch", spoken, "-o", path, *options, *told)
    assert result.code == 0, result.err
    assert "1 of 2 lines of subtitles were dropped" in result.err
    again = run("watch", spoken, "-o", path, *options[:4], *told)
    assert "settings" in again.error
    assert "--force" in again.error


def test_asking_a_film_with_subtitles(run: Run, spoken: Path, told: list[str]) -> None:
    result = run("ask", spoken, "Who?", "--subtitles", "track", "--max-new-tokens", "2", *told)
    assert result.code == 0, result.err


def test_a_memory_takes_none(run: Run, memory: Path, model: Path) -> None:
    result = run("ask", memory, "what was it?", "--model", model, "--subtitle-budget", "5")
    assert result.code == 2
    assert "--subtitle-budget is for films" in result.error


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--subtitles", "nowhere.srt"], "nowhere.srt"),
        (["--subtitles", "track", "--subtitles", "track:en"], "1 film and 2 subtitles"),
        (["--subtitle-placement", "above"], "above"),
        (["--subtitle-budget", "5"], "subtitle_budget"),
        (["--subtitles", "track", "--subtitle-placement", "transcript"], "knows only the words"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    run: Run, spoken: Path, model: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    result = run("watch", spoken, "-o", tmp_path / "a.memory", "--model", model, *arguments)
    assert result.code in (1, 2)
    assert named in result.error
    assert not (tmp_path / "a.memory").exists()
