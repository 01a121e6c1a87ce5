"""The experiments at a tiny size: films, arms, a run that is broken off, and the page about a result."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

import longreel
from longreel.compress.context_window import scaled_frequencies
from longreel.errors import UsageError
from longreel.model import Model
from longreel.models.base import ModelAdapter
from longreel.positions import Rotation, inverse_frequencies
from tests.families.checkpoints import write_checkpoint

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import experiments
import results_page
from experiment.bench import Arm, Bench, Experiment, Leg
from experiment.films import PartsTask, SceneTask, film_of
from experiment.parts import OffScale
from experiment.result import result, tables

TINY = ["--films", "1", "--minutes", "0.1", "--first-seed", "911000000", "--families", "colour", "existence"]
TINY += ["--per-family", "3", "--existence", "1", "--min-event", "0.5", "--keep", "1/4"]


@pytest.fixture(scope="module")
def adapter() -> ModelAdapter:
    return longreel.load().adapter


@pytest.fixture(scope="module")
def gridded(tmp_path_factory: pytest.TempPathFactory) -> ModelAdapter:
    """Random weights of a family whose tokens are a grid, 3 x 3."""
    folder = write_checkpoint("llava_onevision", tmp_path_factory.mktemp("gridded"))
    return longreel.load(folder).adapter


def chosen(name: str, folder: Path, *more: str) -> Namespace:
    return experiments.parsed([name, *TINY, "--folder", str(folder), *more])


def defined(name: str, adapter: ModelAdapter, folder: Path, *more: str) -> Experiment:
    return experiments.EXPERIMENTS[name](Bench(adapter, chosen(name, folder, *more)))


def done(experiment: Experiment, adapter: ModelAdapter, folder: Path, **more: Any) -> dict[str, Any]:
    return result(experiment, experiments.run(experiment, adapter, folder, **more), {})


def check(found: dict[str, Any], experiment: Experiment) -> None:
    """Every arm has a share, and is compared over as many questions as it was asked."""
    recall = {each["setting"]: each for each in found["cells"] if each["family"] == "recall"}
    assert recall.keys() == {arm.label for arm in experiment.arms}
    compared = {(each["setting"], each["to"]) for each in found["differences"] if each["family"] == "recall"}
    assert compared == {(arm.label, other) for arm in experiment.arms for other in arm.against}
    for each in found["differences"]:
        if each["family"] == "recall":
            assert each["questions"] == recall[each["setting"]]["questions"]
    page = "\n".join(tables(found))
    assert all(f"| {arm.label} |" in page for arm in experiment.arms)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("longer", []),
        ("dpselect", []),
        ("pivotkv", []),
        ("balance", []),
        ("window", ["--multiples", "1", "2", "--scales", "1", "2"]),
        ("extend", ["--multiples", "1", "2"]),
        ("combined", []),
    ],
)
def test_every_experiment_on_the_default(
    adapter: ModelAdapter, tmp_path: Path, name: str, more: list[str]
) -> None:
    experiment = defined(name, adapter, tmp_path, *more)
    found = done(experiment, adapter, tmp_path)
    check(found, experiment)
    assert found["films"] == len({leg.films for leg in experiment.legs})
    assert bool(found["left_out"]) == (name == "combined")
    output = tmp_path / "result.json"
    experiments.store(found | results_page_origin(), output)
    assert results_page.section(output).startswith("## [result.json](result.json)")
    if experiment.x:
        assert output.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert "![" + name in results_page.section(output)


def results_page_origin() -> dict[str, Any]:
    return {"command": "python", "hardware": {"cores": 1, "cpu": "one"}, "versions": {}}


@pytest.mark.parametrize("name", ["pooling", "combined"])
def test_experiments_with_pooling(gridded: ModelAdapter, tmp_path: Path, name: str) -> None:
    # Random weights never end an answer: few questions.
    few = ["--families", "colour", "--per-family", "1"]
    experiment = defined(name, gridded, tmp_path, "--strides", "1", "3", "--keep", "3/4", *few)
    found = done(experiment, gridded, tmp_path)
    check(found, experiment)
    assert not found["left_out"]
    if name == "combined":
        assert {"pooling + DPSelect + PivotKV + window", "pooling + uniform"} <= found["costs"].keys()


def test_what_a_model_cannot_do_is_left_out(
    adapter: ModelAdapter, gridded: ModelAdapter, tmp_path: Path
) -> None:
    none = defined("pooling", adapter, tmp_path)
    assert not none.legs
    assert set(none.left_out.values()) == {"the tokens of this model are no grid"}
    large = defined("pooling", gridded, tmp_path, "--strides", "2", "8")
    assert [arm.label for arm in large.arms] == ["all by 2 1/4", "blind"]
    assert "stride 8 is larger than the 3x3" in large.left_out["all by 8"]
    plain = defined("pivotkv", gridded, tmp_path)
    assert not any("summary" in arm.label for arm in plain.arms)
    assert "summary tokens" in plain.left_out
    asked = defined("pivotkv", adapter, tmp_path, "--families", "colour", "when", "next")
    assert asked.legs[0].task.families == ("colour",)
    assert len(asked.left_out) == 2


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_films_are_watched_at_the_frames_per_second_that_were_chosen(
    adapter: ModelAdapter, tmp_path: Path, name: str
) -> None:
    own = {leg.fps for leg in defined(name, adapter, tmp_path).legs}
    assert own <= ({4.0} if name == "dpselect" else {None})
    assert {leg.fps for leg in defined(name, adapter, tmp_path, "--fps", "1").legs} <= {1.0}


def test_longer_films_are_fewer_and_asked_more(adapter: ModelAdapter, tmp_path: Path) -> None:
    more = ["--films", "40", "--minutes", "5", "--multiples", "1", "2", "16"]
    legs = defined("window", adapter, tmp_path, *more).legs
    assert [leg.task.minutes for leg in legs] == [(5.0,), (10.0,), (80.0,)]
    assert [(leg.task.films, leg.task.per_family) for leg in legs] == [(40, 3), (20, 6), (10, 12)]
    assert len({leg.films for leg in legs}) == 3


def test_nothing_is_counted_before_a_run(adapter: ModelAdapter, tmp_path: Path) -> None:
    experiment = defined("longer", adapter, tmp_path)
    found = result(experiment, experiments.so_far(experiment, tmp_path), {})
    assert (found["films"], found["cells"]) == (0, [])
    assert "Films: 0" in next(tables(found))


def test_ways_of_one_fraction_keep_equally_much(adapter: ModelAdapter, tmp_path: Path) -> None:
    experiment = defined("pivotkv", adapter, tmp_path, "--minutes", "0.3")
    rows = experiments.run(experiment, adapter, tmp_path)["films"]
    tokens = next(row["cost"]["visual_tokens"] for row in rows if row["setting"] == "keep-all")
    for arm, row in zip(experiment.arms, rows, strict=True):
        if arm.x is not None and arm.line != "PivotKV by layer":
            assert abs(row["cost"]["kept"][0] - arm.x * tokens) <= 4


class Killed(BaseException):
    """Stands for a kill."""


def test_a_run_that_was_killed_goes_on(
    adapter: ModelAdapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = defined("longer", adapter, tmp_path)
    whole = done(experiment, adapter, tmp_path / "whole")
    watched = Counter[bool]()
    watch = Model.watch

    def counted(*args: Any, **kwargs: Any) -> Any:
        watched[True] += 1
        if watched[True] == 7:
            raise Killed
        return watch(*args, **kwargs)

    monkeypatch.setattr(Model, "watch", counted)
    with pytest.raises(Killed):
        experiments.run(experiment, adapter, tmp_path / "run")
    partly = result(experiment, experiments.so_far(experiment, tmp_path / "run"), {})
    assert (partly["films"], partly["cells"]) == (0, [])
    experiments.run(experiment, adapter, tmp_path / "run")
    again = result(experiment, experiments.so_far(experiment, tmp_path / "run"), {})
    assert (again["cells"], again["differences"]) == (whole["cells"], whole["differences"])
    # Four quarters, and all arms but the blind one; the one that was killed counts twice.
    assert watched[True] == 4 + len(experiment.legs[1].arms) - 1 + 1


def parts(*, whole: bool) -> PartsTask:
    return PartsTask(films=2, minutes=(2.0,), first_seed=911_000_000, options=False, whole=whole)


def test_parts_are_asked_what_they_show() -> None:
    whole, cut = parts(whole=True), parts(whole=False)
    asked: dict[str, list[str]] = {}
    for item in cut.items():
        asked.setdefault(film_of(item.key), []).extend(each.question.text for each in item.questions())
    for item in whole.items():
        assert Counter(asked[item.key]) == Counter(each.question.text for each in item.questions())
        assert len(item.questions()) > 40


def test_scenes_asked_about_lie_in_their_part(tmp_path: Path) -> None:
    task = PartsTask(
        films=1, minutes=(0.5,), first_seed=911_000_001, parts=2, whole=False, store=tmp_path, min_event=0.5
    )
    for number, item in enumerate(task.items()):
        clip = item.clip(tmp_path / "elsewhere.mp4")
        assert (clip.start, clip.end) == (15.0 * number, 15.0 * (number + 1))
        assert clip.source.parent == tmp_path
        spans = [span for each in item.questions() for span in each.question.spans]
        assert spans
        assert all(clip.start <= start and end <= clip.end for start, end in spans)
    assert len(list(tmp_path.glob("*.mp4"))) == 1


def test_scenes_last_as_long_as_wanted() -> None:
    task = SceneTask(films=1, minutes=(1.0,), shortest=0.5, longest=1.0)
    lengths = [scene.seconds for scene in task.drawn()[0].scenes]
    assert min(lengths) >= 0.5
    assert max(lengths) <= 1.5
    assert "store" not in task.settings()


@pytest.mark.parametrize(("off", "scale"), [(0.1, 1.0), (0.5, 2.0), (1.0, 4.0), (2.0, 8.0)])
def test_tables_off_the_right_scale(off: float, scale: float) -> None:
    trained = Rotation(inverse_frequencies(64, 1e4))
    table = OffScale(off=off).fitted(trained, 600, 2400)
    expected = scaled_frequencies(64, 1e4, 600, 600 * scale).inv_freq
    assert torch.allclose(torch.tensor(table.inv_freq, dtype=torch.float64), expected, rtol=1e-9)
    assert (table.window, table.target) == (600, 2400)


def row(film: str, setting: str, *right: bool) -> dict[str, Any]:
    answers = [
        {"family": "colour", "question": f"{film_of(film)} {number}", "gold": "red", "right": mark}
        | {"tags": {"asked": "free"}}
        for number, mark in enumerate(right)
    ]
    return {"film": film, "setting": setting, "cost": {}, "answers": answers}


def test_only_films_that_all_arms_watched_count(tmp_path: Path) -> None:
    one, other = Arm("one", None), Arm("other", None, against=("one",))
    cut, whole = parts(whole=False), parts(whole=True)
    experiment = Experiment("longer", "", [Leg("cut", cut, [one]), Leg("whole", whole, [other])])
    items = [item.key for item in cut.items()]
    first, second = (item.key for item in whole.items())
    rows = [row(key, "one", True) for key in items if film_of(key) == first]
    for each, number in zip(rows, range(4), strict=True):
        each["answers"][0]["question"] = f"{first} {number}"
    legs = {"cut": rows, "whole": [row(first, "other", True, False, False, True), row(second, "other", True)]}
    found = result(experiment, legs, {})
    assert found["films"] == 1
    (line,) = [each for each in found["differences"] if each["family"] == "colour"]
    assert (line["questions"], line["difference"]) == (4, -0.5)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.json"
    arguments = ["balance", *TINY, "--folder", str(tmp_path / "run"), "-o", str(output)]
    experiments.main(arguments)
    found = json.loads(output.read_text())
    assert found["command"].startswith("python benchmarks/experiments.py balance --films 1")
    assert found["figure"] == "out.png"
    assert "DPSelect 0.500 x PivotKV 0.500" in capsys.readouterr().out
    experiments.main([*arguments, "--so-far"])
    assert json.loads(output.read_text())["cells"] == found["cells"]
    assert not (tmp_path / "run" / "drawn").exists()
    with pytest.raises(UsageError, match="no question family"):
        experiments.parsed(["balance", "--families", "smell"])
