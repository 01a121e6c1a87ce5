"""Visual clues: what in a film tells what happened when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from longreel.data.captions import Caption, one_line
from longreel.data.found_films import FoundFilm
from longreel.placeholders import IMAGE, VIDEO

LONGEST_CLUE = 300
# What stands for pictures in the training format.
PLACEHOLDERS = (IMAGE, VIDEO)


class Clue(NamedTuple):
    """Something seen at one moment of the film (seconds); clues of one moment have no order."""

    text: str
    moment: float


class Writer(Protocol):
    """Finds the clues of a film.

    Attributes:
        needs_captions: whether it reads captions.
    """

    needs_captions: bool

    def plan(self) -> dict[str, Any]:
        """All that decides its clues, as plain values."""

    def clues(self, film: FoundFilm, captions: Sequence[Caption]) -> list[Clue]:
        """Clues in the order of time.

        Raises:
            SourceError: what belongs to the film cannot be read.
            EndpointError: no model can be reached. ReplyError: it does not say what it was asked for.
        """


def clue_text(text: str) -> str:
    """A clue as it stands in a question; "" for what cannot."""
    words = one_line(text).rstrip(".;, ")
    unfit = len(words) > LONGEST_CLUE or any(mark in words for mark in PLACEHOLDERS)
    return "" if unfit else words


def telling(clues: Iterable[Clue]) -> list[Clue]:
    """The clues in the order of time, without those that come up at several moments and so have no place."""
    ordered = sorted(clues, key=lambda clue: clue.moment)
    moments: dict[str, set[float]] = {}
    for clue in ordered:
        moments.setdefault(clue.text.casefold(), set()).add(clue.moment)
    once = {text for text, at in moments.items() if len(at) == 1}
    kept: dict[str, Clue] = {}
    for clue in ordered:
        if clue.text.casefold() in once:
            kept.setdefault(clue.text.casefold(), clue)
    return list(kept.values())
