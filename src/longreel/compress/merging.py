"""Merging neighbouring frames until few are left (the memory bank of MA-LMM, arXiv 2404.05726).

Again and again the two neighbours that are most alike become one: their mean, weighted by how many frames
each stands for (soft), or the later of them (hard). The choice of keyframes that ReTaKe compares itself to in
its table 5. A frame that is left stands for a stretch of frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.base import FilmChoice, tokens_kept
from longreel.compress.distances import frame_distances, pair_distances
from longreel.errors import UsageError


class Merged(NamedTuple):
    """first, last: int64 (keep, N), ascending: the stretch of frames that each one left stands for."""

    first: Tensor
    last: Tensor


@torch.no_grad()
def merge_frames(features: Tensor, keep: int, *, hard: bool = False, per_patch: bool = False) -> Merged:
    """Merge the neighbours that differ least until `keep` frames are left; of equal ones the earliest.

    Args:
        features: (T, N, D), any float dtype; computed in float32.
        keep: 1 to T.
        hard: the later of two stays as it is, in place of their mean.
        per_patch: every patch merges frames of its own, instead of all those alike in the mean.

    Raises:
        ValueError: keep outside 1 to T.
    """
    frames, patches = features.shape[:2]
    if not 1 <= keep <= frames:
        raise ValueError(f"keep={keep} is outside 1 to {frames}, the number of frames")
    bank = _Bank(features, hard=hard, per_patch=per_patch)
    for _ in range(frames - keep):
        bank.merge()
    following = torch.cat((bank.rows[1:], bank.rows.new_full((1, patches), frames)))
    return Merged(bank.rows, following - 1)


class _Bank:
    """What is left of a film. rows: int64 (left, N), the first frame of each stretch."""

    def __init__(self, features: Tensor, *, hard: bool, per_patch: bool) -> None:
        frames, patches = features.shape[:2]
        self.rows = torch.arange(frames, device=features.device)[:, None].repeat(1, patches)
        self._patch = torch.arange(patches, device=features.device)
        self._features = features.to(torch.float32, copy=True)
        self._sizes = torch.ones(frames, patches, device=features.device)
        self._distances = frame_distances(features)[1:]
        self._hard, self._per_patch = hard, per_patch

    def merge(self) -> None:
        """Two stretches of each patch become one."""
        judged = self._distances if self._per_patch else self._distances.mean(1, keepdim=True)
        at = judged.argmin(0).expand(len(self._patch))
        self._join(self.rows[at, self._patch], self.rows[at + 1, self._patch])
        self.rows = _without(self.rows, at + 1)
        self._distances = _without(self._distances, at)
        for pair in (at - 1, at):
            self._measure(pair)

    def _join(self, one: Tensor, other: Tensor) -> None:
        sizes = self._sizes[one, self._patch], self._sizes[other, self._patch]
        later = self._features[other, self._patch]
        if not self._hard:
            earlier = self._features[one, self._patch]
            later = (earlier * sizes[0][:, None] + later * sizes[1][:, None]) / (sizes[0] + sizes[1])[:, None]
        self._features[one, self._patch] = later
        self._sizes[one, self._patch] = sizes[0] + sizes[1]

    def _measure(self, pair: Tensor) -> None:
        """Distances of the pairs (N,) that begin with these stretches, where there are such."""
        patch = ((pair >= 0) & (pair < len(self._distances))).nonzero().flatten()
        pair = pair[patch]
        one, other = self.rows[pair, patch], self.rows[pair + 1, patch]
        self._distances[pair, patch] = pair_distances(
            self._features[one, patch], self._features[other, patch]
        )


def _without(rows: Tensor, at: Tensor) -> Tensor:
    """Rows (n, N) without the one at `at` (N,) of each column."""
    index = torch.arange(len(rows) - 1, device=rows.device)[:, None].expand(-1, rows.shape[1])
    return rows.gather(0, index + (index >= at).long())


@dataclass(frozen=True)
class Merging:
    """Merge the frames of a film until the fraction `keep` is left; all of it is held until then.

    hard, per_patch: see `merge_frames`.
    """

    keep: float
    hard: bool = False
    per_patch: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise UsageError(f"keep={self.keep} is outside (0, 1]: give the fraction of frames to keep")

    def choice(self, frames: int | None) -> MergingChoice:
        """A film to be looked at."""
        return MergingChoice(self)


class MergingChoice:
    """See `FrameChoice`."""

    def __init__(self, settings: Merging) -> None:
        self._settings = settings

    def push(self, features: Tensor) -> Tensor | None:
        """All of them may yet be needed."""
        return None

    def end(self, features: Tensor) -> FilmChoice:
        """See `FrameChoice`."""
        settings = self._settings
        keep = tokens_kept(len(features), settings.keep)
        merged = merge_frames(features, keep, hard=settings.hard, per_patch=settings.per_patch)
        return FilmChoice(merged.first, merged.last, None, mean=not settings.hard)
