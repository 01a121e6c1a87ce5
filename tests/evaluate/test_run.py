"""Runs of an evaluation: every film watched once per setting, and nothing done twice after a kill."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import torch
from torch import OutOfMemoryError

import longreel
from longreel.ask import Decoding
from longreel.errors import LongreelError, UsageError
from longreel.evaluate.drawn_films import FilmsTask, NeedleTask
from longreel.evaluate.items import Task
from longreel.evaluate.result import result
from longreel.evaluate.run import Evaluation, evaluate
from longreel.evaluate.run_folder import RunFolder, read_rows
from longreel.evaluate.settings import BLIND, Setting, settings_to_compare, with_base, with_dense_intervals
from longreel.evaluate.tables import compared_with, cost_table, difference_table, share_table
from longreel.memory import VideoMemory
from longreel.method_parameters import MethodParameters
from longreel.methods import named_method
from longreel.model import Model
from tests.fakes import FakeAdapter, video_xl_model

SMALL = FilmsTask(films=2, minutes=(0.1,), families=("colour", "existence"), per_family=2, existence=3)
NEEDLES = NeedleTask(films=1, minutes=(2.0,), depths=(0.2, 0.8))


def evaluation(task: Task = SMALL, **changes: Any) -> Evaluation:
    settings = [*settings_to_compare(["random", "keep-all"], [1 / 2, 1 / 4]), BLIND]
    return Evaluation(task, FakeAdapter(), settings, **changes)


class Killed(BaseException):
    """Stands for a kill."""


def answers(folder: Path) -> list[Any]:
    return [(row["film"], row["setting"], row["answers"]) for row in read_rows(folder)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, to be copied and not changed."""
    return evaluate(evaluation(), tmp_path_factory.mktemp("whole")).folder


@pytest.mark.parametrize("task", [SMALL, NEEDLES], ids=lambda task: task.name)
def test_a_row_for_every_film_and_setting(tmp_path: Path, task: Task) -> None:
    run = evaluate(evaluation(task), tmp_path / "run")
    labels = ["random 1/2", "random 1/4", "keep-all", "blind"]
    assert [(row["film"], row["setting"]) for row in run.rows()] == [
        (item.key, label) for item in task.items() for label in labels
    ]
    for row in run.rows():
        asked = next(item for item in task.items() if item.key == row["film"]).questions()
        assert [answer["question"] for answer in row["answers"]] == [each.question.text for each in asked]
        assert asked
        assert bool(row["cost"]) == (row["setting"] != "blind")
    assert list((tmp_path / "run" / "films").iterdir()) == []
    assert list((tmp_path / "run" / "memories").iterdir()) == []


@pytest.mark.parametrize(
    ("killed_in", "after"),
    [("watch", 0), ("watch", 4), ("ask", 0), ("ask", 5), ("add", 0), ("add", 3), ("write", 0), ("write", 1)],
)
def test_a_killed_run_goes_on_without_doing_anything_twice(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_in: str, after: int
) -> None:
    homes = {
        "watch": "longreel.model.Model.watch",
        "ask": "longreel.model.Model.ask",
        "add": "longreel.evaluate.run_folder.RunFolder.add",
        "write": "longreel.evaluate.drawn_films.write_film",
    }
    count_calls(monkeypatch, homes, kill={killed_in: after})
    with pytest.raises(Killed):
        evaluate(evaluation(), tmp_path / "run")
    monkeypatch.undo()
    with open(tmp_path / "run" / "rows.jsonl", "a", encoding="utf-8") as file:
        file.write('{"film": "half a li')

    run = RunFolder(tmp_path / "run", evaluation().plan())
    done = {(row["film"], row["setting"]) for row in run.rows()}
    to_do = [
        (row["film"], row["setting"]) for row in read_rows(whole) if (row["film"], row["setting"]) not in done
    ]
    to_watch = [each for each in to_do if each[1] != "blind" and not run.memory(*each).exists()]
    calls = count_calls(monkeypatch, homes, kill={})
    evaluate(evaluation(), run.folder)
    assert answers(run.folder) == answers(whole)
    assert calls["add"] == len(to_do)
    assert calls["watch"] == len(to_watch)


def count_calls(monkeypatch: pytest.MonkeyPatch, homes: dict[str, str], kill: dict[str, int]) -> Counter[str]:
    """Count calls of what has these names; the call of the number in `kill` raises instead."""
    calls: Counter[str] = Counter()
    for name, home in homes.items():
        owner, _, attribute = home.rpartition(".")
        original = getattr(resolve_name(owner), attribute)

        def counted(*args: Any, name: str = name, original: Any = original, **kwargs: Any) -> Any:
            calls[name] += 1
            if calls[name] == kill.get(name, -1) + 1:
                raise Killed
            return original(*args, **kwargs)

        monkeypatch.setattr(resolve_name(owner), attribute, counted)
    return calls


def test_a_finished_run_watches_nothing_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    monkeypatch.setattr("longreel.model.Model.watch", None)
    evaluate(evaluation(), run)
    assert answers(run) == answers(whole)


def test_untimed_the_answers_are_the_same_and_frames_are_encoded_once(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = count_calls(monkeypatch, {"encode": "tests.fakes.FakeAdapter.encode"}, kill={})
    run = evaluate(evaluation(timed=False), tmp_path / "run")
    assert answers(run.folder) == answers(whole)
    untimed = encoded["encode"]
    evaluate(evaluation(), tmp_path / "timed")
    assert encoded["encode"] - untimed == 3 * untimed
    costs = [row["cost"] for row in run.rows() if row["cost"]]
    assert len(costs) == 6
    assert not any(name in cost for cost in costs for name in ("watch_seconds", "ask_seconds", "stages"))
    measured = result(evaluation(timed=False).plan(), run.rows(), {}, "keep-all", [])
    table = cost_table(measured)
    assert table[0] == ["", "raw frames", "frames", "visual tokens", "kept", "memory"]


def test_memories_stay_if_wanted(tmp_path: Path) -> None:
    evaluate(evaluation(keep_memories=True), tmp_path)
    assert len(list((tmp_path / "memories").iterdir())) == 6


def test_memories_are_extended_before_they_are_asked(tmp_path: Path) -> None:
    adapter, whole = longreel.load().adapter, named_method("keep-all")
    settings = [Setting("plain", whole), Setting("long", whole, extended=9000)]
    run = evaluate(Evaluation(SMALL, adapter, settings, keep_memories=True), tmp_path)
    for item in SMALL.items():
        plain, long = (VideoMemory.open(run.memory(item.key, each.label)) for each in settings)
        assert plain.window is None
        assert long.window is not None
        assert long.window.target == 9000
        assert not torch.equal(plain.layers[0].keys, long.layers[0].keys)
    shorter = [settings[0], replace(settings[1], extended=6000)]
    with pytest.raises(UsageError, match="extended"):
        evaluate(Evaluation(SMALL, adapter, shorter), tmp_path)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (evaluation(fps=1.0), "fps"),
        (evaluation(NEEDLES), "task"),
        (evaluation(timed=False), "timed"),
        (Evaluation(SMALL, FakeAdapter(1), evaluation().settings), "model.weights"),
        (Evaluation(SMALL, FakeAdapter(), evaluation().settings[1:]), "settings"),
    ],
)
def test_a_folder_with_another_run_is_refused_and_untouched(
    whole: Path, tmp_path: Path, other: Evaluation, named: str
) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    with pytest.raises(UsageError, match=named):
        evaluate(other, run)
    assert answers(run) == answers(whole)


def test_no_run_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no evaluation"):
        list(read_rows(tmp_path))


def test_a_result_counts_what_the_rows_say(tmp_path: Path) -> None:
    run = evaluate(evaluation(), tmp_path)
    rows = run.rows()
    found = result(evaluation().plan(), rows, {}, "keep-all", [r for r in rows if r["setting"] == "keep-all"])
    assert found["films"] == 2
    json.dumps(found, allow_nan=False)
    for cell in found["cells"]:
        chosen = [
            answer["right"]
            for row in rows
            if row["setting"] == cell["setting"]
            for answer in row["answers"]
            if answer["tags"]["asked"] == cell["asked"]
            and (cell["family"] in (answer["family"], "recall" if answer["family"] == "colour" else ""))
            and (cell["by"] == "all" or answer["tags"][cell["by"]] == cell["value"])
        ]
        assert len(chosen) == cell["questions"] > 0
        assert cell["share"] == round(sum(chosen) / len(chosen), 4)
    assert {each["to"] for each in found["differences"]} == {"keep-all"}
    same = [each for each in found["differences"] if each["setting"] == "keep-all"]
    assert {each["difference"] for each in same} == {0.0}
    assert set(found["costs"]) == {"random 1/2", "random 1/4", "keep-all"}
    assert found["costs"]["random 1/4"]["kept"] < found["costs"]["keep-all"]["kept"]
    for row in rows:
        if row["cost"]:
            assert row["cost"]["raw_frames"] == row["cost"]["frames"] == 12
            assert row["cost"]["visual_tokens"] == 36
            assert {stage["name"] for stage in row["cost"]["stages"]} >= {"read", "encode"}
            assert row["cost"]["memory_bytes"] > 0 < row["cost"]["watch_seconds"]


def test_differences_are_to_the_base_model_and_to_what_was_asked_for(tmp_path: Path) -> None:
    rows = evaluate(evaluation(), tmp_path).rows()
    quarter = [row for row in rows if row["setting"] == "random 1/4"]
    found = result(evaluation().plan(), rows, {}, "random 1/4", quarter)
    assert compared_with(found) == ["keep-all", "random 1/4"]
    for to in compared_with(found):
        table = difference_table(found, to, asked="free")
        assert [line[0] for line in table[1:]] == [
            label for label in found["plan"]["settings"] if label != to
        ]
        assert all(re.fullmatch(r"[+-]\d\.\d\d \[[+-]\d\.\d\d, [+-]\d\.\d\d\]", x) for x in table[1][1:])


def test_the_base_model_is_always_there() -> None:
    assert [each.label for each in with_base(settings_to_compare(["random"], [1 / 2]))] == [
        "keep-all",
        "random 1/2",
    ]
    named = settings_to_compare(["random", "keep-all"], [1 / 2])
    assert with_base(named) == named


def test_numbers_of_tokens_are_settings_too() -> None:
    settings = settings_to_compare(["recent-window", "keep-all", "uniform"], [1 / 2], [20, 4096])
    assert [(each.label, each.keep) for each in settings] == [
        ("recent-window 20 tokens", None),
        ("recent-window 4,096 tokens", None),
        ("keep-all", 1.0),
        ("uniform 20 tokens", None),
        ("uniform 4,096 tokens", None),
    ]
    with pytest.raises(UsageError, match="budget="):
        settings_to_compare(["recent-window"], [1 / 2])
    assert list(Evaluation(SMALL, FakeAdapter(), settings).plan()["keep"]) == ["keep-all"]


def test_what_the_base_model_has_no_room_for_is_told_and_the_rest_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAdapter, "context", 40)
    run = evaluate(evaluation(), tmp_path / "run")
    failed = [row for row in run.rows() if "failed" in row]
    assert {(row["setting"], len(row["answers"])) for row in failed} == {("keep-all", 0)}
    assert all("fits into the 40 positions" in row["failed"] for row in failed)
    found = result(evaluation().plan(), run.rows(), {}, "keep-all", [])
    assert list(found["failed"]["keep-all"]) == [item.key for item in SMALL.items()]
    assert found["differences"] == []
    table = share_table(found, asked="free")
    assert [line[0] for line in table[1:-1]] == found["plan"]["settings"]
    monkeypatch.setattr(FakeAdapter, "context", 20)
    with pytest.raises(UsageError, match="random"):
        evaluate(evaluation(), tmp_path / "none")


def test_a_base_model_that_runs_out_of_memory_does_not_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Model.watch

    def full(model: Model, *arguments: Any, **settings: Any) -> Any:
        if model.method.name == "keep-all":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 90 GiB.\nMore.")
        return watch(model, *arguments, **settings)

    monkeypatch.setattr(Model, "watch", full)
    rows = evaluate(evaluation(), tmp_path).rows()
    assert {row.get("failed") for row in rows} == {
        None,
        "out of memory: CUDA out of memory. Tried to allocate 90 GiB.",
    }


def test_needles_are_near_their_depths() -> None:
    (item,) = NEEDLES.items()
    asked = item.questions()
    assert [each.tags["depth"] for each in asked] == ["0.2", "0.8"]
    middles = [sum(each.question.spans[0]) / 2 / 120 for each in asked]
    assert abs(middles[0] - 0.2) < 0.2
    assert abs(middles[1] - 0.8) < 0.2


@pytest.mark.parametrize("line", [b"garbage", b"[]", b'{"film": "x"}', b"\xff\xfe"])
def test_a_damaged_row_is_named_by_its_line(whole: Path, tmp_path: Path, line: bytes) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    rows = (run / "rows.jsonl").read_bytes().split(b"\n")
    (run / "rows.jsonl").write_bytes(b"\n".join([rows[0], line, *rows[2:]]))
    with pytest.raises(LongreelError, match=r"rows\.jsonl, line 2 is damaged"):
        evaluate(evaluation(), run)
    (run / "rows.jsonl").write_bytes(b"\n".join([rows[0], *rows[2:]]))
    assert sorted(answers(evaluate(evaluation(), run).folder), key=str) == sorted(answers(whole), key=str)


@pytest.mark.parametrize("plan", ["{", "[]", ""])
def test_a_damaged_plan_is_named(whole: Path, tmp_path: Path, plan: str) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    (run / "plan.json").write_text(plan)
    with pytest.raises(UsageError, match=r"plan\.json is damaged"):
        evaluate(evaluation(), run)


@pytest.mark.parametrize("timed", [True, False])
def test_questions_look_as_closely_as_the_setting_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timed: bool
) -> None:
    looks: list[int | None] = []
    known = Decoding

    def seen(**settings: Any) -> Decoding:
        looks.append(settings["dense_intervals"])
        return known(**settings)

    adapter = video_xl_model(named_method("keep-all", 1.0)).adapter
    chosen = settings_to_compare(["video-xl", "random"], [1 / 8], parameters=MethodParameters(dense="2"))
    settings = with_dense_intervals(chosen, 2)
    assert [each.label for each in settings] == ["video-xl 1/8 --dense 2 --dense-intervals 2", "random 1/8"]
    monkeypatch.setattr("longreel.evaluate.run.Decoding", seen)
    monkeypatch.setattr("longreel.model.Decoding", lambda *given: seen(dense_intervals=given[-1]))
    evaluate(Evaluation(SMALL, adapter, settings[:1], timed=timed), tmp_path / "run")
    assert looks
    assert set(looks) == {2}
