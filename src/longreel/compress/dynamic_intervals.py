"""Dynamic compression as a part of a method: where intervals end, and what each may keep of a budget.

Video-XL (arXiv 2409.14485, CVPR 2025) compresses parts of a film that change less than still ones, and says
not how ratios follow from intervals. Here every interval earns the same share of its visual tokens, and what
it does not use is saved for those that come later. A long interval, a still part, may spend half of what is
there, a short one nearly all. So nothing is spent before it is earned, a still film spends its budget all
the same, and no more is asked of a film than what was seen of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from longreel.compress.base import FilmFacts, FilmIntervals, NextInterval, exact_fraction
from longreel.compress.dynamic import BorderRule
from longreel.compress.interval_ratios import OneRatio, check_known, checked_ratios
from longreel.errors import UsageError


@dataclass(frozen=True)
class DynamicIntervals:
    """Intervals that end where the picture changes, each condensed by a ratio of its own.

    Borders are those of `BorderRule`, between frames seen as the mean of their visual tokens. Ratios are
    chosen by `spent_on`; at fraction 1 everything is kept whole. Images, which have no frames, are condensed
    by the smallest ratio that keeps no more than the fraction.

    keep: fraction of each film's visual tokens that its summaries may be; not with `budget`.
    budget: summaries of each film, or image, at most; the fraction is then budget / visual tokens.
    ratios: which intervals may get; None for all that the model was trained for.
    longest: frames of an interval at most; None for as many as fill an interval of equal length.
    shortest, sharpness, history, look_ahead: see `BorderRule`.

    Raises:
        UsageError: both or none of `keep` and `budget`, or a value out of range.
    """

    keep: float | None = None
    budget: int | None = None
    ratios: tuple[int, ...] | None = None
    longest: int | None = None
    shortest: int = 1
    sharpness: float = 0.5
    history: int = 256
    look_ahead: int = 8

    def __post_init__(self) -> None:
        if (self.keep is None) == (self.budget is None):
            raise UsageError("dynamic intervals keep a fraction or a budget: give one of keep= and budget=")
        if self.ratios is not None:
            checked_ratios(self.ratios)
        self._rule(self.shortest if self.longest is None else self.longest, 1)

    @property
    def lookback(self) -> int:
        """As far as what is usual reaches back, and the climbs from there."""
        return 2 * self.history

    def check(self, ratios: Sequence[int]) -> None:
        """Every ratio has to be one of the model's, or 1, and the largest has to do for the fraction."""
        check_known(self.ratios or (), ratios)
        if self.keep is not None:
            known = self.ratios or ratios
            least = f"keep at least 1/{max(known, default=1)}"
            _check_within(exact_fraction(self.keep), known, f"keep={self.keep:g}", least)

    def of_film(self, film: FilmFacts) -> FilmIntervals:
        """The rule for its frames.

        Raises:
            UsageError: a budget for a film of unknown length, or one that is too small for it.
        """
        fraction = self._fraction(film)
        if fraction == 1:
            return OneRatio(1)
        ratios = tuple(sorted(set(self.ratios or film.ratios)))
        if self.budget is not None and film.tokens is not None:
            least = f"give budget={-(-film.tokens // ratios[-1])}, or watch fewer frames"
            what = f"{film.name}: budget={self.budget} of its {film.tokens:,} visual tokens"
            _check_within(fraction, ratios, what, least)
        if not film.is_film:
            return OneRatio(next(ratio for ratio in ratios if ratio * fraction >= 1))
        # Frames are cut so that no ratio leaves a rest, which no summary would stand for.
        even = math.lcm(*ratios)
        step = even // math.gcd(even, film.frame_tokens)
        frames = self.longest or film.interval // film.frame_tokens
        longest = max(step, frames // step * step)
        rule = self._rule(longest, step)
        return _OfFilm(fraction, ratios, longest * film.frame_tokens, rule)

    def _rule(self, longest: int, step: int) -> BorderRule:
        try:
            return BorderRule(longest, self.shortest, self.sharpness, self.history, self.look_ahead, step)
        except ValueError as error:
            raise UsageError(str(error)) from None

    def _fraction(self, film: FilmFacts) -> Fraction:
        if self.keep is not None:
            return exact_fraction(self.keep)
        assert self.budget is not None
        if film.tokens is None:
            raise UsageError(
                f"{film.name}: a budget of summaries needs a film of known length: give end=, or keep= in "
                "its place"
            )
        return min(Fraction(1), Fraction(self.budget, max(1, film.tokens)))


def _check_within(fraction: Fraction, ratios: Sequence[int], what: str, otherwise: str) -> None:
    """Refuse a fraction that is below what the largest ratio keeps."""
    largest = max(ratios, default=1)
    if fraction * largest < 1:
        raise UsageError(f"{what} is less than is kept at {largest}x, the largest ratio: {otherwise}")


@dataclass(frozen=True)
class _OfFilm:
    """See `FilmIntervals`. full: visual tokens of the longest interval."""

    fraction: Fraction
    ratios: tuple[int, ...]
    full: int
    borders: BorderRule

    def ratio_of(self, interval: NextInterval) -> int:
        """By what is left of what was earned so far."""
        return spent_on(interval, self.fraction, self.ratios, self.full)

    def most_kept(self, tokens: int) -> int:
        """What so many tokens have earned."""
        return math.floor(self.fraction * tokens)


def spent_on(interval: NextInterval, fraction: Fraction, ratios: Sequence[int], full: int) -> int:
    """The ratio of an interval: the smallest whose summaries are within what it may spend, else the largest.

    Of f (seen + n) - kept, which all intervals so far have earned and not used, an interval of n visual
    tokens may spend the share 1 - n / (2 full).

    Args:
        fraction: f, at least 1 / the largest ratio.
        ratios: ascending.
        full: visual tokens of the longest interval.
    """
    left = fraction * (interval.seen + interval.tokens) - interval.kept
    most = left * (1 - Fraction(min(interval.tokens, full), 2 * full))
    return next((ratio for ratio in ratios if interval.tokens // ratio <= most), ratios[-1])
