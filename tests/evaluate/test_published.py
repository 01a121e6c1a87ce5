"""Recipes of published rows: they are whole, name what exists, and put both numbers side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from longreel.errors import UsageError
from longreel.evaluate.benchmarks.table import named_benchmark
from longreel.evaluate.benchmarks.task import check_asking
from longreel.evaluate.published import Recipe, read_recipes
from longreel.evaluate.settings import settings_to_compare
from tests.cli import tiny
from tests.cli.conftest import run as run
from tests.cli.test_evaluate_benchmark import KINDS, rows
from tests.evaluate.benchmarks.folder import write_json

PATH = Path(__file__).parents[2] / "recipes" / "published.toml"
RECIPES = read_recipes(PATH)
# Questions of MLVU dev, by task (specs/benchmarks.md, section 4).
QUESTIONS = {
    "plotQA": 539,
    "needle": 355,
    "ego": 352,
    "count": 206,
    "order": 259,
    "anomaly_reco": 200,
    "topic_reasoning": 264,
}
VALUES = {
    "duration": ("short", "medium", "long"),
    "group": ("ret", "ord", "cnt"),
    "duration_group": ("15", "60", "600", "3600"),
    "task": tuple(QUESTIONS),
}
PAPERS = ("video-xl", "retake", "context-window")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_a_recipe_names_what_exists(recipe: Recipe) -> None:
    benchmark = named_benchmark(recipe.benchmark)
    assert recipe.split is None or recipe.split in benchmark.splits
    assert recipe.parse in benchmark.parses
    assert recipe.subtitles in ("none", *benchmark.subtitles)
    metrics = {metric.name: metric for metric in benchmark.metrics}
    for figure in recipe.figures:
        assert figure.by is None or figure.by in metrics[figure.metric].sorted_by
        assert figure.metric in metrics
        assert figure.of is None or figure.of in VALUES[str(figure.by)]
        assert 0 < figure.value <= 100
    assert recipe.method in PAPERS
    keeps, budgets = [eval_fraction(recipe.keep)], [recipe.budget] if recipe.budget else []
    (setting,) = settings_to_compare([recipe.method], keeps, budgets)
    assert (setting.keep is None) == (recipe.budget is not None)
    check_asking(benchmark, recipe.subtitles, recipe.prompt)
    assert recipe.source
    assert (recipe.count is None) != (recipe.fps is None)
    assert recipe.keep is None or recipe.budget is None


@pytest.mark.parametrize("name", RECIPES)
def test_the_command_of_a_recipe_gets_as_far_as_its_data(run: Any, tmp_path: Path, name: str) -> None:
    refused = run("evaluate", "recipe", PATH, name, "--data", tmp_path, "--check")
    assert refused.code == 1
    assert f"{tmp_path} has no " in refused.error


@pytest.mark.parametrize(
    ("name", "far"), [("context-window-mlvu-dev", 0.8), ("context-window-mlvu-dev-512", 0.1)]
)
def test_numbers_of_tasks_come_to_the_published_mean(name: str, far: float) -> None:
    """Question by question; the 68.6 of 256 frames is known to be neither mean."""
    whole, *tasks = RECIPES[name].figures
    counts = [QUESTIONS[str(each.of)] for each in tasks]
    mean = sum(each.value * count for each, count in zip(tasks, counts, strict=True)) / sum(counts)
    base = sum((each.base or 0) * count for each, count in zip(tasks, counts, strict=True)) / sum(counts)
    assert mean == pytest.approx(whole.value, abs=far)
    assert base == pytest.approx(whole.base, abs=0.1)


@pytest.mark.parametrize(
    "name", [name for name in RECIPES if name.endswith(("video-mme", "subtitles", "mme-512"))]
)
def test_tiers_of_equal_size_come_to_the_published_mean(name: str) -> None:
    whole, *tiers = RECIPES[name].figures
    if len(tiers) == 3:
        assert sum(each.value for each in tiers) / 3 == pytest.approx(whole.value, abs=0.1)


def test_what_holds_of_a_system_is_told_of_its_rows_too() -> None:
    row = RECIPES["retake-qwen2-vl-video-mme"]
    assert "448 pixels" in row.differs
    assert "2 frames a second" in row.differs
    assert RECIPES["video-xl-mvbench"].untold.startswith("the ratio, here 8")


def eval_fraction(text: str | None) -> float:
    return 1.0 if text is None else 1 / float(text.removeprefix("1/"))


def test_every_system_has_its_rows() -> None:
    assert {recipe.method for recipe in RECIPES.values()} == set(PAPERS)
    assert len({recipe.title for recipe in RECIPES.values()}) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[rows.a", "no recipes"),
        ("rows = 3", "no recipes"),
        ("[systems]\n[rows.a]\nsystem = 'x'", "no recipes"),
        ("[systems.x]\n[rows.a]\nsystem = 'x'\nbenchmark = 'imagenet'", "imagenet"),
        ("[systems.x]\n[rows.a]\nsystem = 'x'\nbenchmark = 'mlvu'\nframes = 3", "frames"),
        ("[systems.x]\n[rows.a]\nsystem = 'x'\nbenchmark = 'mlvu'\nfigures = []", "no recipes"),
    ],
)
def test_files_of_another_form_are_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_recipes(path)
    with pytest.raises(UsageError, match="nowhere"):
        read_recipes(tmp_path / "nowhere.toml")


OWN = """
[systems.small]
title = "A small system"
model = "nowhere"
method = "random"
keep = "1/4"
source = "its paper"
untold = "nearly all"
[rows.small-vnbench]
system = "small"
benchmark = "vnbench"
count = 4
prompt = "{question}? {bracketed}"
untold = "the weather"
figures = [
  { metric = "all four tries right", value = 61.6, base = 40.0 },
  { metric = "all four tries right", by = "group", of = "cnt", value = 24.0 },
  { metric = "all four tries right", by = "group", of = "ord", value = 80.6 },
]
"""


def test_a_recipe_runs_and_both_numbers_are_shown(run: Any, tmp_path: Path) -> None:
    write_json(tmp_path / "data" / "VNBench-main-4try.json", [row for kind in KINDS for row in rows(kind)])
    (tmp_path / "data" / "VNBench_new").mkdir()
    film = tiny.write_film(tmp_path / "film.mp4")
    for kind in KINDS:
        os.link(film, tmp_path / "data" / "VNBench_new" / f"{kind}.mp4")
    model = tiny.save_model(tmp_path / "model")
    (tmp_path / "own.toml").write_text(OWN)
    arguments = ["evaluate", "recipe", tmp_path / "own.toml", "small-vnbench", "--data", tmp_path / "data"]
    arguments += ["--model", model, "-o", tmp_path / "run", "-q"]
    refused = run(*arguments)
    assert "8 of 5,400 published questions" in refused.error
    shown = run(*arguments, "--incomplete", "skip")
    assert shown.code == 0, shown.err
    for words in (
        "A small system, published by its paper",
        "61.60",
        "Untold: nearly all; the weather.",
        "keep-all",
    ):
        assert words in shown.out
    found = run(*arguments, "--incomplete", "skip", "--json").json
    lines = found["recipe"]["compared"]
    ours = {(each["setting"], each["metric"]): each["value"] for each in found["metrics"]}
    assert lines[0]["ours"] == ours["random 1/4", "all four tries right"]
    assert lines[0]["our_base"] == ours["keep-all", "all four tries right"]
    assert (lines[1]["metric"], lines[1]["published"]) == ("all four tries right, group cnt", 24.0)
    assert lines[1]["ours"] is not None
    assert lines[2]["ours"] is None
    assert found["plan"]["count"] == 4
    assert found["plan"]["task"]["prompt"] == "{question}? {bracketed}"


def test_without_a_name_rows_are_listed(run: Any, tmp_path: Path) -> None:
    shown = run("evaluate", "recipe", PATH)
    assert all(name in shown.out for name in RECIPES)
    assert len(run("evaluate", "recipe", PATH, "--json").json["recipes"]) == len(RECIPES)
    assert "no recipe 'mine'" in run("evaluate", "recipe", PATH, "mine").error
    assert "--data" in run("evaluate", "recipe", PATH, "video-xl-vnbench").error
