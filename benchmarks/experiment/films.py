"""Films and questions of the experiments: scenes of chosen lengths, and long films watched in parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from longreel.evaluate.drawn_films import DrawnAsked, DrawnItem, FilmsTask
from longreel.evaluate.items import Clip, Item
from longreel.films.scenes import Film, draw_film

# Rounding of times never makes a scene that ends with its part reach into the next one.
_HAIR = 1e-6


@dataclass(frozen=True)
class SceneTask(FilmsTask):
    """Films whose scenes last from `shortest` to `longest` seconds.

    store: folder in which films lie until they are no longer needed, for all arms and experiments.
    """

    shortest: float = 0.5
    longest: float = 8.0
    store: Path = field(default=Path("runs/films"))
    name: str = "scenes"

    def settings(self) -> dict[str, Any]:
        """See `Task`; where films lie changes nothing."""
        return {name: value for name, value in super().settings().items() if name != "store"}

    def items(self) -> list[Item]:
        """See `Task`."""
        return [SceneItem(film, self) for film in self.drawn()]

    def drawn(self) -> list[Film]:
        """The films, in order."""
        return [
            draw_film(seed, 60 * minutes, split=split, min_scene=self.shortest, max_scene=self.longest)
            for minutes in self.minutes
            for split in self.splits
            for seed in range(self.first_seed, self.first_seed + self.films)
        ]

    def film_key(self, film: Film) -> str:
        """A name for every film there can be."""
        return f"{film.split}-{film.seconds:g}s-{film.seed}-scenes-{self.shortest:g}-{self.longest:g}s"


@dataclass(frozen=True)
class SceneItem(DrawnItem):
    """A film of a `SceneTask`; see `Item`."""

    task: SceneTask

    @property
    def key(self) -> str:
        """See `SceneTask.film_key`."""
        return self.task.film_key(self.film)

    def clip(self, place: Path) -> Clip:
        """See `Item`."""
        self.task.store.mkdir(parents=True, exist_ok=True)
        return super().clip(self.task.store / f"{self.task.film_key(self.film)}.mp4")


@dataclass(frozen=True)
class PartsTask(SceneTask):
    """Long films, asked only about what one of their parts of equal length shows whole.

    whole: watch each film in one piece; else each part by itself, and ask it what it shows.
    """

    parts: int = 4
    whole: bool = True
    name: str = "parts"

    def items(self) -> list[Item]:
        """See `Task`."""
        if self.whole:
            return super().items()
        return [PartItem(film, self, part) for film in self.drawn() for part in range(self.parts)]

    def questions(self, film: Film) -> list[DrawnAsked]:
        """The questions about one film that belong to a part of it."""
        return [each for each in super().questions(film) if self.part_of(film, each) is not None]

    def part_of(self, film: Film, asked: DrawnAsked) -> int | None:
        """The part that shows all scenes of a question; None if no part does.

        A question about what is nowhere belongs to any part: to one that its words decide.
        """
        question = asked.question
        if not question.spans:
            return crc32(question.text.encode()) % self.parts
        length = film.seconds / self.parts
        times = [time for start, end in question.spans for time in (start + _HAIR, end - _HAIR)]
        found = {math.floor(time / length) for time in times}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class PartItem(SceneItem):
    """A part of a film; see `Item`."""

    task: PartsTask
    part: int

    @property
    def key(self) -> str:
        """That of the film, with the part behind it."""
        return f"{super().key}{_PART}{self.part}"

    def clip(self, place: Path) -> Clip:
        """See `Item`."""
        length = self.film.seconds / self.task.parts
        return replace(super().clip(place), start=self.part * length, end=(self.part + 1) * length)

    def questions(self) -> list[DrawnAsked]:
        """See `Item`."""
        asked = self.task.questions(self.film)
        return [each for each in asked if self.task.part_of(self.film, each) == self.part]


_PART = " part "


def film_of(key: str) -> str:
    """The film that an item of this key is, or is a part of."""
    return key.partition(_PART)[0]
