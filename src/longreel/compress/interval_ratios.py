"""Summary tokens by a ratio for each interval or film: listed, drawn, or the smallest that fits a budget.

Video-XL (arXiv 2409.14485) is trained with random ratios, so that its weights know all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from longreel.compress.base import FilmFacts, FilmIntervals, NextInterval
from longreel.errors import UsageError

DRAWS = ("interval", "film")


class _EqualIntervals:
    """What all have in common here: intervals of equal length, whatever frames show."""

    @property
    def lookback(self) -> int:
        """No frames."""
        return 0

    @property
    def borders(self) -> None:
        """Told by length."""

    def most_kept(self, tokens: int) -> None:
        """Told by the intervals."""


@dataclass(frozen=True)
class OneRatio(_EqualIntervals):
    """A film all intervals of which are condensed alike; see `FilmIntervals`."""

    ratio: int

    def ratio_of(self, interval: NextInterval) -> int:
        """Always the same."""
        return self.ratio


@dataclass(frozen=True)
class RatioWithin(_EqualIntervals):
    """Condense each film, or image, by the smallest ratio that leaves at most `tokens` summaries of it.

    A film of no more visual tokens is kept whole.
    """

    tokens: int

    def check(self, ratios: Sequence[int]) -> None:
        """Any model will do."""

    def of_film(self, film: FilmFacts) -> OneRatio:
        """Its ratio.

        Raises:
            UsageError: the length of the film is not known, or none of the model's ratios is large enough.
        """
        if film.tokens is None:
            raise UsageError(
                f"{film.name}: a budget of summaries needs a film of known length: give end=, or keep= in "
                "its place"
            )
        ratios = sorted({1, *film.ratios})
        fits = [ratio for ratio in ratios if _summaries(film, film.tokens, ratio) <= self.tokens]
        if not fits:
            least = _summaries(film, film.tokens, ratios[-1])
            raise UsageError(
                f"{film.name}: its {film.tokens:,} visual tokens become {least:,} summaries even at "
                f"{ratios[-1]}x, the most that the model was trained for: give budget={least}, or watch "
                "fewer frames"
            )
        return OneRatio(fits[0])


@dataclass(frozen=True)
class ListedRatios(_EqualIntervals):
    """Condense each interval of a memory by the ratio with its number."""

    ratios: tuple[int, ...]

    def __post_init__(self) -> None:
        checked_ratios(self.ratios)

    def check(self, ratios: Sequence[int]) -> None:
        """Every ratio has to be one of the model's, or 1."""
        check_known(self.ratios, ratios)

    def of_film(self, film: FilmFacts) -> ListedRatios:
        """The same for every film: intervals are counted through all of them."""
        return self

    def ratio_of(self, interval: NextInterval) -> int:
        """That with its number; a film that turns out longer than it told goes on with the last."""
        return self.ratios[min(interval.number, len(self.ratios) - 1)]

    def check_count(self, films: Iterable[FilmFacts]) -> None:
        """Refuse films that are not cut into as many intervals as there are ratios.

        Raises:
            UsageError: they are not, or the length of one is not known.
        """
        intervals = 0
        for film in films:
            if film.tokens is None:
                raise UsageError(
                    f"{film.name}: a ratio for each interval needs a film of known length: give end=, or "
                    "one ratio by keep="
                )
            intervals += -(-film.tokens // film.interval)
        if intervals != len(self.ratios):
            raise UsageError(
                f"{_counted(len(self.ratios), 'ratio')} for {_counted(intervals, 'interval')}: give as many, "
                "or one for all by keep="
            )


@dataclass(frozen=True)
class DrawnRatios(_EqualIntervals):
    """Condense each interval, or each film, by a ratio drawn at random, the same for the same seed.

    ratios: drawn from, all equally likely; None for all that the model was trained for.
    each: "interval": of the ratios that divide an interval without a rest one is drawn, and where none
        does, the smallest is taken, which loses least. "film": one is drawn for all of a film.

    Raises:
        UsageError: another `each`, or no ratios.
    """

    ratios: tuple[int, ...] | None = None
    each: str = "interval"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.each not in DRAWS:
            raise UsageError(
                f"ratios are drawn for each interval or film, not {self.each!r}: give one of these"
            )
        if self.ratios is not None:
            checked_ratios(self.ratios)

    def check(self, ratios: Sequence[int]) -> None:
        """Every ratio has to be one of the model's, or 1."""
        check_known(self.ratios or (), ratios)

    def of_film(self, film: FilmFacts) -> FilmIntervals:
        """That of the film, or one that draws for each interval."""
        ratios = tuple(sorted(set(self.ratios or film.ratios)))
        if self.each == "film":
            return OneRatio(_drawn(ratios, self.seed, film.number))
        return _DrawnByInterval(ratios, self.seed)


@dataclass(frozen=True)
class _DrawnByInterval(_EqualIntervals):
    ratios: tuple[int, ...]
    seed: int

    def ratio_of(self, interval: NextInterval) -> int:
        """A ratio of those that divide the interval."""
        divide = [ratio for ratio in self.ratios if interval.tokens % ratio == 0]
        return _drawn(divide or self.ratios[:1], self.seed, interval.number)


def checked_ratios(ratios: Sequence[int]) -> tuple[int, ...]:
    """`ratios` as whole numbers from 1, at least one.

    Raises:
        UsageError: they are not.
    """
    if not ratios or any(
        isinstance(ratio, bool) or not isinstance(ratio, int) or ratio < 1 for ratio in ratios
    ):
        raise UsageError(f"ratios={list(ratios)} are no ratios: give whole numbers from 1, such as 2, 4, 8")
    return tuple(ratios)


def check_known(ratios: Sequence[int], known: Sequence[int]) -> None:
    """Refuse ratios that a model does not know; 1, which keeps visual tokens as they are, always works.

    Raises:
        UsageError: naming the first.
    """
    unknown = next((ratio for ratio in ratios if ratio != 1 and ratio not in known), None)
    if unknown is not None:
        raise UsageError(
            f"the model was not trained to condense {unknown}x: its ratios are "
            f"{', '.join(map(str, known))}; keep=1/{unknown} uses another for all of a film"
        )


def _drawn(ratios: Sequence[int], seed: int, number: int) -> int:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    return ratios[int(torch.randint(len(ratios), (1,), generator=generator))]


def _summaries(film: FilmFacts, tokens: int, ratio: int) -> int:
    """Of so many visual tokens in intervals of equal length: n // r of each."""
    full, rest = divmod(tokens, film.interval)
    return full * (film.interval // ratio) + rest // ratio


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
