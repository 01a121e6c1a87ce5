"""Charades-STA in its published format, and the times in answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Query
from longreel.evaluate.benchmarks.charades_sta import overlap
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.parse import harness_span, strict_span
from tests.evaluate.benchmarks.folder import SETTING, PutFilm, constant, data_of, metrics_of, result_of

LINES = """3MSZA 24.3 30.4##person turn a light on.
3MSZA 0.0 10.0##person opens a door.
3MSZA 0.0 10.0##person opens a door.
AMT7R 10.0 20.0##a person is putting a book on a shelf.

"""
NAMES = ["R@IoU 0.3", "R@IoU 0.5", "R@IoU 0.7", "mIoU"]


@pytest.fixture
def data(tmp_path: Path, put_film: PutFilm) -> Data:
    (tmp_path / "charades_sta_test.txt").write_text(LINES)
    put_film("Charades_v1_480/3MSZA.mp4", "Charades_v1_480/AMT7R.mp4")
    return data_of("charades-sta", tmp_path)


def told(query: Query) -> str:
    start, end = query.gold.split()
    return f"From {start} to {end} seconds."


def test_scores(data: Data) -> None:
    assert metrics_of(data, told) == dict.fromkeys(NAMES, 100)
    # Overlaps 0, 0.6, 0.6 and 0.
    assert list(metrics_of(data, constant("0 - 6 s")).values()) == [50, 50, 0, 30]
    assert list(metrics_of(data, constant("no idea")).values()) == [0, 0, 0, 0]


def test_a_threshold_is_reached_by_the_exact_share(data: Data) -> None:
    assert list(metrics_of(data, constant("0 - 5")).values()) == [50, 50, 0, 25]


def test_a_sentence_that_is_there_twice_counts_twice(data: Data) -> None:
    assert result_of(data, told)["metrics"][0]["units"] == 4


def test_in_the_harness_it_counts_once(data: Data) -> None:
    found = result_of(data, told, "harness")
    assert found["metrics"][0]["units"] == 3
    assert found["answers"][SETTING]["left_out"] == 1


def test_no_times_are_no_overlap_and_counted(data: Data) -> None:
    answers = result_of(data, lambda query: told(query) if query.id == "1" else "later")["answers"][SETTING]
    assert answers["unparsed_percent"] == 75


@pytest.mark.parametrize(
    ("answer", "span"),
    [
        ("24.3 - 30.4", (24.3, 30.4)),
        ("From 24.3s to 30.4s.", (24.3, 30.4)),
        ("between 2 and 5 seconds", (2, 5)),
        ("0:10 to 1:05", (10, 65)),
        ("1:00:10-1:01:00.5", (3610, 3660.5)),
        ("30 \u2013 24", (24, 30)),
        ("It begins at 12 seconds", None),
        ("", None),
    ],
)
def test_times_in_answers(answer: str, span: tuple[float, float] | None) -> None:
    assert strict_span(answer) == span


def test_the_harness_knows_to_and_dashes_only() -> None:
    assert harness_span("30 to 24") == (24, 30)
    assert harness_span("2 and 5") is None


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [((0, 2), (1, 3), 1 / 3), ((0, 1), (2, 3), 0), ((1, 1), (1, 1), 1), ((0, 4), (1, 2), 0.25)],
)
def test_overlap(one: tuple[float, float], other: tuple[float, float], share: float) -> None:
    assert overlap(one, other) == overlap(other, one) == pytest.approx(share)


def test_a_broken_line_is_named(data: Data) -> None:
    (data.folder / "charades_sta_test.txt").write_text(LINES + "3MSZA 1.0##half a line\n")
    with pytest.raises(SourceError, match="line 5"):
        data_of("charades-sta", data.folder)
