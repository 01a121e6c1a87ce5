"""`longreel films`: drawn films and questions about them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from longreel.films.scenes import SPLITS, draw_film
from longreel.films.truth import load_truth
from tests.cli.conftest import Result, Run


@pytest.fixture
def drawn(run: Run, tmp_path: Path) -> Result:
    return run("films", "make", "--seconds", "20", "--seed", "7", tmp_path, "--json", "-q")


def test_a_film_and_its_truth(drawn: Result, tmp_path: Path) -> None:
    assert drawn.code == 0, drawn.err
    assert drawn.err == ""
    assert sorted(os.listdir(tmp_path)) == ["film-7.json", "film-7.mp4"]
    (film,) = drawn.json["films"]
    assert film["path"] == str(tmp_path / "film-7.mp4")
    assert load_truth(film["truth"]) == draw_film(7, 20)


@pytest.mark.usefixtures("drawn")
def test_the_same_film_is_not_drawn_again(run: Run, tmp_path: Path) -> None:
    before = (tmp_path / "film-7.mp4").stat()
    assert run("films", "make", "--seconds", "20", "--seed", "7", tmp_path).code == 0
    after = (tmp_path / "film-7.mp4").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.usefixtures("drawn")
def test_another_film_is_replaced_only_with_force(run: Run, tmp_path: Path) -> None:
    before = (tmp_path / "film-7.mp4").read_bytes()
    other = ["films", "make", "--seconds", "10", "--seed", "7", tmp_path]
    result = run(*other)
    assert result.code == 2
    assert "film-7.mp4" in result.error
    assert (tmp_path / "film-7.mp4").read_bytes() == before
    assert run(*other, "--force").code == 0
    assert (tmp_path / "film-7.mp4").read_bytes() != before


def test_several_films(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    result = run("films", "make", "--minutes", "0.1", "--count", "2", "--size", "64x48", folder)
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 2
    assert "draw" in result.err
    assert {"film-0.mp4", "film-1.mp4"} < set(os.listdir(folder))


def test_every_split_is_in_the_help(run: Run) -> None:
    text = " ".join(run("films", "make", "--help").out.split())
    assert all(split in text for split in SPLITS)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--minutes", "1", "--seconds", "5"], "--minutes"),
        (["--seconds", "1"], "1"),
        (["--minutes", "nan"], "nan"),
        (["--seed", "-3"], "-3"),
        (["--split", "tarin"], "tarin"),
        (["--size", "big"], "big"),
        (["--size", "15x48"], "15x48"),
    ],
)
def test_values_that_cannot_work(run: Run, tmp_path: Path, options: list[str], named: str) -> None:
    folder = tmp_path / "out"
    result = run("films", "make", folder, *options)
    assert result.code == 2
    assert named in result.error
    assert not folder.exists()


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("films", "make", tmp_path / "file" / "out")
    assert result.code == 1
    assert "file" in result.error


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("name", ["film-7.mp4", "film-7.json"])
def test_questions_with_answers(run: Run, tmp_path: Path, name: str) -> None:
    asked = ["films", "questions", tmp_path / name, "--family", "recall", "--per-family", "1"]
    questions = run(*asked, "--options", "--json").json["questions"]
    assert [question["family"] for question in questions] == ["colour", "place", "action", "object"]
    assert all(len(question["options"]) == 4 for question in questions)
    assert len(run(*asked).out.splitlines()) == 8


@pytest.mark.usefixtures("drawn")
def test_questions_that_cannot_be_drawn(run: Run, tmp_path: Path) -> None:
    film = tmp_path / "film-7.mp4"
    for options, code in [(["--family", "smell"], 2), (["--wording", "rude"], 2)]:
        result = run("films", "questions", film, *options)
        assert result.code == code
        assert options[1] in result.error
    missing = run("films", "questions", tmp_path / "film-8.mp4")
    assert missing.code == 1
    assert "film-8.json" in missing.error


def test_a_film_cut_short_is_not_taken_for_whole(run: Run, tmp_path: Path) -> None:
    arguments = ["films", "make", tmp_path, "--seconds", "5", "--size", "32x32", "-q"]
    assert run(*arguments).code == 0
    (film,) = tmp_path.glob("*.mp4")
    film.write_bytes(film.read_bytes()[:1000])
    assert run(*arguments).code == 2
    assert run(*arguments, "--force").code == 0
    assert run(*arguments).code == 0
