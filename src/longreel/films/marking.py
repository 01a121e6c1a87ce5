"""Whether an answer is right."""

from __future__ import annotations

import re

from longreel.films.question import Question
from longreel.films.vocabulary import COLOURS, OBJECTS, PAST_TENSE, PLACES, UNSEEN_PLACES

_WORDS_OF_KIND: dict[str, frozenset[str]] = {
    "object": frozenset(OBJECTS),
    "colour": frozenset(COLOURS),
    "place": frozenset(PLACES + UNSEEN_PLACES),
    "action": frozenset(words.split()[-1] for words in PAST_TENSE.values()),
    "yes or no": frozenset(("yes", "no")),
    "list": frozenset(OBJECTS),
}
_CHOICES = ("before", "after")
_TIME_SLACK = 4.0


def is_right(question: Question, answer_text: str) -> bool:
    """Whether a free answer or an option letter is right.

    * A question with options: "(B)" anywhere, nothing but the letter, or an option's words; else as below.
    * yes or no: by the first word.
    * before, after: the first object named is the right one.
    * object, colour, place, action: the gold word, and no other word of its kind but those of the question.
    * number: the first number. time: minutes and seconds within four seconds of the scene's start.
    * list: exactly the objects in their order. summary: at least half of the objects and no others.
    """
    text = answer_text.strip()
    letters = _letters(text) if question.options else []
    if letters:
        return letters == [question.letter]
    if question.options and text.strip(" .").lower() in question.options:
        return "ABCD"[question.options.index(text.strip(" .").lower())] == question.letter
    words = re.findall(r"[a-z]+|\d+", text.lower())
    if question.kind == "yes or no":
        return words[:1] == list(question.gold)
    if question.kind == "number":
        return [word for word in words if word.isdigit()][:1] == list(question.gold)
    if question.kind == "time":
        return _is_within(question, text.lower())
    known = _WORDS_OF_KIND[question.kind]
    named = [word for word in words if word in known]
    if question.kind == "list":
        return _is_list(question, named)
    if question.family in _CHOICES:
        return named[:1] == list(question.gold)
    asked = set(re.findall(r"[a-z]+", question.text.split("(A)")[0].lower()))
    return {word for word in named if word not in asked or word in question.gold} == set(question.gold)


def _letters(text: str) -> list[str]:
    marked = re.findall(r"\(([A-Da-d])\)", text)
    bare = re.fullmatch(r"\W*([A-Da-d])\W*", text)
    return list(dict.fromkeys(letter.upper() for letter in marked or (bare.groups() if bare else ())))


def _is_within(question: Question, text: str) -> bool:
    seconds = _seconds(text)
    if seconds is None:
        return False
    return any(abs(seconds - start) <= _TIME_SLACK for start, _ in question.spans)


def _seconds(text: str) -> float | None:
    clock = re.search(r"(\d+):(\d\d)", text)
    if clock:
        return 60.0 * int(clock[1]) + int(clock[2])
    minutes = re.search(r"(\d+) *min", text)
    seconds = re.search(r"(\d+(?:\.\d+)?) *s", text) or (
        None if minutes else re.search(r"(\d+(?:\.\d+)?)", text)
    )
    if not minutes and not seconds:
        return None
    return (60.0 * int(minutes[1]) if minutes else 0.0) + (float(seconds[1]) if seconds else 0.0)


def _is_list(question: Question, named: list[str]) -> bool:
    if question.family == "list":
        return named == list(question.gold)
    found = set(named)
    return found <= set(question.gold) and 2 * len(found) >= len(question.gold)
