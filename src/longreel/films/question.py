"""A question about a film, with its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question.

    family: what it asks for. text: as asked, lettered options included. answer: a full sentence.
    kind: what the answer consists of: "object", "colour", "place", "action", "yes or no", "number", "time"
    or "list". gold: the words that make an answer right. options, letter: the shown choices and the right
    one's letter, or None. spans: (start, end) seconds of the scenes asked about, empty if there are none.
    event_seconds: length of the shortest of them (existence: of the longest), 0 if there are none.
    """

    family: str
    text: str
    answer: str
    kind: str
    gold: tuple[str, ...]
    options: tuple[str, ...] | None
    letter: str | None
    spans: tuple[tuple[float, float], ...]
    event_seconds: float
