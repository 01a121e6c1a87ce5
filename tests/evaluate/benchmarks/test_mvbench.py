"""MVBench in both of its releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.mvbench import TASKS
from longreel.evaluate.benchmarks.task import BenchmarkTask
from tests.evaluate.benchmarks.folder import (
    SETTING,
    PutFilm,
    constant,
    data_of,
    metrics_of,
    perfect,
    result_of,
    seeded,
    sorted_by,
    write_json,
)

MEAN = "mean of 20 accuracies"
BOUNDED = ("action_sequence", "action_prediction", "object_interaction", "action_localization")


def row(task: str, number: int) -> dict[str, Any]:
    options = [f"{task} {i}" for i in range(2 + number % 4)]
    bounds = {"start": 1.0 * number, "end": 2.0 + number} if task in BOUNDED else {}
    name = f"{task}_0" if task == "episodic_reasoning" else f"{task}_0.mp4"
    return {
        "video": name,
        "question": f"What is {number}?",
        "candidates": options,
        "answer": options[number % len(options)],
        **bounds,
    }


@pytest.fixture
def data(tmp_path: Path, put_film: PutFilm) -> Data:
    """The release in which parts are cut out; three questions per task, one on scene transitions."""
    for task in TASKS:
        count = 1 if task == "scene_transition" else 3
        write_json(tmp_path / "json" / f"{task}.json", [row(task, number) for number in range(count)])
        put_film(f"video/{TASKS[task].cut}/{task}_0.mp4")
    return data_of("mvbench", tmp_path)


def test_the_headline_is_the_mean_of_the_tasks(data: Data) -> None:
    assert metrics_of(data, perfect) == {MEAN: 100}
    assert len(sorted_by(result_of(data, perfect), "task")) == 20
    # Right in the task with one question only.
    one = metrics_of(data, lambda query: query.gold if query.family == "scene_transition" else "none")
    assert one == {MEAN: 5}


@pytest.mark.parametrize("answerer", [constant("B"), seeded(4)])
def test_scores_of_those_who_do_not_know(data: Data, answerer: Any) -> None:
    shares = []
    for task in TASKS:
        right = [answerer(query) == query.gold for query in data.queries if query.family == task]
        shares.append(sum(right) / len(right))
    assert metrics_of(data, answerer)[MEAN] == pytest.approx(100 * sum(shares) / 20, abs=1e-3)


def test_the_first_of_equal_candidates_is_gold(data: Data) -> None:
    twice = {**row("action_count", 0), "candidates": ["1", "3", "3"], "answer": "3"}
    write_json(data.folder / "json" / "action_count.json", [twice])
    queries = data_of("mvbench", data.folder).queries
    assert [query.gold for query in queries if query.family == "action_count"] == ["B"]


def test_parts_that_are_cut_out_are_watched_whole_and_once(data: Data) -> None:
    clips = [item.clip(Path()) for item in BenchmarkTask(data).items()]
    assert len(clips) == 20
    assert {(clip.start, clip.end) for clip in clips} == {(None, None)}


def test_in_the_earlier_release_start_and_end_are_heeded(data: Data, put_film: PutFilm) -> None:
    put_film("video/star/Charades_v1_480/action_sequence_0.mp4")
    items = [
        item
        for item in BenchmarkTask(data_of("mvbench", data.folder)).items()
        if item.queries[0].family == "action_sequence"
    ]
    assert [(item.clip(Path()).start, item.clip(Path()).end) for item in items] == [(0, 2), (1, 3), (2, 4)]
    assert len({item.key for item in items}) == 3


def test_in_the_earlier_release_one_task_has_pictures(data: Data) -> None:
    folder = data.folder / "video" / "tvqa" / "frames_fps3_hq" / "episodic_reasoning_0"
    folder.mkdir(parents=True)
    for number in range(1, 10):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"{number:05}.jpg")
    rows = [{**row("episodic_reasoning", 0), "start": 1.0, "end": 2.0}]
    write_json(data.folder / "json" / "episodic_reasoning.json", rows)
    (item,) = (
        item
        for item in BenchmarkTask(data_of("mvbench", data.folder)).items()
        if item.queries[0].family == "episodic_reasoning"
    )
    assert [(path.name, second) for path, second in item.clip(Path()).source] == [
        (f"{number + 1:05}.jpg", number / 3) for number in (3, 4, 5, 6)
    ]


def test_the_harness_leaves_empty_replies_out(data: Data) -> None:
    def half(query: Any) -> str:
        return query.gold if query.id.endswith("0") else " "

    assert metrics_of(data, half, "harness") == {MEAN: 100}
    assert result_of(data, half, "harness")["answers"][SETTING]["left_out"] == 38
    assert metrics_of(data, half)[MEAN] == pytest.approx(100 * (19 / 3 + 1) / 20, abs=1e-3)


def test_a_missing_task_is_named(data: Data) -> None:
    (data.folder / "json" / "state_change.json").unlink()
    with pytest.raises(SourceError, match="state_change"):
        data_of("mvbench", data.folder)


@pytest.mark.parametrize("change", [{"candidates": "yes"}, {"candidates": None}])
def test_odd_candidates_are_named(data: Data, change: dict[str, Any]) -> None:
    write_json(data.folder / "json" / "action_count.json", [{**row("action_count", 0), **change}])
    with pytest.raises(SourceError, match="action_count"):
        data_of("mvbench", data.folder)


def test_an_odd_start_is_named(data: Data, put_film: PutFilm) -> None:
    put_film("video/star/Charades_v1_480/action_sequence_0.mp4")
    write_json(
        data.folder / "json" / "action_sequence.json", [{**row("action_sequence", 0), "start": "soon"}]
    )
    with pytest.raises(SourceError, match=r"action_sequence\.json, row 1"):
        data_of("mvbench", data.folder)
