"""What a task consists of: films, and questions that can be marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from longreel.films.question import Question


@dataclass(frozen=True)
class Asked:
    """A question with what its answers are sorted by, such as {"split": "train", "wording": "unseen"}."""

    question: Question
    tags: dict[str, str] = field(default_factory=dict)


class Item(Protocol):
    """A film and the questions about it. `key` names it among all films of the task."""

    @property
    def key(self) -> str: ...

    def write(self, path: Path) -> None:
        """Put the film's file at `path`."""

    def questions(self) -> list[Asked]:
        """The same questions in the same order at every call."""


class Task(Protocol):
    """Something to measure. `name` is its word on the command line."""

    @property
    def name(self) -> str: ...

    def settings(self) -> dict[str, Any]:
        """Plain values that determine every film and every question."""

    def items(self) -> Sequence[Item]:
        """The films, in order."""
