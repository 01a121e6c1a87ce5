"""What says in words what a clip shows."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from longreel.data.clips import Clip
from longreel.data.found_films import FoundFilm
from longreel.errors import LongreelError


class ReplyError(LongreelError):
    """A model answered, and what it said is of no use."""


class Caption(NamedTuple):
    """A clip in words."""

    clip: Clip
    text: str


class Captioner(Protocol):
    """Captions clips."""

    def plan(self) -> dict[str, Any]:
        """All that decides its captions, as plain values."""

    def caption(self, film: FoundFilm, clip: Clip) -> str:
        """A clip in words.

        Raises:
            SourceError: the film, or what belongs to it, cannot be read.
            EndpointError: no model can be reached. ReplyError: it says nothing.
        """


def one_line(text: str) -> str:
    """Words with single blanks between them, and nothing that is no character."""
    return " ".join(text.encode("utf-8", "replace").decode().split())
