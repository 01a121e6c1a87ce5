"""`longreel evaluate`, `compare` and `curve` on the small random model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from longreel.evaluate import drawn_films
from tests.cli.conftest import Run

FILMS = [
    "evaluate",
    "films",
    "--films",
    "2",
    "--minutes",
    "0.1",
    "--per-family",
    "2",
    "--existence",
    "3",
    "-q",
]


@pytest.fixture(autouse=True)
def _answers_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model would fill up the room it has for each answer."""
    asked = drawn_films._asked

    def briefly(*given: Any, **tags: str) -> drawn_films.DrawnAsked:
        return replace(asked(*given, **tags), max_new_tokens=6)

    monkeypatch.setattr(drawn_films, "_asked", briefly)


def test_films_end_in_tables_and_a_result(run: Run, model: Path, tmp_path: Path) -> None:
    arguments = [
        *FILMS,
        "--model",
        model,
        "--methods",
        "random,keep-all",
        "--keep",
        "1/2,1/4",
        "-o",
        tmp_path,
    ]
    shown = run(*arguments, "--result", tmp_path / "docs.json")
    assert shown.code == 0, shown.err
    for word in (
        "random 1/2",
        "random 1/4",
        "keep-all",
        "blind",
        "best constant answer",
        "recall",
        "MiB",
        "Difference to keep-all",
    ):
        assert word in shown.out
    again = run(*arguments, "--json")
    stored = json.loads((tmp_path / "result.json").read_text())
    assert again.json == stored
    for part in ("command", "hardware", "versions", "plan", "cells", "costs", "differences", "runs"):
        assert stored[part]
    assert json.loads((tmp_path / "docs.json").read_text())["cells"] == stored["cells"]


def test_needle_sorts_by_depth(run: Run, model: Path, tmp_path: Path) -> None:
    shown = run(
        *["evaluate", "needle", "--films", "1", "--minutes", "2", "--depths", "0.3,0.7", "-q", "--json"],
        *["--model", model, "--methods", "random", "--keep", "1/4", "-o", tmp_path],
    )
    assert shown.code == 0, shown.err
    depths = [cell["value"] for cell in shown.json["cells"] if cell["by"] == "depth"]
    assert set(depths) == {"0.3", "0.7"}


def test_another_run_can_be_the_baseline(run: Run, model: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    common = [*FILMS, "--model", model, "--keep", "1/4", "--json"]
    assert run(*common, "--methods", "random", "-o", first).code == 0
    shown = run(*common, "--methods", "uniform", "-o", second, "--baseline", f"{first}:random 1/4")
    assert shown.code == 0, shown.err
    assert shown.json["baseline"] == f"{first}:random 1/4"
    assert {each["setting"] for each in shown.json["differences"]} == {"keep-all", "uniform 1/4", "blind"}
    assert {each["to"] for each in shown.json["differences"]} == {"keep-all", f"{first}:random 1/4"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--keep", "0"], "--keep"),
        (["--methods", "unifrom"], "uniform"),
        (["--budget", "4k"], "--budget"),
        (["--methods", ","], "video-xl"),
        (["--minutes", "soon"], "--minutes"),
        (["--minutes", "0.01"], "5 to 10800"),
        (["--splits", "unseen"], "unseen-places"),
        (["--families", "weather"], "existence"),
        (["--wordings", "rude"], "wording"),
        (["--baseline", "nobody"], "--baseline"),
        (["--baseline", "nowhere:keep-all"], "nowhere"),
        (["--model", "nowhere"], "nowhere"),
    ],
)
def test_wrong_values_are_one_line(
    run: Run, model: Path, tmp_path: Path, options: list[str], named: str
) -> None:
    chosen = [] if "--model" in options else ["--model", model]
    shown = run(*FILMS, *chosen, *options, "-o", tmp_path / "out")
    assert shown.code in (1, 2)
    assert named in shown.error
    assert not (tmp_path / "out").exists()


def test_compare_shows_answers_side_by_side(run: Run, film: Path, model: Path) -> None:
    arguments = ["compare", film, "what is it", "who is there", "--model", model]
    arguments += ["--methods", "random,keep-all", "--keep", "1/2,1/4", "-q"]
    shown = run(*arguments)
    assert shown.code == 0, shown.err
    assert shown.out.count("random 1/4") == 3
    assert "who is there\n" in shown.out
    compared = run(*arguments, "--json").json["settings"]
    assert [row["setting"] for row in compared] == ["random 1/2", "random 1/4", "keep-all"]
    assert all(len(row["answers"]) == len(row["ask_seconds"]) == 2 for row in compared)
    assert compared[1]["bytes"] < compared[0]["bytes"] < compared[2]["bytes"]


@pytest.mark.parametrize("bad", [["no-film.mp4", "what is it"], ["FILM", " "], ["FILM", "x", "--keep", "2"]])
def test_compare_refuses_before_watching(run: Run, film: Path, model: Path, bad: list[str]) -> None:
    shown = run("compare", *(film if word == "FILM" else word for word in bad), "--model", model)
    assert shown.code in (1, 2)
    assert shown.error


def test_a_curve_is_a_picture_with_lines(run: Run, model: Path, tmp_path: Path) -> None:
    options = ["--model", model, "--methods", "random,uniform", "--keep", "1/2,1/4"]
    assert run(*FILMS, *options, "-o", tmp_path / "run").code == 0
    drawn = run("curve", tmp_path / "run", "-o", tmp_path / "curve.png")
    assert drawn.code == 0, drawn.err
    picture = np.asarray(Image.open(tmp_path / "curve.png").convert("RGB"))
    assert picture.shape[1] > 1000
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    again = run("curve", tmp_path / "run" / "result.json", "-o", tmp_path / "again.png", "--json")
    assert again.json["figure"] == str(tmp_path / "again.png")


def test_no_curve_of_what_is_no_result(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"answers": []}')
    for path in (tmp_path / "other.json", tmp_path, tmp_path / "none.json"):
        shown = run("curve", path, "-o", tmp_path / "curve.png")
        assert shown.code == 2
        assert str(path) in shown.error
    assert run(*FILMS, "--model", model, "-o", tmp_path / "run").code == 0
    assert "next" in run("curve", tmp_path / "run", "--family", "next").error
    assert not (tmp_path / "curve.png").exists()


def test_films_about_which_nothing_can_be_asked_are_refused(run: Run, model: Path, tmp_path: Path) -> None:
    shown = run(
        *["evaluate", "needle", "--films", "1", "--minutes", "0.1", "--depths", "0.5", "-q"],
        *["--model", model, "--methods", "random", "--keep", "1/4", "-o", tmp_path / "run"],
        *["--figure", tmp_path / "map.png"],
    )
    assert shown.code == 2
    assert "nothing can be asked" in shown.error
