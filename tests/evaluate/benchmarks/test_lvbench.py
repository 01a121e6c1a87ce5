"""LVBench in its published format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longreel.evaluate.benchmarks.data import Data
from tests.evaluate.benchmarks.folder import (
    PutFilm,
    constant,
    data_of,
    metrics_of,
    perfect,
    result_of,
    seeded,
    share,
    sorted_by,
    write_lines,
)

ABILITIES = [["entity recognition"], ["reasoning", "event understanding"], ["reasoning"]]


def video(number: int) -> dict[str, Any]:
    questions = [
        {
            "uid": f"{number}{i}",
            "question": f"What happens at {i}?\n(A) rain\n(B) snow\n(C) hail\n(D) wind",
            "answer": "ABCD"[(number + i) % 4],
            "question_type": ABILITIES[i % 3],
            "time_reference": "00:10-00:20",
        }
        for i in range(3)
    ]
    return {"key": f"-yt_{number}", "type": "sport", "video_info": {"duration_minutes": 61}, "qa": questions}


@pytest.fixture
def data(tmp_path: Path, put_film: PutFilm) -> Data:
    write_lines(tmp_path / "video_info.meta.jsonl", [video(number) for number in range(4)])
    put_film(*(f"all_videos/-yt_{number}.mp4" for number in range(3)))
    return data_of("lvbench", tmp_path)


def test_the_denominator_is_what_was_asked(data: Data) -> None:
    report = data.report()
    assert report["missing"] == ["videos/-yt_3"]
    assert (report["questions_published"], report["questions_found"], report["questions_asked"]) == (
        1549,
        12,
        9,
    )
    assert result_of(data, perfect)["metrics"][0]["units"] == 9


def test_scores(data: Data, put_film: PutFilm) -> None:
    put_film("all_videos/-yt_3.mp4")
    whole = data_of("lvbench", data.folder)
    assert metrics_of(whole, perfect) == {"accuracy": 100}
    for answerer in (constant("C"), seeded(5)):
        assert metrics_of(whole, answerer) == {"accuracy": share(whole, answerer)}


def test_a_question_counts_in_each_of_its_abilities(data: Data) -> None:
    abilities = sorted_by(result_of(data, perfect), "ability")
    assert abilities == {
        "entity recognition": (100, 3),
        "reasoning": (100, 6),
        "event understanding": (100, 3),
    }


def test_options_are_taken_out_of_the_question(data: Data) -> None:
    query = data.queries[0]
    assert (query.question, query.options) == ("What happens at 0?", ("rain", "snow", "hail", "wind"))
    assert "\n(A) rain\n(B) snow\n" in data.benchmark.wording(query, "")


def test_the_official_check_looks_at_one_character(data: Data) -> None:
    assert metrics_of(data, lambda query: f"({query.gold}) it is", "official") == {"accuracy": 100}
    assert metrics_of(data, lambda query: f"It is {query.gold}", "official") == {"accuracy": 0}
    assert metrics_of(data, lambda query: f"It is {query.gold}", "harness") == {"accuracy": 100}
