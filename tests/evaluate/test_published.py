"""Recipes of published rows: they are whole, name what exists, and put both numbers side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from longreel.compress.pivot_kv import PivotKV
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.errors import UsageError
from longreel.evaluate.benchmarks.table import named_benchmark
from longreel.evaluate.benchmarks.task import check_asking
from longreel.evaluate.published import Recipe, read_recipes
from longreel.evaluate.settings import settings_to_compare
from longreel.method_parameters import MethodParameters
from longreel.methods import Method
from longreel.parsing import parsed_fraction
from longreel.positions import Rotation, inverse_frequencies
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
    # As LVBench has them (specs/benchmarks.md, section 5).
    "ability": ("key information retrieval", "temporal grounding"),
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
    (setting,) = settings_to_compare([recipe.method], keeps, budgets, recipe.parameters)
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


@pytest.mark.parametrize("name", [name for name in RECIPES if RECIPES[name].benchmark == "video-mme"])
def test_tiers_of_equal_size_come_to_the_published_mean(name: str) -> None:
    whole, *tiers = RECIPES[name].figures
    if len(tiers) == 3:
        assert sum(each.value for each in tiers) / 3 == pytest.approx(whole.value, abs=0.1)


def test_what_holds_of_a_system_is_told_of_its_rows_too() -> None:
    row = RECIPES["retake-qwen2-vl-video-mme"]
    assert "448 pixels" in row.differs
    assert "2 frames a second" in row.differs
    assert RECIPES["video-xl-mvbench"].untold.startswith("the ratio, here 8")


ROW = """
[systems.x]
title = "X"
model = "nowhere"
method = "random"
source = "its paper"
[rows.a]
system = "x"
benchmark = "mlvu"
figures = []
"""


def eval_fraction(text: str | None) -> float:
    return parsed_fraction(text or "1")


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
        (f"{ROW}bytime = true", "recipe a has bytime, which no recipe has .did you mean .by_time."),
        (f"{ROW}by_time = true", "recipe a: --by-time is for --method retake: leave it out"),
        (f"{ROW}dense = 4", "recipe a: --dense is for --method video-xl"),
        (f"{ROW}by_time = 1", "recipe a: by_time = 1 is of another kind: give true or false"),
        (f"{ROW}window = 'all'", "recipe a: window = 'all' is of another kind: give a whole number"),
        (f"{ROW}count = true", "recipe a: count = True is of another kind: give a whole number"),
        (f"{ROW}scores = 'question'", "recipe a: --scores question watches a film for one question"),
        (f"{ROW}method = 'keep-all'\ntarget = 'auto'", "recipe a: --target does not go with keep-all"),
    ],
)
def test_files_of_another_form_are_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_recipes(path)
    with pytest.raises(UsageError, match="nowhere"):
        read_recipes(tmp_path / "nowhere.toml")


def test_a_parameter_is_written_as_text_number_or_list(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(f"{ROW}pool = [4, 2, 8]\ntarget = 9000\nkeep = 0.5\nfps = 2")
    recipe = read_recipes(path)["a"]
    assert recipe.parameters == MethodParameters(pool="4,2,8", target="9000")
    assert (recipe.keep, recipe.fps) == ("0.5", 2.0)


@pytest.mark.parametrize(
    ("name", "group", "strides"),
    [
        ("context-window-video-mme", 4, (2, 8)),
        ("context-window-video-mme-pool-0-4-4", 0, (4, 4)),
        ("context-window-video-mme-pool-16-2-4", 16, (2, 4)),
        ("context-window-alone-video-mme-yarn", 0, (2, 2)),
    ],
)
def test_rows_of_the_pooling_ablation_differ_in_pooling(
    name: str, group: int, strides: tuple[int, int]
) -> None:
    assert method_of(name).tokens == ProgressivePooling(group, strides)


def test_the_extrapolated_row_rescales_nothing_and_has_room() -> None:
    """256 frames of 196 tokens stand beyond the 32,768 positions of the model."""
    positions = method_of("context-window-alone-video-mme-extrapolated").positions
    assert positions is not None
    trained = Rotation(inverse_frequencies(128, 1e6))
    window = positions.fitted(trained, 6272, 50_176)
    assert window.inv_freq == tuple(trained.inv_freq.double().tolist())
    assert window.attention_factor == 1
    assert 32_768 * window.target // window.window > 50_176


def test_the_row_of_keyframes_drops_frames_and_no_entries() -> None:
    method = method_of("retake-qwen2-vl-keyframes-video-mme")
    assert method.chosen_frames == 0.5
    assert isinstance(method.cache, PivotKV)
    assert not method.cache.drops
    assert method_of("retake-qwen2-vl-video-mme").features is None


def method_of(name: str) -> Method:
    recipe = RECIPES[name]
    budgets = [recipe.budget] if recipe.budget else []
    keeps = [eval_fraction(recipe.keep)]
    (setting,) = settings_to_compare([recipe.method], keeps, budgets, recipe.parameters)
    assert setting.method is not None
    return setting.method


OWN = """
[systems.small]
title = "A small system"
model = "nowhere"
method = "retake"
keep = "1/4"
by_layer = true
source = "its paper"
untold = "nearly all"
[rows.small-vnbench]
system = "small"
benchmark = "vnbench"
count = 4
chunk_frames = 2
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
    assert lines[0]["ours"] == ours["retake 1/4 --chunk-frames 2 --by-layer", "all four tries right"]
    assert lines[0]["our_base"] == ours["keep-all", "all four tries right"]
    assert (lines[1]["metric"], lines[1]["published"]) == ("all four tries right, group cnt", 24.0)
    assert lines[1]["ours"] is not None
    assert lines[2]["ours"] is None
    assert found["plan"]["count"] == 4
    assert found["plan"]["task"]["prompt"] == "{question}? {bracketed}"
    assert found["plan"]["methods"]["retake 1/4 --chunk-frames 2 --by-layer"]["cache"]["by_layer"]
    same = run(*plain_command(tmp_path, model), "--json")
    assert same.code == 0, same.err
    assert same.json["plan"] == found["plan"]
    assert same.json["metrics"] == found["metrics"]


def plain_command(folder: Path, model: Path) -> list[str | Path]:
    """What the recipe comes to: it goes on with the recipe's run, in which all is done."""
    (folder / "prompt.txt").write_text("{question}? {bracketed}")
    return [
        *("evaluate", "vnbench", "--data", folder / "data", "--model", model, "-o", folder / "run", "-q"),
        *("--method", "retake", "--keep", "1/4", "--chunk-frames", "2", "--by-layer", "--count", "4"),
        *("--prompt", folder / "prompt.txt", "--incomplete", "skip"),
    ]


def test_a_value_out_of_range_is_refused_before_the_data_is_looked_through(run: Any, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace("chunk_frames = 2", "pool = '4,0,8'"))
    refused = run("evaluate", "recipe", tmp_path / "own.toml", "small-vnbench", "--data", tmp_path)
    assert refused.code == 2
    assert f"{tmp_path / 'own.toml'}, recipe small-vnbench: strides=(0, 8)" in refused.error


def test_without_a_name_rows_are_listed(run: Any, tmp_path: Path) -> None:
    shown = run("evaluate", "recipe", PATH)
    assert all(name in shown.out for name in RECIPES)
    assert len(run("evaluate", "recipe", PATH, "--json").json["recipes"]) == len(RECIPES)
    assert "no recipe 'mine'" in run("evaluate", "recipe", PATH, "mine").error
    assert "--data" in run("evaluate", "recipe", PATH, "video-xl-vnbench").error
