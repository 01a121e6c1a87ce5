"""The ablations at a tiny size: what condenses films, lessons, a run that goes on, and its page."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from longreel.compress.base import FilmFacts
from longreel.compress.dynamic_intervals import DynamicIntervals
from longreel.errors import UsageError
from longreel.models.base import VisualTokens
from longreel.models.engine.watcher import ChunkWatcher
from longreel.models.video_xl import SummaryTokenLM
from longreel.train.lessons import IGNORE
from tests.models.conftest import tiny_lm

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import ablations
import results_page
from ablation.condensers import Condenser, condense_films, condenser_for
from ablation.measuring import columns, task_of
from ablation.pupil import Pupil
from ablation.recipe import AVERAGE, RANDOM, RESAMPLER, SUMMARIES, load_ablations
from ablation.result import result, tables
from ablation.start import stored
from ablation.training import Run, Workshop
from ablation.watching import CondensedWatcher

KINDS = (AVERAGE, RANDOM, RESAMPLER)
INTERVAL, RATIO, WIDTH = 12, 4, 32
PREFIX = torch.tensor([1, 2, 3])
TINY = """
seed = 5

[shape]
width = 32
layers = 2
interval = 16
made_up = 300

[films]
first_seed = 900_000_000
count = 2
seconds = 20.0

[[start]]
name = "keys"
eyes = "ideal"
families = ["colour"]
steps = 2
learning_rate = 1e-3
scenes = [2, 3]
advance_below = 0.0
questions = 3
keyed = 1.0

[lessons]
eyes = "trained"
learning_rate = 1e-3
scenes = [4]
films = 2
questions = 3
keyed = 0.5
made_up = 0.5
save_steps = 2

[measured]
films = 1
minutes = 0.3
split = "train"
first_seed = 911_000_000
per_family = 1
existence = 1
min_event = 0.5

[trainings.single]
families = ["colour", "existence"]
schedule = [{ until = 1.0, ratios = [4] }]
[trainings.pooling]
condense = "average pooling"
families = ["colour", "existence"]
schedule = [{ until = 1.0, ratios = [4] }]
[trainings.dropping]
condense = "random dropping"
families = ["colour", "existence"]
schedule = [{ until = 1.0, ratios = [4] }]
[trainings.resampler]
condense = "resampler"
families = ["colour", "existence"]
schedule = [{ until = 1.0, ratios = [4] }]
[trainings.widening]
families = ["colour", "existence", "before"]
schedule = [{ until = 0.5, ratios = [2] }, { until = 1.0, ratios = [8] }]
[trainings.dynamic]
families = ["colour", "existence"]
schedule = [{ until = 1.0, ratios = [2, 4, 8] }]
intervals = "dynamic"

[ablations.compressors]
about = "Ways."
measured_at = [4]
arms = [
    { label = "summary tokens", training = "single" },
    { label = "resampler", training = "resampler" },
]
[ablations.ratios]
about = "Ratios."
measured_at = [2, 4]
arms = [{ label = "widening", training = "widening" }, { label = "only 4", training = "single" }]
[ablations.intervals]
about = "Intervals."
measured_at = [4]
arms = [
    { label = "fixed", training = "dynamic" },
    { label = "dynamic", training = "dynamic", intervals = "dynamic" },
]
"""


def condenser_of(kind: str) -> Condenser:
    torch.manual_seed(0)
    made = condenser_for(kind, RATIO, INTERVAL, WIDTH, 4)
    assert made is not None
    return made


def dice() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def films() -> tuple[Tensor, Tensor]:
    """Three films of 36, 30 and 2 tokens, with noise where they are padded."""
    torch.manual_seed(1)
    return torch.randn(3, 36, WIDTH), torch.tensor([36, 30, 2])


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_tokens_stay_as_there_are_summaries(kind: str, films: tuple[Tensor, Tensor]) -> None:
    visual, lengths = films
    made, kept = condense_films(condenser_of(kind), visual, lengths, INTERVAL, dice())
    lm = tiny_lm()
    for number, length in enumerate(lengths.tolist()):
        memory = lm.watch(PREFIX, visual[number, :length], interval=INTERVAL, ratios=[RATIO])
        assert kept[number] == len(memory.layers[0].token) - len(PREFIX)
    assert made.shape == (3, 9, WIDTH)
    assert made.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_behind_a_film_changes_nothing(kind: str, films: tuple[Tensor, Tensor]) -> None:
    visual, lengths = films
    other = visual.clone()
    for film, length in zip(other, lengths.tolist(), strict=True):
        film[length:] = 7.0
    condenser = condenser_of(kind)
    first, kept = condense_films(condenser, visual, lengths, INTERVAL, dice())
    second, _ = condense_films(condenser, other, lengths, INTERVAL, dice())
    for number, count in enumerate(kept.tolist()):
        assert torch.allclose(first[number, :count], second[number, :count], atol=1e-6)


def test_what_pooling_and_dropping_make_of_a_group(films: tuple[Tensor, Tensor]) -> None:
    visual, lengths = films
    pooled, _ = condense_films(condenser_of(AVERAGE), visual, lengths, INTERVAL, dice())
    dropped, _ = condense_films(condenser_of(RANDOM), visual, lengths, INTERVAL, dice())
    places = set()
    for film in range(3):
        for group in range(9):
            tokens = visual[film, RATIO * group : RATIO * (group + 1)]
            assert torch.allclose(pooled[film, group], tokens.mean(0), atol=1e-6)
            places.add((dropped[film, group] == tokens).all(-1).tolist().index(True))
    assert places == set(range(RATIO))


def test_a_resampler_looks_at_its_own_interval_only(films: tuple[Tensor, Tensor]) -> None:
    visual, lengths = films
    condenser = condenser_of(RESAMPLER)
    made, _ = condense_films(condenser, visual, lengths, INTERVAL, dice())
    other = visual.clone()
    other[:, 5] = torch.randn(WIDTH)
    changed, _ = condense_films(condenser, other, lengths, INTERVAL, dice())
    apart = (made[:2] - changed[:2]).abs().amax(-1) > 1e-5
    assert apart[:, :3].all()
    assert not apart[:, 3:].any()
    # Tokens of an interval are told apart by their places.
    turned, _ = condense_films(condenser, visual.flip(1), lengths, INTERVAL, dice())
    assert not torch.allclose(made[0].flip(0), turned[0], atol=1e-5)


def batch_of(films: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    visual, lengths = films
    ids = torch.randint(5, 20, (3, 2, 6))
    labels = torch.full_like(ids, IGNORE)
    labels[:, :, 3:] = torch.randint(5, 20, (3, 2, 3))
    return {
        "visual": visual,
        "lengths": lengths,
        "ids": ids,
        "labels": labels,
        "ratio": torch.tensor(RATIO),
        "number": torch.tensor(0),
    }


def pupil_of(kind: str, lm: SummaryTokenLM) -> Pupil:
    condenser = None if kind == SUMMARIES else condenser_of(kind)
    return Pupil(lm, condenser, prefix_ids=PREFIX, interval=INTERVAL, seed=0)


@pytest.mark.parametrize("kind", [AVERAGE, RESAMPLER, SUMMARIES])
def test_the_loss_is_that_of_asking_a_watched_film(kind: str, films: tuple[Tensor, Tensor]) -> None:
    lm = tiny_lm()
    pupil, batch = pupil_of(kind, lm), batch_of(films)
    losses = []
    for film, length in enumerate(batch["lengths"].tolist()):
        shown = batch["visual"][film, :length]
        if pupil.condenser is None:
            memory = lm.watch(PREFIX, shown, interval=INTERVAL, ratios=[RATIO])
        else:
            memory = watched(lm, pupil.condenser, shown)
        for ids, labels in zip(batch["ids"][film], batch["labels"][film], strict=True):
            losses.append(cross_entropy(lm.logits(memory, ids)[3:], labels[3:]))
    assert torch.allclose(pupil(batch), torch.stack(losses).mean(), atol=1e-5)


def watched(lm: SummaryTokenLM, condenser: Condenser, shown: Tensor, *, cut: int = 5) -> Any:
    watcher = CondensedWatcher(lm, PREFIX, condenser, INTERVAL)
    for part in shown.split(cut):
        times = torch.zeros(len(part), dtype=torch.float64)
        watcher.push(VisualTokens(part, times, times, torch.arange(len(part))))
    return watcher.finish()


@pytest.mark.parametrize("kind", KINDS)
def test_a_watched_film_stands_where_its_summaries_would(kind: str, films: tuple[Tensor, Tensor]) -> None:
    lm, shown = tiny_lm(), films[0][1, :30]
    memory = watched(lm, condenser_of(kind), shown)
    summaries = lm.watch(PREFIX, shown, interval=INTERVAL, ratios=[RATIO])
    for mine, theirs in zip(memory.layers, summaries.layers, strict=True):
        assert torch.equal(mine.positions, theirs.positions)
        assert torch.equal(mine.token, theirs.token)
    assert (memory.visual_tokens, memory.next_position) == (30, summaries.next_position)
    other = watched(lm, condenser_of(kind), shown, cut=13)
    assert torch.allclose(memory.layers[0].keys, other.layers[0].keys, atol=1e-6)


@pytest.mark.parametrize("kind", [*KINDS, SUMMARIES])
def test_gradients_reach_all_that_learns(kind: str, films: tuple[Tensor, Tensor]) -> None:
    pupil = pupil_of(kind, tiny_lm())
    pupil(batch_of(films)).backward()
    silent = {name for name, part in pupil.named_parameters() if part.grad is None or not part.grad.any()}
    # The last layer is recorded only; without summary tokens their weights have nothing to do.
    last = "decoder.model.layers.2.self_attn.summary_q_proj"
    if kind == SUMMARIES:
        assert silent == {f"{last}.weight", f"{last}.bias"}
    else:
        assert all("summary_" in name for name in silent)


@pytest.mark.parametrize("kind", [*KINDS, SUMMARIES])
def test_a_stored_pupil_is_the_same(kind: str, films: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    # As the default model; files of tensors hold no tensor twice.
    batch, pupil = batch_of(films), pupil_of(kind, tiny_lm(tie_word_embeddings=True))
    (tmp_path / "stored").write_bytes(stored(pupil))
    torch.manual_seed(9)
    other = pupil_of(kind, SummaryTokenLM(pupil.decoder.config))
    other.load_state_dict(load_file(tmp_path / "stored"), strict=False)
    assert torch.equal(other(batch), pupil(batch))


def test_dropping_draws_anew_for_every_batch(films: tuple[Tensor, Tensor]) -> None:
    pupil, batch = pupil_of(RANDOM, tiny_lm()), batch_of(films)
    assert torch.equal(pupil(batch), pupil(batch))
    assert not torch.equal(pupil(batch), pupil({**batch, "number": torch.tensor(1)}))


def test_a_ratio_that_does_not_divide_an_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 5"):
        condenser_for(AVERAGE, 5, INTERVAL, WIDTH, 4)


@pytest.fixture(scope="module")
def recipe_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def ran(recipe_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the first ablation."""
    folder = tmp_path_factory.mktemp("ran")
    ablations.main(arguments(recipe_path, folder, "compressors"))
    return folder


def arguments(recipe: Path, folder: Path, name: str, *more: str) -> list[str]:
    given = [name, "--recipe", str(recipe), "--folder", str(folder / "run"), "--seeds", "2", "--steps", "3"]
    return [*given, "-o", str(folder / f"{name}.json"), *more]


def test_a_whole_ablation(ran: Path) -> None:
    found = json.loads((ran / "compressors.json").read_text())
    labels = ["summary tokens", "resampler"]
    assert found["plan"]["settings"] == labels
    colour = {each["setting"]: each for each in found["cells"] if each["family"] == "colour"}
    assert colour.keys() == set(labels)
    for each in colour.values():
        assert len(each["by_seed"]) == 2
        assert each["share"] == pytest.approx(sum(each["by_seed"]) / 2, abs=1e-3)
    compared = {(each["setting"], each["to"]) for each in found["differences"]}
    assert compared == {(label, labels[0]) for label in labels[1:]}
    own = {each["arm"]: each["parameters"] for each in found["trainings"]}
    # q, k and v of both layers with their biases, and what a summary token enters as.
    assert own["summary tokens"] == 2 * 3 * (32 * 128 + 128) + 32
    assert own["resampler"] > 0
    assert all(each["cpu_seconds"] > 0 and each["curve"] for each in found["trainings"])
    assert (ran / "compressors.png").read_bytes().startswith(b"\x89PNG")
    page = results_page.section(ran / "compressors.json")
    assert "![compressors](compressors.png)" in page
    assert all(f"| {label} |" in page for label in labels)
    assert found["costs"].keys() == set(labels)


def test_all_arms_keep_equally_many_tokens(ran: Path) -> None:
    kept = set()
    for rows in (ran / "run").glob("*/measured/*/rows.jsonl"):
        kept |= {json.loads(line)["cost"]["kept"][0] for line in rows.read_text().splitlines()}
    assert len(kept) == 1


def test_what_is_there_is_not_trained_again(
    ran: Path, recipe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    whole = Workshop._untrained

    def noted(self: Workshop, name: str, seed: int) -> Any:
        trained.append(f"{name}-{seed}")
        return whole(self, name, seed)

    weights = (ran / "run" / "single-5-3" / "trained.safetensors").stat().st_mtime_ns
    monkeypatch.setattr(Workshop, "_untrained", noted)
    ablations.main(arguments(recipe_path, ran, "ratios"))
    # The new one is trained and asked at two ratios; the other only asked.
    asked = ["widening-5", "widening-6", "single-5", "single-6"]
    assert trained == ["widening-5", "widening-6", *asked, *asked]
    assert (ran / "run" / "single-5-3" / "trained.safetensors").stat().st_mtime_ns == weights
    found = json.loads((ran / "ratios.json").read_text())
    assert found["plan"]["settings"] == ["widening 1/2", "only 4 1/2", "widening 1/4", "only 4 1/4"]
    assert {each["family"] for each in found["cells"]} == {"recall", "colour", "existence", "before"}


def test_other_settings_are_refused(ran: Path, recipe_path: Path, tmp_path: Path) -> None:
    other = arguments(recipe_path, ran, "compressors")
    changed = tmp_path / "changed.toml"
    changed.write_text(TINY.replace("questions = 3\nkeyed = 0.5", "questions = 2\nkeyed = 0.5"))
    with pytest.raises(UsageError, match=r"other settings \(lessons.questions\)"):
        ablations.main([*other, "--recipe", str(changed)])
    with pytest.raises(UsageError, match="no ablation 'colours': choose from compressors, ratios, intervals"):
        ablations.main(["colours", *other[1:]])
    for wrong in (["--seeds", "0"], ["--steps", "0"], ["--minutes", "-1"]):
        with pytest.raises(UsageError, match="numbers above 0"):
            ablations.main([*other, *wrong])


def test_a_stopped_training_goes_on_to_the_same_weights(
    ran: Path, recipe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    forward = Pupil.forward

    def stopping(self: Pupil, batch: dict[str, Tensor]) -> Tensor:
        steps.append(int(batch["number"]))
        if len(steps) == 3:  # after the checkpoint of the second step
            raise KeyboardInterrupt
        return forward(self, batch)

    monkeypatch.setattr(Pupil, "forward", stopping)
    command = arguments(recipe_path, tmp_path, "compressors")
    with pytest.raises(KeyboardInterrupt):
        ablations.main(command)
    stop_after_the_first(monkeypatch)
    with pytest.raises(Enough):
        ablations.main(command)
    assert steps == [0, 1, 2, 2]
    whole = load_file(ran / "run" / "single-5-3" / "trained.safetensors")
    resumed = load_file(tmp_path / "run" / "single-5-3" / "trained.safetensors")
    start = load_file(ran / "run" / "start-5" / "keys.safetensors")
    for name, tensor in whole.items():
        way = (tensor - start[name.removeprefix("decoder.")]).norm()
        assert (tensor - resumed[name]).norm() <= 0.01 * way, name


class Enough(Exception):  # noqa: N818
    """One training is enough."""


def stop_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Workshop.train

    def once(self: Workshop, run: Run) -> None:
        whole(self, run)
        raise Enough

    monkeypatch.setattr(Workshop, "train", once)


def test_films_are_the_same_whatever_the_ratios(ran: Path, recipe_path: Path) -> None:
    workshop = workshop_of(ran, recipe_path)
    lessons = {name: workshop.lessons(Run(name, 5, 4)) for name in ("single", "dropping", "widening")}
    for index in range(4):
        first = lessons["single"][index]
        assert torch.allclose(first["visual"], lessons["dropping"][index]["visual"], atol=1e-5)
        assert torch.equal(first["ids"], lessons["dropping"][index]["ids"])
        assert torch.allclose(first["visual"], lessons["widening"][index]["visual"], atol=1e-5)
    ratios = [int(lessons["widening"][index]["ratio"]) for index in range(4)]
    assert ratios == [2, 2, 8, 8]


def test_dynamic_intervals_are_those_of_watching(ran: Path, recipe_path: Path) -> None:
    """The same films, and for each the intervals that watching it would close."""
    workshop = workshop_of(ran, recipe_path)
    lessons, fixed = workshop.lessons(Run("dynamic", 5, 4)), workshop.lessons(Run("single", 5, 4))
    seen = set()
    for index in range(4):
        batch = lessons[index]
        assert torch.allclose(batch["visual"], fixed[index]["visual"], atol=1e-5)
        rule = DynamicIntervals(keep=1 / int(batch["ratio"]), ratios=(2, 4, 8))
        for film, length, cut in zip(batch["visual"], batch["lengths"].tolist(), batch["cuts"], strict=True):
            lm = tiny_lm()
            watcher = ChunkWatcher(lm, PREFIX, rule, 16)
            watcher.begin_film(rule.of_film(FilmFacts("film", 0, length, 16, 4, (2, 4, 8))))
            times = torch.zeros(length, dtype=torch.float64)
            watcher.push(VisualTokens(film[:length], times, times, torch.arange(length) // 4))
            watcher.end_film()
            assert [tuple(each) for each in cut.tolist() if each[0]] == list(watcher.finish().intervals or ())
            seen |= {length for length, _ in cut.tolist() if length}
    assert len(seen) > 1


def test_watching_only_may_be_dynamic(ran: Path, recipe_path: Path) -> None:
    ablations.main([*arguments(recipe_path, ran, "intervals"), "--seeds", "1"])
    found = json.loads((ran / "intervals.json").read_text())
    assert [each["training"] for each in found["trainings"]] == ["dynamic", "dynamic"]
    folders = sorted(path.name for path in (ran / "run" / "dynamic-5-3" / "measured").iterdir())
    assert folders == ["intervals-dynamic-4", "intervals-fixed-4"]
    plan = json.loads((ran / "run/dynamic-5-3/measured/intervals-dynamic-4/plan.json").read_text())
    assert plan["methods"]["dynamic"]["cache"]["part"] == "DynamicIntervals"


def workshop_of(ran: Path, recipe_path: Path) -> Workshop:
    return Workshop(load_ablations(recipe_path), ran / "run", ablations.eyes())


def test_steps_follow_from_minutes(recipe_path: Path, ran: Path, tmp_path: Path) -> None:
    workshop, path = workshop_of(ran, recipe_path), tmp_path / "steps.json"
    ablation = load_ablations(recipe_path).ablations["ratios"]
    steps = ablations.steps_of(ablation, workshop, 0.5, path)
    told = json.loads(path.read_text())
    assert told["seconds_per_step"].keys() == {"widening", "single"}
    assert 0 < steps * max(told["seconds_per_step"].values()) <= 30
    assert ablations.steps_of(ablation, workshop, 0.5, path) == steps


def test_differences_are_over_the_same_questions_of_all_seeds() -> None:
    recipe = load_ablations(ablations.RECIPE)
    ablation = recipe.ablations["families"]
    right = {
        "look-ups": {1: [1, 1, 0, 0], 2: [1, 0, 0, 0]},
        "all families": {1: [1, 1, 1, 0], 2: [1, 1, 1, 0]},
    }
    answers = {
        label: {seed: rows(label, told) for seed, told in each.items()} for label, each in right.items()
    }
    found = result("families", "", columns(ablation), answers, {}, 1, {})
    (line,) = (each for each in found["differences"] if each["family"] == "colour")
    assert (line["questions"], line["difference"]) == (8, 3 / 8)
    # Each of the two films gained: one question of four, and two.
    assert line["interval"] == [0.25, 0.5]
    cells = {each["setting"]: each for each in found["cells"] if each["family"] == "colour"}
    assert cells["look-ups"]["by_seed"] == [0.5, 0.25]
    assert cells["all families"]["by_seed"] == [0.75, 0.75]
    page = "\n".join(tables(found | {"trainings": []}))
    assert "0.38 (0.25 to 0.50)" in page
    assert "+0.38 [+0.25, +0.50]" in page


def rows(label: str, right: list[int]) -> list[dict[str, Any]]:
    """Two questions about each of two films."""
    return [
        {
            "film": film,
            "setting": label,
            "cost": {},
            "answers": [
                {
                    "family": "colour",
                    "question": f"{number}?",
                    "gold": "red",
                    "right": bool(right[2 * place + number]),
                    "tags": {"asked": "free"},
                }
                for number in range(2)
            ],
        }
        for place, film in enumerate(("one", "two"))
    ]


def test_the_recipe_in_the_repository() -> None:
    recipe = load_ablations(ablations.RECIPE)
    assert recipe.ablations.keys() == {"compressors", "ratios", "families", "intervals"}
    for ablation in recipe.ablations.values():
        task = task_of(recipe, ablation, Path("nowhere"))
        for seed in range(task.first_seed, task.first_seed + task.films):
            assert seed < recipe.films.first_seed
        labels = [column.label for column in columns(ablation)]
        assert len(set(labels)) == len(ablation.arms) * len(ablation.measured_at)
        assert task_of(recipe, ablation, Path("nowhere"), 1) == replace(task, films=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ratios = [4]", "ratios = [4, 8]"), "has one ratio"),
        (("measured_at = [4]", "measured_at = [8]"), "is not measured at"),
        (('training = "resampler"', 'training = "sampler"'), "no training 'sampler'"),
        (("until = 0.5", "until = 1.0"), "until has to grow"),
        (
            (
                "until = 1.0, ratios = [4] }]\n[trainings.resampler]",
                'until = 1.0, ratios = [4] }]\nintervals = "dynamic"\n[trainings.resampler]',
            ),
            "has fixed intervals",
        ),
        (('training = "resampler"', 'training = "resampler", intervals = "dynamic"'), "has fixed intervals"),
        (
            (
                'measured_at = [4]\narms = [\n    { label = "fixed"',
                'measured_at = [16]\narms = [\n    { label = "fixed"',
            ),
            "cannot keep 1/16",
        ),
        (("scenes = [4]", "scenes = [4, 8]"), "scenes is one number"),
        (("films = 2\n", "films = 2\nratios = [2]\n"), "ratios is not what all"),
        (("seed = 5", "seed = "), "is not TOML"),
        (("seed = 5", 'seed = "x"'), "seed"),
    ],
    ids=str,
)
def test_a_wrong_recipe_is_named_with_what_is_wrong(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(TINY.replace(*change))
    with pytest.raises(UsageError, match=message):
        load_ablations(path)


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read recipe"):
        load_ablations(tmp_path / "none.toml")
