"""ReTaKe as one thing: which keyframes are chosen and what is kept of each chunk (arXiv 2412.20504)."""

from __future__ import annotations

from dataclasses import dataclass

from longreel.compress.base import FeatureSelector
from longreel.compress.dpselect import DPSelect
from longreel.compress.merging import Merging
from longreel.compress.pivot_kv import PivotKV
from longreel.errors import UsageError

SELECTORS = ("peaks", "merge", "merge-hard")


@dataclass(frozen=True)
class Retake:
    """Settings of ReTaKe beside how much it keeps; the defaults are the paper's.

    chunk_frames: frames of the film that are prefilled together.
    window: odd, frames among which a keyframe differs most from the one before it.
    per_patch: whether every patch has keyframes of its own.
    keyframes: fraction of frames that stay before anything is prefilled; at 1 (the paper's) all do, and
        keyframes are only marked.
    select: how: "peaks" (DPSelect), or "merge" and "merge-hard" (`Merging`), which mark no keyframes.
    pivots: whether tokens of keyframes stay before all others.
    squeeze: whether what stays moves together in time.
    scored_by: "attention", "keys" or "question"; see `PivotKV`.
    by_layer: whether layers share what stays among them, as in AdaReTaKe; see `PivotKV`.
    by_time: whether the chunks of a film do, for which it is held until its end; see `PivotKV`.
    """

    chunk_frames: int = 32
    window: int = 3
    per_patch: bool = True
    keyframes: float = 1.0
    select: str = "peaks"
    pivots: bool = True
    squeeze: bool = True
    scored_by: str = "attention"
    by_layer: bool = False
    by_time: bool = False

    def features(self) -> FeatureSelector | None:
        """What chooses keyframes.

        Raises:
            UsageError: a setting is out of range.
        """
        if self.select not in SELECTORS:
            raise UsageError(f"unknown select {self.select!r}: known are {', '.join(SELECTORS)}")
        if self.select == "peaks":
            selector = DPSelect(self.keyframes, self.window, self.per_patch)
            return selector if self.pivots or self.keyframes < 1 else None
        merging = Merging(self.keyframes, hard=self.select == "merge-hard", per_patch=self.per_patch)
        return merging if self.keyframes < 1 else None

    def cache(self, keep: float | None, budget: int | None) -> PivotKV:
        """What keeps entries: a fraction or a budget; see `PivotKV`.

        Raises:
            UsageError: a setting is out of range.
        """
        return PivotKV(
            keep,
            budget,
            chunk_frames=self.chunk_frames,
            squeeze=self.squeeze,
            pivots=self.pivots,
            scored_by=self.scored_by,
            by_layer=self.by_layer,
            by_time=self.by_time,
        )
