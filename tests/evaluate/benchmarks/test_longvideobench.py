"""LongVideoBench in its published format."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from longreel.errors import SourceError, UsageError
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.subtitles import Line, Subtitles, mixed_lines, strictly_on_screen
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
    share,
    sorted_by,
    write_json,
)

GROUPS = (15, 60, 600, 3600)


def row(number: int) -> dict[str, Any]:
    count = 4 + number % 2
    options = {f"option{i}": f"thing {i}" if i < count else "N/A" for i in range(5)}
    return {
        "video_id": f"v{number // 2}",
        "id": f"v{number // 2}_{number}",
        "video_path": f"v{number // 2}.mp4",
        "subtitle_path": f"v{number // 2}_en.json",
        "correct_choice": number % count,
        "question": f"What is at {number}?",
        **options,
        "duration": 4.0,
        "duration_group": GROUPS[number % 4],
        "question_category": "S2E",
        "topic_category": "KA-Knowledge-Art",
        "starting_timestamp_for_subtitles": 100.0 if number < 2 else 0,
    }


@pytest.fixture
def data(tmp_path: Path, put_film: PutFilm) -> Data:
    write_json(tmp_path / "lvb_val.json", [row(number) for number in range(8)])
    first = [
        {"start": "00:01:30.5", "end": "00:01:39.0", "line": "before it begins"},
        {"start": "00:01:41", "end": "00:01:42", "line": "one"},
        {"start": "00:01:43.0", "end": None, "line": "to the end"},
    ]
    write_json(tmp_path / "subtitles" / "v0_en.json", first)
    write_json(tmp_path / "subtitles" / "v1_en.json", [{"timestamp": [0.4, None], "text": "always"}])
    put_film(*(f"videos/v{number}.mp4" for number in range(4)))
    return data_of("longvideobench", tmp_path)


def test_scores(data: Data) -> None:
    assert metrics_of(data, perfect) == {"accuracy": 100}
    for answerer in (constant("A"), constant("E"), seeded(2)):
        assert metrics_of(data, answerer) == {"accuracy": share(data, answerer)}
    groups = sorted_by(result_of(data, perfect), "duration_group")
    assert groups == {str(group): (100, 2) for group in GROUPS}


def test_absent_options_are_not_shown(data: Data) -> None:
    four, five = data.queries[:2]
    assert (len(four.options), len(five.options)) == (4, 5)
    assert "N/A" not in data.benchmark.wording(four, "")
    assert "\nE. thing 4\n" in data.benchmark.wording(five, "")


def test_golds_are_counted_among_the_options_that_are_there(data: Data) -> None:
    gap = {**row(1), "option0": "N/A", "option1": "same", "option2": "same", "correct_choice": 2}
    write_json(data.folder / "lvb_val.json", [gap])
    assert data_of("longvideobench", data.folder).queries[0].gold == "B"


def test_both_shapes_of_subtitles(data: Data) -> None:
    folder = data.folder / "subtitles"
    assert mixed_lines(Subtitles(folder / "v0_en.json", 100.0), 4.0) == [
        Line(1.0, 2.0, "one"),
        Line(3.0, 4.0, "to the end"),
    ]
    assert mixed_lines(Subtitles(folder / "v1_en.json"), 4.0) == [Line(0.4, 4.0, "always")]


def test_a_frame_must_fall_strictly_inside_a_second_at_least() -> None:
    lines = [Line(1.0, 2.0, "border"), Line(3.4, 3.6, "short")]
    assert strictly_on_screen(lines, [1.0, 2.0]) == []
    assert strictly_on_screen(lines, [1.5]) == lines[:1]
    assert strictly_on_screen(lines, [3.05]) == lines[1:]
    assert strictly_on_screen(lines, [2.95]) == []


def test_interleaved_subtitles_stand_between_the_frames(data: Data) -> None:
    asked = BenchmarkTask(data, "interleaved", 4).items()[0].questions()[0]
    text = asked.wording(lambda text: True)
    assert text is not None
    assert [line for line in text.split("\n") if line.startswith("[") or line in ("one", "to the end")] == [
        "[frame at 0.5 s]",
        "[frame at 1.5 s]",
        "one",
        "[frame at 2.5 s]",
        "[frame at 3.5 s]",
        "to the end",
    ]


def test_subtitles_that_are_too_long_lose_lines_evenly(data: Data) -> None:
    lines = [{"timestamp": [i / 100, i / 100 + 0.01], "text": f"word{i:03}"} for i in range(400)]
    write_json(data.folder / "subtitles" / "v0_en.json", lines)
    asked = BenchmarkTask(data, "all").items()[0].questions()[1]
    write_json(
        data.folder / "subtitles" / "v0_en.json", [{**each, "timestamp": [101, 102]} for each in lines]
    )
    text = asked.wording(lambda text: len(text) < 1000)
    assert text is not None
    kept = [int(line[4:]) for line in text.split("\n") if line.startswith("word")]
    assert 50 < len(kept) < 120
    steps = {after - before for before, after in pairwise(kept)}
    assert max(steps) - min(steps) <= 1
    assert asked.wording(lambda text: len(text) < 10) is None


def test_the_harness_takes_the_first_capital(data: Data) -> None:
    answers = result_of(data, constant("Based on the film it is A"), "harness")
    assert answers["metrics"][0]["value"] == share(data, constant("B"))
    # An E is read where there are four options too, and "Answer" begins with an A.
    fifth = result_of(data, constant("Either way, A"), "harness")
    assert fifth["metrics"][0]["value"] == share(data, constant("E"))
    assert fifth["answers"][SETTING]["unparsed"] == 0
    assert metrics_of(data, constant("Answer: B"), "harness") == {"accuracy": share(data, constant("A"))}
    unread = result_of(data, constant("no idea"), "harness")["answers"][SETTING]
    assert unread["unparsed_percent"] == 100


def test_a_prompt_of_ones_own_is_filled(data: Data) -> None:
    prompt = 'Said: {subtitles}\n{question}\n{bracketed}\nReply {"answer": "A"}'
    asked = BenchmarkTask(data, "all", prompt=prompt).items()[0].questions()[0]
    options = "\n".join(f"({letter}) thing {number}" for number, letter in enumerate("ABCD"))
    expected = f'Said: one\nto the end\nWhat is at 0?\n{options}\nReply {{"answer": "A"}}'
    assert asked.wording(lambda text: True) == expected
    with pytest.raises(UsageError, match=r"no \{subtitles\}"):
        BenchmarkTask(data, "all", prompt="{question} {options}")


def test_damaged_subtitles_are_named(data: Data) -> None:
    (data.folder / "subtitles" / "v0_en.json").write_text('[{"text": "no time"}]')
    with pytest.raises(SourceError, match="v0_en"):
        BenchmarkTask(data, "all").items()[0].questions()[0].wording(lambda text: True)


@pytest.mark.parametrize(
    "change",
    [
        {"correct_choice": "first"},
        {"correct_choice": None},
        {"correct_choice": 9},
        {"correct_choice": -1},
        {"correct_choice": 2, "option2": "N/A"},
        {"starting_timestamp_for_subtitles": "soon"},
    ],
)
def test_odd_values_are_named(data: Data, change: dict[str, Any]) -> None:
    write_json(data.folder / "lvb_val.json", [row(0), {**row(1), **change}])
    with pytest.raises(SourceError, match=r"lvb_val.json, row 2"):
        data_of("longvideobench", data.folder)
