"""Letters in answers: read where they are meant, and never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longreel.evaluate.benchmarks.parse import (
    first_capital_letter,
    first_capital_to_h,
    first_character,
    first_contained,
    four_option_letter,
    letter_as_word,
    letter_before_bracket,
    shared_harness_letter,
    strict_letter,
)

OPTIONS = ("a red fox", "a dog", "two dogs", "none of them")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (b). ", "B"),
        ("**B**", "B"),
        ("B.", "B"),
        ("B. a dog", "B"),
        ("(B) a dog", "B"),
        ("B) a dog", "B"),
        ("B: a dog", "B"),
        ("B, as it barks", "B"),
        ("B\n\nIt barks.", "B"),
        ("The answer is B.", "B"),
        ("The correct option is (B), since it barks.", "B"),
        ("Answer: **B**", "B"),
        ("Best option: (B)", "B"),
        ("I first thought the answer is A, but the answer is C.", "C"),
        ("A dog.", "B"),
        ("two dogs", "C"),
        ("I think that it shows two dogs there", "C"),
        ("It must be (D).", "D"),
        ("A man walks in", None),
        ("A or B", None),
        ("A, B", None),
        ("Answer: A or B", None),
        ("The answer is a secret", None),
        ("(A) and (B)", None),
        ("A, and B", None),
        ("(B) a dog, not (A)", "B"),
        ("A. a red fox\nB. a dog\nC. two dogs", None),
        ("a red fox or a dog", None),
        ("E", None),
        ("I do not know", None),
        ("", None),
    ],
)
def test_strict_letters(answer: str, letter: str | None) -> None:
    assert strict_letter(answer, "ABCD", OPTIONS) == letter


@given(st.text(max_size=60), st.sampled_from(["AB", "ABCD", "ABCDEFGH"]))
def test_whatever_is_said_gives_a_letter_or_none(answer: str, letters: str) -> None:
    fixed = (first_capital_letter, first_capital_to_h, letter_as_word)
    readers = (
        shared_harness_letter,
        four_option_letter,
        letter_before_bracket,
        first_character,
        first_contained,
        strict_letter,
    )
    for read in (*fixed, *readers):
        found = read(answer, letters)
        # Some ways read from fixed letters, whether or not there are so many options.
        known = "ABCDEFGH" if read in fixed else letters
        assert found is None or (len(found) == 1 and found in known)
        assert read(answer, letters) == found


@given(st.sampled_from("ABCDEFGH"))
def test_a_letter_alone_is_read_by_all(letter: str) -> None:
    for read in (shared_harness_letter, first_capital_to_h, first_character, strict_letter):
        assert read(letter, "ABCDEFGH") == letter
    for read in (first_capital_letter, letter_as_word):
        assert read(letter, "ABCDEFGH") == (letter if letter < "F" else None)
    assert four_option_letter(letter, "ABCDEF") == (letter if letter < "E" else None)


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("A man walks in", "A"),
        ("b", None),
        ("The fox, so D", "D"),
        ("C is wrong, so the answer is D", "C"),
        ("So the answer is C here, (B) is wrong", "C"),
        ("Not (A), it is (B) here", "B"),
        ("Not A. but B. here", "B"),
        ("first A) then B. here", "B"),
        ("see B: or C) now", "B"),
        ("\u7b54\u6848\u662fC\u3002\u4e0d\u662f (A) here", "C"),
        ("aBc", "B"),
        ("none", None),
    ],
)
def test_the_shared_harness_way(answer: str, letter: str | None) -> None:
    assert shared_harness_letter(answer, "ABCD") == letter


@pytest.mark.parametrize(
    ("read", "answer", "letter"),
    [
        (first_capital_letter, "Based on it, A", "B"),
        (first_capital_letter, "The best answer is: C", "C"),
        (first_capital_letter, "Answer: C", "A"),
        (first_capital_letter, "the best answer is E", "E"),
        (first_capital_to_h, "Answer: C", "C"),
        (first_capital_to_h, "answer: H", "H"),
        (letter_as_word, "it is_e_", "E"),
        (first_contained, "D. A dog", "D"),
        (letter_as_word, "option b", "B"),
        (letter_as_word, "Bad", None),
        (letter_before_bracket, "B) a dog", "B"),
        (letter_before_bracket, "(B) a dog", "B"),
        (letter_before_bracket, "It is B)", None),
        (first_character, "(C) it", "C"),
        (first_character, "it is C", None),
        (first_contained, "D or B", "B"),
    ],
)
def test_other_ways(read: object, answer: str, letter: str | None) -> None:
    assert callable(read)
    assert read(answer, "ABCD") == letter
