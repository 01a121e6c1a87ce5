"""Films longer than in training, at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_a_target_rescales_the_table(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "film.memory"
    settings = ("--model", model, "--keep", "1", "-q", "--window", "20", "--ramp", "yarn")
    result = run("watch", film, "-o", path, *settings, "--target", "auto", "--json")
    assert result.code == 0, result.err
    # Four seconds of four frames of four tokens.
    assert result.json["window"]["target"] == result.json["visual_tokens"] == 64
    assert result.json["window"]["ramp"] == "yarn"
    asked = run("ask", path, "where was the fox?", "--model", model, "--json")
    assert asked.code == 0, asked.err
    assert "scale 3.2" in run("info", path).out
    assert run("watch", film, "-o", path, *settings, "--target", "auto").code == 0
    differs = run("watch", film, "-o", path, *settings, "--target", "100")
    assert differs.code == 2
    assert "--force" in differs.error


def test_a_memory_is_extended(run: Run, memory: Path, model: Path, tmp_path: Path) -> None:
    longer = tmp_path / "longer.memory"
    result = run("extend", memory, "--target", "5000", "-o", longer, "--model", model)
    assert result.code == 0, result.err
    assert "an approximation" in result.out
    assert "an approximation" in run("info", longer).out
    assert run("ask", longer, "where was the fox?", "--model", model).code == 0
    again = run("extend", memory, "--target", "6000", "-o", longer, "--model", model)
    assert again.code == 2
    assert "--force" in again.error
    forced = run("extend", memory, "--target", "6000", "-o", longer, "--model", model, "-f", "--json")
    assert forced.json["window"]["target"] == 6000
    short = run("extend", longer, "--target", "50", "-o", tmp_path / "short.memory", "--model", model)
    assert short.code == 2
    assert "target=50 is shorter" in short.error
    assert not (tmp_path / "short.memory").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "far"], "--target 'far'"),
        (["--target", "0"], "target=0"),
        (["--window", "0"], "window=0"),
        (["--ramp", "steep"], "unknown ramp 'steep'"),
        (["--window", "9", "--target", "5"], "target=5 is shorter"),
        (["--pool", "4"], "--pool '4'"),
        (["--pool", "-1,2,8"], "group=-1"),
        (["--pool", "4,0,8"], "strides=(0, 8)"),
        (["--pool", "4,2,8"], "leave pooling out"),
    ],
    ids=str,
)
@pytest.mark.parametrize("verb", ["watch", "ask"])
def test_values_that_cannot_be(
    run: Run, film: Path, model: Path, tmp_path: Path, verb: str, options: list[str], said: str
) -> None:
    rest = ["-o", tmp_path / "film.memory"] if verb == "watch" else ["where was the fox?"]
    result = run(verb, film, *rest, "--model", model, "-q", *options)
    assert result.code == 2
    assert said in result.error
    assert not (tmp_path / "film.memory").exists()


def test_what_is_for_films_is_refused_for_memories(run: Run, memory: Path, model: Path) -> None:
    result = run("ask", memory, "where was the fox?", "--model", model, "--target", "auto")
    assert result.code == 2
    assert "--target is for films" in result.error
