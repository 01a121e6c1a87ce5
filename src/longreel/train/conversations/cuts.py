"""Where the intervals of a sample end, and by which ratio each is condensed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from torch import Tensor

from longreel.key_values import Interval
from longreel.train.conversations.dataset import Shown
from longreel.train.conversations.ratios import RatioPlan
from longreel.train.dynamic_films import DynamicFilms


class Cuts(Protocol):
    """Cuts what a sample shows into intervals.

    Attributes:
        condenses: whether anything is condensed at all.
    """

    @property
    def condenses(self) -> bool: ...

    def of(
        self, place: int, shown: Sequence[Shown], visual: Sequence[Sequence[Tensor]]
    ) -> list[list[Interval]]:
        """The intervals of each place where something is shown.

        Args:
            place: of the sample in the run.
            visual: for each place, the visual tokens (n, width) of each film and image.
        """


@dataclass(frozen=True)
class EqualCuts:
    """Intervals of equal length, which reach over films and images with no text between them.

    ratios: None where nothing is condensed.
    """

    interval: int
    ratios: RatioPlan | None

    @property
    def condenses(self) -> bool:
        """Whether there are ratios."""
        return self.ratios is not None

    def of(
        self, place: int, shown: Sequence[Shown], visual: Sequence[Sequence[Tensor]]
    ) -> list[list[Interval]]:
        """See `Cuts`."""
        lengths = [equal_lengths(sum(map(len, tokens)), self.interval) for tokens in visual]
        if self.ratios is None:
            return [[Interval(length, 1) for length in each] for each in lengths]
        return _with_ratios(lengths, self.ratios.draw(place, list(chain(*lengths))))


@dataclass(frozen=True)
class DynamicCuts:
    """Intervals that end where the picture changes, and with each film and image, as in watching.

    Ends are those of watching with the ratios that the plan allows at the place of the sample. If it draws
    fractions, so are the ratios; else they are drawn.
    """

    films: DynamicFilms
    ratios: RatioPlan

    @property
    def condenses(self) -> bool:
        """Always."""
        return True

    def of(
        self, place: int, shown: Sequence[Shown], visual: Sequence[Sequence[Tensor]]
    ) -> list[list[Interval]]:
        """See `Cuts`."""
        allowed = self.ratios.allowed(place)
        fraction = self.ratios.per == "fraction"
        ratio = self.ratios.draw_one(place) if fraction else max(allowed)
        cut = [
            list(
                chain.from_iterable(
                    self.films.cut(tokens, ratio, allowed, is_film=seen["kind"] == "film")
                    for seen, tokens in zip(each["seen"], parts, strict=True)
                )
            )
            for each, parts in zip(shown, visual, strict=True)
        ]
        if fraction:
            return cut
        lengths = [[interval.tokens for interval in each] for each in cut]
        return _with_ratios(lengths, self.ratios.draw(place, list(chain(*lengths))))


def equal_lengths(tokens: int, interval: int) -> list[int]:
    """How many visual tokens each interval of a stream has; the last may be shorter."""
    return [min(interval, tokens - begin) for begin in range(0, tokens, interval)]


def _with_ratios(lengths: Sequence[Sequence[int]], ratios: Sequence[int]) -> list[list[Interval]]:
    each_ratio = iter(ratios)
    return [[Interval(length, next(each_ratio)) for length in each] for each in lengths]
