"""MLVU, dev and test, in their published formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Parse, Query
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.mlvu import DEV
from longreel.evaluate.benchmarks.result import benchmark_result
from longreel.evaluate.benchmarks.tables import remarks
from tests.evaluate.benchmarks.folder import (
    SETTING,
    PutFilm,
    constant,
    data_of,
    metrics_of,
    perfect,
    result_of,
    rows_of,
    seeded,
    sorted_by,
    write_json,
)

MACRO, MICRO, GENERATED = "M-Avg (mean of tasks)", "M-Avg (mean of questions)", "G-Avg (mean of tasks)"
TEXTS = ["a cat", "a dog", "a fox", "an owl"]


def dev_row(name: str, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "video": f"{name}_{number % 2}.mp4",
        "duration": 480.5,
        "question": f"What is number {number}?",
        "question_type": "findNeedle" if name == "2_needle" else name.split("_", 1)[1],
    }
    if name in DEV[:7]:
        return {**row, "candidates": TEXTS, "answer": TEXTS[number % 4]}
    points = {"scoring_points": ["the owl", "at night"]} if name == "8_sub_scene" else {}
    return {**row, "answer": "An owl flies.", **points}


@pytest.fixture
def dev(tmp_path: Path, put_film: PutFilm) -> Data:
    """Six questions on plots, two in each other task."""
    for name in DEV:
        write_json(
            tmp_path / "json" / f"{name}.json", [dev_row(name, i) for i in range(6 if name == DEV[0] else 2)]
        )
        put_film(f"video/{name}/{name}_0.mp4", f"video/{name}/{name}_1.mp4")
    return data_of("mlvu", tmp_path)


def right_on_plots(query: Query) -> str:
    wrong = "A" if query.gold != "A" else "B"
    return query.gold if query.family == "plotQA" else wrong


def test_the_two_averages_differ_and_are_named(dev: Data) -> None:
    assert metrics_of(dev, perfect) == {MACRO: 100, MICRO: 100}
    averages = metrics_of(dev, right_on_plots)
    assert averages[MACRO] == pytest.approx(100 / 7, abs=1e-3)
    assert averages[MICRO] == pytest.approx(100 * 6 / 18, abs=1e-3)


@pytest.mark.parametrize("answerer", [constant("A"), seeded(1)])
def test_scores_of_those_who_do_not_know(dev: Data, answerer: Any) -> None:
    right = [(q.family, answerer(q) == q.gold) for q in dev.queries if q.options]
    tasks = {task for task, _ in right}
    shares = [sum(r for t, r in right if t == task) / sum(t == task for t, _ in right) for task in tasks]
    averages = metrics_of(dev, lambda query: answerer(query) if query.options else "")
    assert averages[MACRO] == pytest.approx(100 * sum(shares) / 7, abs=1e-3)
    assert averages[MICRO] == pytest.approx(100 * sum(r for _, r in right) / 18, abs=1e-3)


def test_the_task_is_that_of_the_file(dev: Data) -> None:
    tasks = sorted_by(result_of(dev, perfect), "task")
    assert tasks == {
        "plotQA": (100, 6),
        **{name.split("_", 1)[1]: (100, 2) for name in DEV[1:7]},
    }


def test_golds_are_option_texts(dev: Data) -> None:
    assert [query.gold for query in dev.queries[:4]] == list("ABCD")
    text = result_of(dev, lambda query: TEXTS["ABCD".index(query.gold)] if query.options else "")
    assert text["metrics"][0]["value"] == 100


def test_the_opener_is_in_the_prompt_and_its_continuation_is_read(dev: Data) -> None:
    assert dev.benchmark.wording(dev.queries[0], "").endswith("Best option: (")
    for parse in ("strict", "harness", "official"):
        assert metrics_of(dev, lambda query: f"{query.gold}) the one", parse)[MACRO] == 100  # type: ignore[arg-type]
    assert metrics_of(dev, lambda query: f"It is {query.gold}.", "official")[MACRO] == 0


def test_generated_answers_are_not_scored_without_a_judge(dev: Data) -> None:
    result = result_of(dev, perfect)
    assert [each["metric"] for each in result["metrics"]] == [MACRO, MICRO]
    assert result["answers"][SETTING]["generated"] == result["answers"][SETTING]["not_judged"] == 4


def test_the_mean_of_what_a_judge_gives(dev: Data) -> None:
    generated = [query for query in dev.queries if query.judged]
    grades: list[float | None] = [10.0, 6.0, 5.0, None]
    judged = {(SETTING, query.id): grade for query, grade in zip(generated, grades, strict=True)}
    assert [query.family for query in generated] == ["sub_scene"] * 2 + ["summary"] * 2
    assert metrics_of(dev, perfect, judgements=judged)[GENERATED] == (8 + 5) / 2
    # As in the benchmark's own script, a judgement that cannot be read is 0.
    assert metrics_of(dev, perfect, "official", judgements=judged)[GENERATED] == (8 + 2.5) / 2
    counts = result_of(dev, perfect, judgements=judged)["answers"][SETTING]
    assert (counts["not_judged"], counts["unreadable_judgements"]) == (1, 1)


def test_a_baseline_of_another_run_has_judgements_of_its_own(dev: Data) -> None:
    """Although its setting goes by the same name as one of this run."""
    generated = [query for query in dev.queries if query.judged]
    rows = rows_of(dev, perfect)
    ours = dict.fromkeys(((SETTING, query.id) for query in generated), 9.0)
    theirs = dict.fromkeys(((SETTING, query.id) for query in generated), 4.0)
    result = benchmark_result(
        dev,
        {"settings": [SETTING]},
        rows,
        {},
        parse="strict",
        baseline="elsewhere:fake",
        baseline_rows=rows,
        judgements=ours,
        baseline_judgements=theirs,
    )
    values = {each["metric"]: each["value"] for each in result["metrics"]}
    differences = {(each["to"], each["metric"]): each["value"] for each in result["differences"]}
    assert values[GENERATED] == 9
    assert differences["elsewhere:fake", GENERATED] == 5


def test_what_the_judge_left_open_is_said(dev: Data) -> None:
    generated = [query for query in dev.queries if query.judged]
    judged = {(SETTING, query.id): None for query in generated}
    said = said_about(dev)
    assert "fake: 4 free answers are not graded: name a judge with --judge" in said
    said = said_about(dev, judgements=judged)
    assert "fake: 4 judgements cannot be read and are left out (they are in judgements.jsonl)" in said
    said = said_about(dev, "official", judgements=judged)
    assert "fake: 4 judgements cannot be read and are counted as 0 (they are in judgements.jsonl)" in said


def said_about(data: Data, parse: Parse = "strict", **more: Any) -> list[str]:
    result = result_of(data, perfect, parse, **more)
    return remarks({**result, "plan": {**result["plan"], "task": {"subtitles": "none"}}})


def test_a_mean_over_fewer_tasks_says_so(dev: Data) -> None:
    for number in (0, 1):
        (dev.folder / "video" / "4_count" / f"4_count_{number}.mp4").unlink()
    fewer = data_of("mlvu", dev.folder)
    line = result_of(fewer, perfect)["metrics"][0]
    assert (line["metric"], line["classes"], line["absent_classes"]) == (MACRO, 6, ["count"])
    assert f"{MACRO} is over 6 of 7, without count" in said_about(fewer)
    assert not any(" is over " in said for said in said_about(dev))


@pytest.fixture
def test_set(tmp_path: Path, put_film: PutFilm) -> Path:
    options = [*TEXTS, "a bat", "a bee"]
    kinds = ["sportsQA", "tutorialQA", "findNeedle"]
    questions = [
        {
            "question_id": f"Q_{i}",
            "question_type": kinds[i % 3],
            "video": f"test_{i % 2}.mp4",
            "question": "What?",
            "candidates": options,
        }
        for i in range(12)
    ]
    write_json(tmp_path / "test_question.json", questions)
    golds = [{"question_id": f"Q_{i}", "answer": options[i % 6]} for i in range(12)]
    write_json(tmp_path / "answers" / "test_mcq_gt.json", golds)
    put_film("video/test_0.mp4", "video/test_1.mp4")
    return tmp_path


def test_the_test_set_has_six_options(test_set: Path) -> None:
    data = data_of("mlvu", test_set, "test")
    assert {query.gold for query in data.queries} == set("ABCDEF")
    assert metrics_of(data, perfect) == {MACRO: 100, MICRO: 100}
    assert metrics_of(data, constant("F"))[MICRO] == pytest.approx(100 / 6, abs=1e-3)
    assert set(sorted_by(result_of(data, perfect), "task")) == {"sportsQA", "tutorialQA", "needle"}


def test_the_harness_never_reads_the_last_two_of_six_letters(test_set: Path) -> None:
    data = data_of("mlvu", test_set, "test")
    assert metrics_of(data, perfect, "harness")[MICRO] == pytest.approx(100 * 4 / 6, abs=1e-3)
    assert metrics_of(data, perfect, "official")[MICRO] == 100


def test_answers_may_be_letters(test_set: Path) -> None:
    golds = [{"question_id": f"Q_{i}", "option": "ABCDEF"[i % 6]} for i in range(12)]
    write_json(test_set / "answers" / "test_mcq_gt.json", golds)
    assert metrics_of(data_of("mlvu", test_set, "test"), perfect)[MACRO] == 100


def test_answers_of_a_model_are_not_taken_for_the_published_ones(test_set: Path) -> None:
    handed_in = [{"question_id": f"Q_{i}", "question_type": "sportsQA", "option": "F"} for i in range(12)]
    write_json(test_set / "mine.json", handed_in)
    with pytest.raises(SourceError, match=r"mine\.json differ in the answer to Q_"):
        data_of("mlvu", test_set, "test")


def test_without_the_published_answers_there_is_no_score(test_set: Path) -> None:
    (test_set / "answers" / "test_mcq_gt.json").unlink()
    with pytest.raises(SourceError, match="no answer to Q_0"):
        data_of("mlvu", test_set, "test")


@pytest.mark.parametrize("split", ["dev", "test"])
def test_another_folder_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(SourceError, match="MLVU"):
        data_of("mlvu", tmp_path, split)


def test_a_gold_that_is_no_option_is_refused(dev: Data) -> None:
    row = {**dev_row(DEV[0], 0), "answer": "a whale"}
    write_json(dev.folder / "json" / f"{DEV[0]}.json", [row])
    with pytest.raises(SourceError, match="a whale"):
        data_of("mlvu", dev.folder)
