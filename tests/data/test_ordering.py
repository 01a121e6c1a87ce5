"""Questions about the order of clues: their answers are right, and training reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from longreel.data.clues import PLACEHOLDERS, Clue, clue_text, telling
from longreel.data.ordering import ordering_samples
from longreel.train.conversations.samples import parse_sample

WORDS = st.text("abc {}", min_size=1, max_size=4).map(clue_text).filter(bool)
CLUES = st.lists(st.builds(Clue, WORDS, st.integers(0, 12).map(float)), max_size=14)


def named(sample: dict[str, Any]) -> list[str]:
    """The clues of a question in the order that its answer gives."""
    question, answer = (turn["value"] for turn in sample["conversations"])
    if re.fullmatch(r"[A-E](, [A-E])+", answer):
        by_letter = dict(re.findall(r"^\(([A-E])\) (.*)$", question, re.MULTILINE))
        assert sorted(answer.split(", ")) == sorted(by_letter)
        return [by_letter[letter] for letter in answer.split(", ")]
    listed = [line.partition(". ")[2] for line in answer.split("\n")]
    assert sorted(listed) == sorted(re.findall(r"^- (.*)$", question, re.MULTILINE))
    return listed


@given(CLUES, st.integers(0, 2**32), st.integers(1, 6))
def test_every_answer_is_in_the_order_of_time(clues: list[Clue], seed: int, most: int) -> None:
    samples = ordering_samples("a/film.mp4", clues, most=most, seed=seed)
    assert len(samples) <= most
    moments: dict[str, set[float]] = {}
    for clue in clues:
        moments.setdefault(clue.text, set()).add(clue.moment)
    for sample in samples:
        times = [min(moments[text]) for text in named(sample)]
        assert 3 <= len(times) <= 5
        assert times == sorted(set(times))
        assert all(len(moments[text]) == 1 for text in named(sample)), "a clue seen twice has no place"
        parsed = parse_sample(sample, Path("films"))
        assert parsed.videos == (Path("films/a/film.mp4"),)
        assert parsed.turns[0].leading == ("<video>",)
    assert len({frozenset(named(sample)) for sample in samples}) == len(samples)
    assert len({sample["id"] for sample in samples}) == len(samples)


@given(CLUES)
def test_there_is_a_question_where_there_are_three_moments(clues: list[Clue]) -> None:
    possible = len({clue.moment for clue in telling(clues)}) >= 3
    assert bool(ordering_samples("film.mp4", clues, most=1, seed=0)) == possible


def test_seed_and_film_decide_what_is_asked() -> None:
    clues = [Clue(f"sight {number}", number) for number in range(30)]
    one, same = (ordering_samples("film.mp4", clues, most=8, seed=7) for _ in range(2))
    assert one == same
    assert len(one) == 8
    for name, seed in (("film.mp4", 8), ("other.mp4", 7)):
        other = ordering_samples(name, clues, most=8, seed=seed)
        assert [named(each) for each in other] != [named(each) for each in one]


def test_both_ways_of_answering_come_up_and_options_are_shuffled() -> None:
    clues = [Clue(f"sight {number}", number) for number in range(30)]
    samples = [each for number in range(20) for each in ordering_samples(f"{number}", clues, most=3, seed=0)]
    answers = [sample["conversations"][1]["value"] for sample in samples]
    letters = [answer for answer in answers if answer[0] in "ABCDE"]
    assert 10 < len(letters) < len(answers) - 10
    assert len({answer[0] for answer in letters}) > 2
    assert len({sample["conversations"][0]["value"].split("\n")[1] for sample in samples}) > 5


def test_clues_are_fit_to_stand_in_a_question() -> None:
    assert clue_text(" A red\n fox runs. ") == "A red fox runs"
    assert clue_text("odd \ud800") == "odd ?"
    for unfit in ("", ". ", "x" * 301, *(f"a {mark} b" for mark in PLACEHOLDERS)):
        assert clue_text(unfit) == ""
