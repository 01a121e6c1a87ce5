"""Shares, intervals over films, the best constant answer, and paired differences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.evaluate.scoring import Mark, cell, difference

MARKS = st.lists(
    st.builds(
        Mark,
        film=st.sampled_from("abcd"),
        family=st.sampled_from(("colour", "place")),
        question=st.text(max_size=3),
        gold=st.sampled_from(("red", "blue", "beach")),
        right=st.booleans(),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda mark: (mark.film, mark.family, mark.question),
)


@settings(deadline=None)
@given(MARKS)
def test_a_share_is_the_mean_and_lies_in_its_interval(marks: list[Mark]) -> None:
    found = cell(marks)
    assert found.questions == len(marks)
    assert found.share == pytest.approx(sum(mark.right for mark in marks) / len(marks))
    assert found.films == len({mark.film for mark in marks})
    if found.films == 1:
        assert found.interval is None
    else:
        assert found.interval is not None
        by_film = [
            sum(m.right for m in marks if m.film == film) / sum(m.film == film for m in marks)
            for film in {mark.film for mark in marks}
        ]
        assert min(by_film) - 1e-9 <= found.interval[0] <= found.interval[1] <= max(by_film) + 1e-9


@settings(deadline=None)
@given(MARKS)
def test_the_best_constant_answer_is_found_by_trying_all(marks: list[Mark]) -> None:
    right = 0
    for family in {mark.family for mark in marks}:
        golds = [mark.gold for mark in marks if mark.family == family]
        right += max(golds.count(answer) for answer in golds)
    assert cell(marks).constant == pytest.approx(right / len(marks))


@settings(deadline=None)
@given(MARKS)
def test_a_run_does_not_differ_from_itself(marks: list[Mark]) -> None:
    found = difference(marks, marks[::-1])
    assert found is not None
    assert (found.questions, found.difference) == (len(marks), 0)
    assert found.interval in (None, (0, 0))


def test_differences_are_over_the_questions_both_have() -> None:
    ours = [Mark("a", "colour", str(i), "red", i < 3) for i in range(4)]
    theirs = [replace(mark, right=False) for mark in ours[:2]] + [Mark("b", "colour", "0", "red", True)]
    found = difference(ours, theirs)
    assert found is not None
    assert (found.questions, found.difference) == (2, 1)
    assert difference(ours, [Mark("c", "colour", "0", "red", True)]) is None


def test_films_that_agree_within_give_wider_intervals_than_answers_that_do_not() -> None:
    together = [Mark(str(i % 10), "colour", str(i), "red", i % 10 < 5) for i in range(200)]
    apart = [Mark(str(i % 10), "colour", str(i), "red", i // 10 % 2 == 0) for i in range(200)]
    wide, narrow = cell(together), cell(apart)
    assert wide.share == narrow.share == 0.5
    assert wide.interval is not None
    assert narrow.interval == (0.5, 0.5)
    assert wide.interval[1] - wide.interval[0] > 0.4
