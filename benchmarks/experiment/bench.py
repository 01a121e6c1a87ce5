"""What an experiment consists of, and the model and settings it is made for."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from experiment.films import SceneTask
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.errors import UsageError
from longreel.evaluate.settings import Setting
from longreel.film_plan import PlannedFilm, plan_film
from longreel.films.vocabulary import taught_words
from longreel.methods import Method
from longreel.models import reel_tiny
from longreel.models.base import ModelAdapter

# What questions can be about; lists and summaries are answers of another kind.
FAMILIES = (*reel_tiny.FAMILIES, "when", "next", "before", "after", "count", "needle")


# Height and width of drawn films.
_SHOWN = (128, 192)


_UNTAUGHT = "the model was not taught them"


@dataclass(frozen=True)
class Arm:
    """One way of watching.

    method: None for nothing shown. line, x: of the figure, a line and where on it; x None for a level line.
    against: labels of what it is compared with. extended: as in `Setting`.
    """

    label: str
    method: Method | None
    line: str = ""
    x: float | None = None
    against: tuple[str, ...] = ()
    extended: int | None = None

    @property
    def setting(self) -> Setting:
        """As `evaluate` takes it."""
        return Setting(self.label, self.method, extended=self.extended)


@dataclass(frozen=True)
class Leg:
    """Films, what is asked about them, and the arms that watch them.

    films: a name; answers of legs with the same one are about the same films.
    fps: frames per second that are watched; None for the model's own.
    """

    name: str
    task: SceneTask
    arms: Sequence[Arm]
    films: str = "films"
    fps: float | None = None


@dataclass(frozen=True)
class Experiment:
    """Legs that make one result.

    about: what is compared, in a sentence. x: what the figure has along, "" for no figure.
    left_out: what this model cannot do, and why. by: tags by which answers are sorted, too.
    """

    name: str
    about: str
    legs: Sequence[Leg]
    x: str = ""
    left_out: dict[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()

    @property
    def arms(self) -> list[Arm]:
        """All arms, each label once."""
        return list({arm.label: arm for leg in self.legs for arm in leg.arms}.values())


@dataclass(frozen=True)
class Bench:
    """A model, and what was chosen at the command line."""

    adapter: ModelAdapter
    chosen: Namespace

    @cached_property
    def untaught(self) -> tuple[str, ...]:
        """Families of questions that the model was not taught."""
        if self.adapter.name == reel_tiny.NAME:
            return tuple(family for family in self._wanted if family not in reel_tiny.FAMILIES)
        unknown = self.adapter.dialogue.unknown_words
        return tuple(family for family in self._wanted if unknown(" ".join(taught_words([family]))))

    @property
    def families(self) -> tuple[str, ...]:
        """Those that are asked."""
        return tuple(family for family in self._wanted if family not in self.untaught)

    @property
    def _wanted(self) -> tuple[str, ...]:
        return tuple(self.chosen.families or FAMILIES)

    def left_out(self, **more: str) -> dict[str, str]:
        """What this model cannot do, and why."""
        return {f"questions of the family {name!r}": _UNTAUGHT for name in self.untaught} | more

    def fps(self, default: float | None = None) -> float:
        """Frames per second that are watched."""
        return float(self.chosen.fps or default or self.adapter.default_fps)

    def tokens(self, seconds: float, fps: float, pooling: ProgressivePooling | None = None) -> int:
        """Visual tokens that a film becomes."""
        times = torch.arange(round(seconds * fps), dtype=torch.float64) / fps
        film = PlannedFilm("a film", 0, _SHOWN, times, seconds)
        plan, _ = plan_film(self.adapter, None, film, None, pooling)
        assert plan.visual_tokens is not None
        return plan.visual_tokens

    def cannot_pool(self, pooling: ProgressivePooling) -> str | None:
        """Why this model's tokens cannot be pooled so; None if they can."""
        if not self.adapter.has_token_grid:
            return "the tokens of this model are no grid"
        grid = self.adapter.film_tokens(torch.zeros(1, dtype=torch.float64), *_SHOWN).grid
        assert grid is not None
        try:
            pooling.check((grid.rows, grid.columns))
        except UsageError as error:
            return str(error)
        return None

    def share_of(self, pooling: ProgressivePooling | None, seconds: float) -> float:
        """The tokens that pooling leaves, as a share of those without."""
        return self.tokens(seconds, self.fps(), pooling) / self.tokens(seconds, self.fps())

    @property
    def trained_minutes(self) -> float:
        """Minutes whose tokens fill the trained window, as far as one token takes one position."""
        return self.adapter.trained_window / self.tokens(60.0, self.fps())

    def keeps(self, *default: float) -> tuple[float, ...]:
        """Fractions to keep."""
        return tuple(self.chosen.keep or default)

    def minutes(self, default: float) -> float:
        """Length of films."""
        return float(self.chosen.minutes or default)

    def leg(self, task: SceneTask, arms: Sequence[Arm], name: str = "films", films: str = "films") -> Leg:
        """A leg at the frames per second that were chosen."""
        return Leg(name, task, arms, films, self.chosen.fps)

    def task(self, minutes: float, kind: type[SceneTask] = SceneTask, **more: Any) -> SceneTask:
        """Films of one length, and what is asked about them."""
        chosen = self.chosen
        numbers = {"films": chosen.films, "per_family": chosen.per_family, "existence": chosen.existence}
        more = {"longest": chosen.longest or 8.0, "min_event": 2.0, **numbers, **more}
        if chosen.min_event is not None:
            more["min_event"] = chosen.min_event
        return kind(
            minutes=(minutes,),
            splits=(chosen.split,),
            families=self.families,
            options=chosen.options,
            first_seed=chosen.first_seed,
            shortest=chosen.shortest,
            store=chosen.store,
            **more,
        )

    def fewer(self, multiple: float) -> dict[str, Any]:
        """Fewer films where they are longer, and of each as many more questions as it has more scenes."""
        films = max(min(self.chosen.films, self.chosen.least_films), math.ceil(self.chosen.films / multiple))
        share = self.chosen.films / films
        asked = {"per_family": self.chosen.per_family, "existence": self.chosen.existence}
        return {"films": films, **{name: math.ceil(share * count) for name, count in asked.items()}}
