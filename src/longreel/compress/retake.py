"""ReTaKe as one thing: which keyframes are chosen and what is kept of each chunk (arXiv 2412.20504)."""

from __future__ import annotations

from dataclasses import dataclass

from longreel.compress.base import FeatureSelector
from longreel.compress.dpselect import DPSelect
from longreel.compress.pivot_kv import PivotKV


@dataclass(frozen=True)
class Retake:
    """Settings of ReTaKe beside how much it keeps; the defaults are the paper's.

    chunk_frames: frames of the film that are prefilled together.
    window: odd, frames among which a keyframe differs most from the one before it.
    per_patch: whether every patch has keyframes of its own.
    pivots: whether keyframes are chosen, whose tokens stay before all others.
    squeeze: whether what stays moves together in time.
    scored_by: "attention", "keys" or "question"; see `PivotKV`.
    """

    chunk_frames: int = 32
    window: int = 3
    per_patch: bool = True
    pivots: bool = True
    squeeze: bool = True
    scored_by: str = "attention"

    def features(self) -> FeatureSelector | None:
        """What chooses keyframes.

        Raises:
            UsageError: a setting is out of range.
        """
        return DPSelect(self.window, self.per_patch) if self.pivots else None

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
        )
