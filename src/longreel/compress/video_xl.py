"""Video-XL as one thing: where intervals end and how each is condensed (arXiv 2409.14485)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from longreel.compress.base import IntervalCompressor
from longreel.compress.dynamic_intervals import DynamicIntervals
from longreel.compress.interval_ratios import DrawnRatios, ListedRatios
from longreel.compress.summary_tokens import whole_ratio
from longreel.compress.two_levels import TwoLevels
from longreel.errors import UsageError

INTERVALS = ("fixed", "dynamic")
# Where neither a fraction nor a budget is given: the largest ratio of the released weights.
_DYNAMIC_KEEP = 1 / 8
# As of one level: that of the method without settings.
_SPARSE_KEEP = 1 / 16
_OF_BORDERS = ("longest", "shortest", "sharpness", "history", "look_ahead")


@dataclass(frozen=True)
class VideoXL:
    """Settings of Video-XL beside how much it keeps; the defaults are those of the released code.

    ratios: one for each interval of what is watched, in place of a fraction; with `draw`, those that are
        drawn from, and with dynamic intervals, those they may get (None: all that the model was trained for).
    draw: "interval" or "film", for each of which a ratio is drawn at random; None for none.
    seed: of what is drawn.
    intervals: "fixed", of equal length, or "dynamic", ending where the picture changes.
    longest, shortest, sharpness, history, look_ahead: of dynamic intervals; see `DynamicIntervals`.
    dense: ratio of a second, finer level, for a closer look at what a question attends to; the fraction is
        then that of the sparse level (None: no second level). See `TwoLevels`.
    """

    ratios: tuple[int, ...] | None = None
    draw: str | None = None
    seed: int = 0
    intervals: str = "fixed"
    longest: int | None = None
    shortest: int = 1
    sharpness: float = 0.5
    history: int = 256
    look_ahead: int = 8
    dense: int | None = None

    def cache(self, keep: float | None, budget: int | None) -> IntervalCompressor:
        """What condenses intervals, for settings that differ from the defaults.

        Args:
            keep, budget: fraction or number of visual tokens to keep, for dynamic intervals; keep also of the
                sparse of two levels.

        Raises:
            UsageError: settings contradict each other, or one is out of range.
        """
        if self.intervals not in INTERVALS:
            raise UsageError(f"unknown intervals {self.intervals!r}: known are {', '.join(INTERVALS)}")
        if self.draw is None and self.seed:
            raise UsageError(f"seed={self.seed} is for ratios drawn at random: give draw= too")
        if self.intervals == "dynamic":
            return self._dynamic(keep, budget)
        for name in _OF_BORDERS:
            if getattr(self, name) != _DEFAULTS[name]:
                raise UsageError(f'{name}={getattr(self, name)} is for intervals="dynamic": give that too')
        if self.dense is not None:
            return self._two_levels(self.dense, keep, budget)
        if keep is not None or budget is not None:
            raise UsageError(
                "ratios and keep= or budget= are two ways to say how much stays: give one of them"
            )
        ratios = None if self.ratios is None else tuple(self.ratios)
        if self.draw is not None:
            return DrawnRatios(ratios, self.draw, self.seed)
        return ListedRatios(ratios or ())

    def _two_levels(self, dense: int, keep: float | None, budget: int | None) -> TwoLevels:
        if budget is not None:
            raise UsageError("two levels keep fractions: give keep= for the sparse one in place of budget=")
        if self.ratios is not None or self.draw is not None:
            raise UsageError(
                "each of two levels has one ratio: leave out ratios= and draw=, or dense= for one level"
            )
        return TwoLevels(dense, whole_ratio(_SPARSE_KEEP if keep is None else keep))

    def _dynamic(self, keep: float | None, budget: int | None) -> DynamicIntervals:
        if self.dense is not None:
            raise UsageError("two levels have intervals of equal length: leave out dense=, or the intervals")
        if self.draw is not None:
            raise UsageError(
                "the ratios of dynamic intervals follow from what is shown: leave out draw=, or the intervals"
            )
        if keep is None and budget is None:
            keep = _DYNAMIC_KEEP
        return DynamicIntervals(
            keep,
            budget,
            None if self.ratios is None else tuple(self.ratios),
            self.longest,
            self.shortest,
            self.sharpness,
            self.history,
            self.look_ahead,
        )


_DEFAULTS = {field.name: field.default for field in fields(VideoXL)}
