"""Video-MME-v2 in its published format, and the value of a group."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Query
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.task import BenchmarkTask
from longreel.evaluate.benchmarks.video_mme_v2 import group_share
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
    write_parquet,
)

SAID = ("hi", "my", "fox")
STRUCTURES = ["[1, 2, 3, 4]", "[1, [2, 3], 4]", "[[1, 2], 3, 4]"]


def row(video: int, question: int) -> dict[str, Any]:
    return {
        "video_id": f"{video:03}",
        "question_id": f"{video:03}-{question}",
        "question": f"What is {question}?",
        "options": "\n".join(f"{letter}. thing {letter.lower()}" for letter in "ABCDEFGH"),
        "answer": "ABCDEFGH"[(video + question) % 8],
        "group_type": "relevance" if video == 0 else "logic",
        "group_structure": "None" if video == 0 else STRUCTURES[video - 1],
        # Only the last question of a group has these.
        "level": 1 + video % 3 if question == 4 else None,
        "second_head": "Order" if question == 4 else None,
        "third_head": "Plot" if question == 4 else None,
    }


@pytest.fixture
def data(tmp_path: Path, put_film: PutFilm) -> Data:
    """One group of each kind."""
    # In whatever order the rows come.
    write_parquet(tmp_path / "test.parquet", [row(video, i) for video in range(4) for i in (1, 4, 2, 3)])
    words = [
        {"text": word, "start_time": i, "end_time": i + 0.5} for i, word in enumerate(["hi", "my", "fox"])
    ]
    write_lines(tmp_path / "subtitle" / "000.jsonl", words)
    put_film(*(f"videos/{video:03}.mp4" for video in range(4)))
    return data_of("video-mme-v2", tmp_path)


def right_on(*questions: int) -> Any:
    def answer(query: Query) -> str:
        return query.gold if int(query.id[-1]) in questions else "none"

    return answer


def test_scores(data: Data) -> None:
    assert metrics_of(data, perfect) == {"group score": 100, "accuracy": 100}
    for answerer in (constant("H"), seeded(8)):
        assert metrics_of(data, answerer)["accuracy"] == share(data, answerer)


@pytest.mark.parametrize(
    ("questions", "shares"),
    [
        ((), (0, 0, 0, 0)),
        ((1,), (6.25, 6.25, 100 / 12, 10)),
        ((2,), (6.25, 0, 0, 10)),
        ((1, 2), (25, 25, 400 / 12, 20)),
        ((1, 3), (25, 6.25, 400 / 12, 10)),
        ((2, 3), (25, 0, 0, 10)),
        ((1, 2, 3), (56.25, 56.25, 700 / 12, 50)),
        ((2, 3, 4), (56.25, 0, 0, 10)),
        ((1, 2, 3, 4), (100, 100, 100, 100)),
    ],
)
def test_what_a_group_is_worth(data: Data, questions: tuple[int, ...], shares: tuple[float, ...]) -> None:
    right = [number in questions for number in (1, 2, 3, 4)]
    kinds = [("relevance", "None"), *(("logic", structure) for structure in STRUCTURES)]
    assert [100 * group_share(right, *kind) for kind in kinds] == pytest.approx(shares)
    scored = metrics_of(data, right_on(*questions))
    assert scored["group score"] == pytest.approx(sum(shares) / 4, abs=1e-3)
    assert scored["accuracy"] == 25 * len(questions)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_more_right_answer_never_costs(structure: str) -> None:
    for right in product((False, True), repeat=4):
        for more in range(4):
            better = [each or place == more for place, each in enumerate(right)]
            assert group_share(better, "logic", structure) >= group_share(right, "logic", structure)


def test_a_group_has_the_level_of_its_last_question(data: Data) -> None:
    levels = sorted_by(result_of(data, perfect), "level")
    assert levels == {"1": (100, 2), "2": (100, 1), "3": (100, 1)}
    cells = result_of(data, perfect)["cells"]
    single = {each["value"]: each["units"] for each in cells if each["metric"] == "accuracy"}
    assert single == {"1": 8, "2": 4, "3": 4}
    assert {query.family for query in data.queries} == {"Order"}


def test_videos_and_subtitles_may_lie_as_the_hub_unpacks_them(data: Data) -> None:
    folder = data.folder
    (folder / "videos").rename(folder / "data")
    (folder / "subtitle").rename(folder / "inner")
    (folder / "subtitle").mkdir()
    (folder / "inner").rename(folder / "subtitle" / "subtitle")
    again = data_of("video-mme-v2", folder)
    assert len(again.usable()) == 4
    assert again.queries[0].subtitles is not None
    assert again.queries[0].subtitles.path.is_file()


def test_an_unknown_structure_is_refused(data: Data) -> None:
    write_parquet(data.folder / "test.parquet", [{**row(1, 1), "group_structure": "[4, 3]"}])
    with pytest.raises(SourceError, match="group_structure"):
        data_of("video-mme-v2", data.folder)


def test_subtitles_in_one_piece_or_between_frames(data: Data) -> None:
    def worded(way: str) -> str:
        asked = BenchmarkTask(data, way, 2).items()[0].questions()[0]
        return asked.wording(lambda text: True) or ""

    assert "hi my fox\nWhat is 1?" in worded("all")
    assert "hi\n[frame at 1.0 s]\nmy\nfox\n[frame at 3.0 s]\nWhat is 1?" in worded("interleaved")


def test_the_harness_takes_the_first_capital_of_a_sentence(data: Data) -> None:
    assert metrics_of(data, constant("Hello"), "harness")["accuracy"] == share(data, constant("H"))
    assert metrics_of(data, constant("Final Answer: A"), "harness")["accuracy"] == share(data, constant("A"))
