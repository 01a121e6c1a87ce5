"""VNBench in its published format."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Parse, Query
from longreel.evaluate.benchmarks.data import Data
from tests.evaluate.benchmarks.folder import (
    PutFilm,
    constant,
    data_of,
    metrics_of,
    perfect,
    result_of,
    sorted_by,
    write_json,
)

ALL, SINGLE = "all four tries right", "single tries right"
TYPES = ("ret_edit1", "ret_insert1", "ord_edit1", "cnt_edit2")
TEXTS = ["4", "12", "7", "9"]
PARSES: tuple[Parse, ...] = ("harness", "official")


def rows(kind: str, number: int) -> list[dict[str, Any]]:
    """One sample: the options in four orders, so that every letter is right once."""
    return [
        {
            "video": f"/VNBench_new/{kind}_{number}.mp4",
            "question": "Which number is shown?",
            "options": TEXTS[turn:] + TEXTS[:turn],
            "gt": "4",
            "gt_option": "ADCB"[turn],
            "type": kind,
            "try": turn,
            "length": 30.0,
        }
        for turn in range(4)
    ]


@pytest.fixture
def data(tmp_path: Path, put_film: PutFilm) -> Data:
    """Two samples of each type, six of the first."""
    samples = [(kind, i) for kind in TYPES for i in range(6 if kind == TYPES[0] else 2)]
    write_json(tmp_path / "VNBench-main-4try.json", [row for sample in samples for row in rows(*sample)])
    put_film(*(f"VNBench_new/{kind}_{number}.mp4" for kind, number in samples))
    return data_of("vnbench", tmp_path)


def test_all_four_rotations_must_be_right(data: Data) -> None:
    assert metrics_of(data, perfect) == {ALL: 100, SINGLE: 100}
    assert metrics_of(data, constant("A")) == {ALL: 0, SINGLE: 25}

    def three_of_four(query: Query) -> str:
        return "E" if query.id.endswith("_2") else query.gold

    assert metrics_of(data, three_of_four) == {ALL: 0, SINGLE: 75}


def test_chance_is_less_than_half_a_percent(data: Data) -> None:
    luck = random.Random(0)
    scores = [metrics_of(data, lambda query: luck.choice("ABCD"))[ALL] for _ in range(20)]
    assert sum(scores) / len(scores) < 3


def test_types_weigh_the_same_however_many_samples(data: Data) -> None:
    def right_on_first(query: Query) -> str:
        return query.gold if query.family == TYPES[0] else "none"

    assert metrics_of(data, right_on_first) == {ALL: 25, SINGLE: 25}
    result = result_of(data, right_on_first)
    assert sorted_by(result, "type")["ret_edit1"] == (100, 6)
    assert sorted_by(result, "group") == {"ret": (50, 8), "ord": (0, 2), "cnt": (0, 2)}


def test_a_sample_with_fewer_tries_fails(data: Data) -> None:
    some = [row for row in rows(TYPES[0], 0) if row["try"] < 3]
    write_json(data.folder / "VNBench-main-4try.json", some)
    assert metrics_of(data_of("vnbench", data.folder), perfect) == {ALL: 0, SINGLE: 100}


@pytest.mark.parametrize("gold", ["4", 0, "A", "0"])
def test_golds_are_texts_letters_or_numbers(data: Data, gold: Any) -> None:
    row = {**rows(TYPES[0], 0)[0], "gt": gold}
    del row["gt_option"]
    write_json(data.folder / "VNBench-main-4try.json", [row])
    assert data_of("vnbench", data.folder).queries[0].gold == "A"


def test_a_gold_that_is_no_option_is_refused(data: Data) -> None:
    row = {**rows(TYPES[0], 0)[0], "gt": "a whale"}
    del row["gt_option"]
    write_json(data.folder / "VNBench-main-4try.json", [row])
    with pytest.raises(SourceError, match="whale"):
        data_of("vnbench", data.folder)


def test_the_benchmarks_own_check_prefers_early_letters(data: Data) -> None:
    for parse in PARSES:
        assert metrics_of(data, lambda query: f"Not D but {query.gold}", parse) == {ALL: 100, SINGLE: 100}
        assert metrics_of(data, lambda query: f"Not A but {query.gold}", parse) == {ALL: 0, SINGLE: 25}


def test_the_benchmarks_own_check_ends_at_the_first_full_stop(data: Data) -> None:
    said = metrics_of(data, lambda query: f"{query.gold}. A number, it is.", "official")
    assert said == {ALL: 100, SINGLE: 100}


def test_a_video_with_many_rows_is_one_item(data: Data) -> None:
    assert data.report()["clips"] == 12
