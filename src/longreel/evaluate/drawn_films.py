"""Tasks on drawn films: many questions of each family, and needles at chosen depths of long films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from longreel.errors import UsageError
from longreel.evaluate.items import Clip, Fits, Item
from longreel.films.encode import write_film
from longreel.films.question import Question
from longreel.films.questions import check_wording, draw_questions, is_right, named_families
from longreel.films.scenes import Film, draw_film

# Far below the seeds of training, which start at 900,000,000.
FIRST_SEED = 600_000_000
# Upper ends of the bins in which answers are sorted by the length of the scene asked about.
_EVENT_LENGTHS = (1.0, 2.0, 4.0)
_MAX_NEW_TOKENS = 64


@dataclass(frozen=True)
class DrawnAsked:
    """A question with what its answers are sorted by, such as {"split": "train"}; see `Asked`."""

    question: Question
    tags: dict[str, str]
    max_new_tokens: int = _MAX_NEW_TOKENS

    def wording(self, fits: Fits) -> str:
        """See `Asked`; every model takes these."""
        return self.question.text

    def record(self, answer: str) -> dict[str, Any]:
        """See `Asked`."""
        return {
            "family": self.question.family,
            "question": self.question.text,
            "gold": self.question.letter or " ".join(self.question.gold),
            "answer": answer,
            "right": is_right(self.question, answer),
            "tags": self.tags,
        }


@dataclass(frozen=True)
class FilmsTask:
    """Questions of every family about films of every length and split.

    films: of each length and split. per_family: questions of each family, wording and way of asking;
    existence: the same for existence, which by itself is a cell. min_event: seconds of the shortest scene
    asked about. options: whether to ask with lettered options too.
    """

    films: int = 20
    minutes: tuple[float, ...] = (5.0,)
    splits: tuple[str, ...] = ("unseen-combinations",)
    wordings: tuple[str, ...] = ("train",)
    families: tuple[str, ...] = ("colour", "place", "action", "object", "existence")
    per_family: int = 15
    existence: int = 52
    min_event: float = 2.0
    options: bool = True
    first_seed: int = FIRST_SEED
    name: str = "films"

    def __post_init__(self) -> None:
        """Raises UsageError for a family or wording that does not exist."""
        named_families(self.families)
        for wording in self.wordings:
            check_wording(wording)

    def settings(self) -> dict[str, Any]:
        """See `Task`."""
        return asdict(self)

    def items(self) -> list[Item]:
        """See `Task`."""
        return _drawn_items(self)

    def questions(self, film: Film) -> list[DrawnAsked]:
        """The questions about one film."""
        return [
            _asked(film, question, wording=wording)
            for lettered in ((False, True) if self.options else (False,))
            for wording in self.wordings
            for family in self.families
            for question in draw_questions(
                film,
                [family],
                self.existence if family == "existence" else self.per_family,
                seed=film.seed,
                wording=wording,
                min_event=self.min_event,
                options=lettered,
            )
        ]


@dataclass(frozen=True)
class NeedleTask:
    """One scene at each depth of long films, every attribute of which is in other scenes too.

    depths: shares of the film, 0 to 1.
    """

    films: int = 20
    minutes: tuple[float, ...] = (60.0,)
    splits: tuple[str, ...] = ("unseen-combinations",)
    depths: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    min_event: float = 2.0
    first_seed: int = FIRST_SEED
    name: str = "needle"

    def __post_init__(self) -> None:
        for depth in self.depths:
            if not 0 <= depth <= 1:
                raise UsageError(f"depth {depth:g} is outside the film: give shares from 0 to 1")

    def settings(self) -> dict[str, Any]:
        """See `Task`."""
        return asdict(self)

    def items(self) -> list[Item]:
        """See `Task`."""
        return _drawn_items(self)

    def questions(self, film: Film) -> list[DrawnAsked]:
        """The questions about one film: the needle nearest to each depth, each once."""
        found: dict[str, DrawnAsked] = {}
        for depth in self.depths:
            drawn = draw_questions(
                film, ["needle"], len(self.depths), seed=film.seed, min_event=self.min_event, depth=depth
            )
            for question in drawn:
                if question.text not in found:
                    found[question.text] = _asked(film, question, depth=f"{depth:g}")
                    break
        return list(found.values())


@dataclass(frozen=True)
class DrawnItem:
    """A drawn film of a task; see `Item`."""

    film: Film
    task: FilmsTask | NeedleTask

    @property
    def key(self) -> str:
        """Split, length and seed."""
        return f"{self.film.split}-{self.film.seconds:g}s-{self.film.seed}"

    def clip(self, place: Path) -> Clip:
        """See `Item`."""
        if not place.exists():
            write_film(self.film, place)
        return Clip(place)

    def questions(self) -> list[DrawnAsked]:
        """See `Item`."""
        return self.task.questions(self.film)


def _drawn_items(task: FilmsTask | NeedleTask) -> list[Item]:
    """The films of a task: of each length and split the same seeds."""
    return [
        DrawnItem(draw_film(seed, 60 * minutes, split=split), task)
        for minutes in task.minutes
        for split in task.splits
        for seed in range(task.first_seed, task.first_seed + task.films)
    ]


def _asked(film: Film, question: Question, **more: str) -> DrawnAsked:
    tags = {
        "asked": "free" if question.options is None else "options",
        "event length": _bin(question.event_seconds),
        "film length": f"{film.seconds / 60:g} min",
        "split": film.split,
    }
    return DrawnAsked(question, {**tags, **more})


def _bin(seconds: float) -> str:
    if not seconds:
        return "none"
    lower: Sequence[float] = (0.0, *_EVENT_LENGTHS)
    for low, high in zip(lower, _EVENT_LENGTHS, strict=False):
        if seconds < high:
            return f"{low:g} to {high:g} s"
    return f"from {_EVENT_LENGTHS[-1]:g} s"
