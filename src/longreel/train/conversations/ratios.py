"""Which ratios the intervals of a sample get in training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Widening:
    """The ratios drawn from until a share (0 to 1) of the run is over."""

    until: float
    ratios: tuple[int, ...]


@dataclass(frozen=True)
class RatioPlan:
    """Ratios drawn at random, from a list that may widen as the run goes on (the paper's curriculum).

    A draw is decided by the seed and the place of the sample in the run, so that one run has the same draws
    however often it is stopped and on however many processes it runs.

    schedule: one entry for random ratios throughout. per: whether each interval has a draw of its own, as
        released ("step-random"), or all of a sample share one; with "fraction", a sample has one draw, of
        which the ratios of its intervals follow. places: samples of the whole run.
    """

    schedule: tuple[Widening, ...]
    places: int
    seed: int
    per: Literal["interval", "film", "fraction"] = "interval"

    def draw(self, place: int, lengths: Sequence[int]) -> list[int]:
        """Ratios of intervals of so many visual tokens.

        Only ratios that divide an interval are drawn (spec b), unless none does.

        Args:
            place: of the sample in the run, from 0 on.
        """
        allowed, dice = self.allowed(place), self._dice(place)
        if self.per == "film":
            return [dice.choice(_fitting(allowed, lengths))] * len(lengths)
        return [dice.choice(_fitting(allowed, [length])) for length in lengths]

    def draw_one(self, place: int) -> int:
        """A ratio for all that a sample shows, whatever its intervals are."""
        return self._dice(place).choice(self.allowed(place))

    def allowed(self, place: int) -> Sequence[int]:
        """Those drawn from at a place."""
        done = place / self.places
        return next((step.ratios for step in self.schedule if done < step.until), self.schedule[-1].ratios)

    def _dice(self, place: int) -> random.Random:
        return random.Random(f"{self.seed} {place}")


def _fitting(ratios: Sequence[int], lengths: Sequence[int]) -> Sequence[int]:
    dividing = [ratio for ratio in ratios if all(length % ratio == 0 for length in lengths)]
    return dividing or ratios
