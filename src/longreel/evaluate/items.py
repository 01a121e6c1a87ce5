"""What a task consists of: films, and questions whose answers can be recorded and marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

# Whether a model takes a question of this wording.
Fits = Callable[[str], bool]


@dataclass(frozen=True)
class Clip:
    """What is watched.

    source: as `Model.watch` takes it. start, end: seconds, None for the whole film. seconds: times of the
    frames to watch, where the task and not the user chooses them; None otherwise.
    """

    source: Any
    start: float | None = None
    end: float | None = None
    seconds: tuple[float, ...] | None = None


class Asked(Protocol):
    """A question about a film."""

    @property
    def max_new_tokens(self) -> int:
        """Tokens after which an answer is cut off."""

    def wording(self, fits: Fits) -> str | None:
        """The question as it is put to a model, shortened where it may be; None: it cannot be made to fit."""

    def record(self, answer: str) -> dict[str, Any]:
        """What is written down about an answer, as plain values."""


class Item(Protocol):
    """A film and the questions about it. `key` names it among all films of the task."""

    @property
    def key(self) -> str: ...

    def clip(self, place: Path) -> Clip:
        """What to watch; a film that has to be made first is written to `place`, unless it is there."""

    def questions(self) -> Sequence[Asked]:
        """The same questions in the same order at every call."""


class Task(Protocol):
    """Something to measure. `name` is its word on the command line."""

    @property
    def name(self) -> str: ...

    def settings(self) -> Mapping[str, Any]:
        """Plain values that determine every film and every question."""

    def items(self) -> Sequence[Item]:
        """The films, in order."""
