"""`--intervals`, `--ratios`, `--draw` and `--budget` of Video-XL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("options", "cache"),
    [
        (["--budget", "20"], {"part": "RatioWithin", "tokens": 20}),
        (["--ratios", "2,8,4,2"], {"part": "ListedRatios", "ratios": [2, 8, 4, 2]}),
        (
            ["--draw", "interval", "--ratio-seed", "5"],
            {"part": "DrawnRatios", "ratios": None, "each": "interval", "seed": 5},
        ),
        (
            ["--method", "video-xl", "--draw", "film", "--ratios", "2x, 4x"],
            {"part": "DrawnRatios", "ratios": [2, 4], "each": "film", "seed": 0},
        ),
        (
            ["--intervals", "dynamic", "--budget", "9"],
            {"part": "DynamicIntervals", "keep": None, "budget": 9},
        ),
        (
            ["--intervals", "dynamic", "--keep", "1/4", "--ratios", "2,8"],
            {"part": "DynamicIntervals", "keep": 0.25, "ratios": [2, 8]},
        ),
        (["--intervals", "dynamic"], {"part": "DynamicIntervals", "keep": 0.125}),
        (["--keep", "8x", "--dense", "2x"], {"part": "TwoLevels", "dense": 2, "sparse": 8}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_memory_tells_how_it_was_made(
    run: Run, film: Path, model: Path, tmp_path: Path, options: list[str], cache: dict[str, object]
) -> None:
    path = tmp_path / "a.memory"
    watched = run("watch", film, "-o", path, "--model", model, *options, "--json", "-q")
    assert watched.code == 0, watched.err
    settings = watched.json["method"]["cache"]
    assert {name: settings[name] for name in cache} == cache
    intervals = watched.json["intervals"]
    assert sum(tokens for tokens, _ in intervals) == watched.json["visual_tokens"] == 64
    ratios = sorted({ratio for _, ratio in intervals})
    info = run("info", path)
    assert f"at {ratios[0]}x" in info.out
    again = run("watch", film, "-o", path, "--model", model, *options, "-q")
    assert again.code == 0
    assert "holds this already" in again.err
    asked = run("ask", path, "where was the fox", "--model", model, "--json")
    assert asked.code == 0, asked.err
    once = run("ask", film, "where was the fox", "--model", model, *options, "--json", "-q")
    assert once.json["answers"][0]["answer"] == asked.json["answers"][0]["answer"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ratios", "2,x"], "--ratios '2,x' is not a list of whole numbers: write 2,4,8"),
        (["--ratios", "2,4"], "2 ratios for 4 intervals: give as many"),
        (["--ratios", "2,16,2,2"], "not trained to condense 16x: its ratios are 2, 4, 8"),
        (["--ratios", "2,4,2,2", "--keep", "4x"], "give one of them"),
        (["--intervals", "even"], "unknown intervals 'even'"),
        (["--intervals", "dynamic", "--method", "retake"], "--intervals is for --method video-xl"),
        (["--intervals", "dynamic", "--keep", "16x"], "keep at least 1/8"),
        (["--intervals", "dynamic", "--budget", "7"], "give budget=8"),
        (["--budget", "7"], "give budget=8"),
        (["--draw", "frame"], "for each interval or film, not 'frame'"),
        (["--ratio-seed", "1"], "give draw= too"),
        (["--dense", "fine"], "--dense 'fine' is no ratio: write a whole number, such as 4x"),
        (["--dense", "8x", "--keep", "8x"], "give a smaller ratio"),
        (["--dense", "3", "--keep", "8x"], "give one of 2, 4, 8"),
        (["--dense", "2", "--method", "keep-all"], "--dense is for --method video-xl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_go(
    run: Run, film: Path, model: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = run("watch", film, "-o", tmp_path / "a.memory", "--model", model, *options, "-q")
    assert result.code == 2
    assert message in result.error
    assert not (tmp_path / "a.memory").exists()


def test_they_are_for_films(run: Run, memory: Path, model: Path) -> None:
    result = run("ask", memory, "where", "--model", model, "--intervals", "dynamic")
    assert result.code == 2
    assert "--intervals is for films" in result.error


def test_a_closer_look(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.memory"
    made = run("watch", film, "-o", path, "--model", model, "--keep", "8x", "--dense", "2", "-q")
    assert made.code == 0, made.err
    assert "for a closer look" in made.out
    info = run("info", path)
    assert "at 2x" in info.out
    assert run("info", path, "--json").json["dense"]["ratio"] == 2
    spans = []
    for more in ([], ["--dense-intervals", "1"], ["--dense-intervals", "0"]):
        asked = run("ask", path, "where was the fox", "what was red", "--model", model, "--json", *more)
        assert asked.code == 0, asked.err
        spans.append([len(answer.get("dense", ())) for answer in asked.json["answers"]])
    assert spans == [[3, 3], [1, 1], [0, 0]]


def test_a_closer_look_needs_two_levels(run: Run, film: Path, memory: Path, model: Path) -> None:
    result = run("ask", memory, "where", "--model", model, "--dense-intervals", "1")
    assert result.code == 2
    assert "dense_intervals=1 is for memories of two levels" in result.error
    result = run("ask", film, "where", "--model", model, "--dense-intervals", "1")
    assert result.code == 2
    assert "give --dense too" in result.error
    result = run("ask", memory, "where", "--model", model, "--dense", "2")
    assert result.code == 2
    assert "--dense is for films" in result.error


def test_how_close_a_look_is_can_be_compared(run: Run, film: Path, model: Path) -> None:
    asked = ["compare", film, "what is it", "--model", model, "--methods", "video-xl,uniform", "--json", "-q"]
    asked += ["--keep", "1/8"]
    two = run(*asked, "--dense", "2", "--dense-intervals", "1")
    assert two.code == 0, two.err
    assert [row["setting"] for row in two.json["settings"]] == [
        "video-xl 1/8 --dense 2 --dense-intervals 1",
        "uniform 1/8",
    ]
    for more, said in (
        (["--dense-intervals", "1"], "give --dense too"),
        (["--dense", "2", "--dense-intervals", "-1"], "dense_intervals=-1 is no number of intervals"),
    ):
        refused = run(*asked, *more)
        assert refused.code == 2
        assert said in refused.error
