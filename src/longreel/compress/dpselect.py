"""DPSelect: keyframes are the peaks of the distance between neighbouring frames (ReTaKe, arXiv 2412.20504).

With D[t] = 1 - cos(frame t - 1, frame t) and D[0] = 1, a frame is a peak if its distance is the largest
in the window around it. Peaks are kept first, then the frames with the largest distances (section 3.2,
equations 1 to 4). Features are those the language model receives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.distances import frame_distances
from longreel.compress.ranking import best
from longreel.errors import UsageError


class Keyframes(NamedTuple):
    """What was kept, and why.

    indices: int64 (keep,), or (keep, N) per patch, ascending: the frames kept.
    is_peak: bool, shaped as `indices`: which of them are peaks.
    distance: float32 (T,) or (T, N): each frame's distance to the one before it; that of the first is 1.
    """

    indices: Tensor
    is_peak: Tensor
    distance: Tensor


def select_keyframes(features: Tensor, keep: int, window: int = 3, per_patch: bool = False) -> Keyframes:
    """Keep the `keep` frames that differ most from the frame before them, peaks first.

    More peaks than `keep`: those with the largest distances. Of equal frames the earliest is kept.

    Args:
        features: (T, N, D), N patches of T frames, any float dtype.
        keep: number of frames, 1 to T.
        window: odd, number of frames among which a peak is the largest.
        per_patch: every patch chooses its own frames, instead of all by their mean distance.

    Raises:
        ValueError: keep outside 1 to T, an even window, or features of another shape.
    """
    if features.ndim != 3:
        raise ValueError(f"features have shape {tuple(features.shape)}: give (frames, patches, width)")
    if not 1 <= keep <= len(features):
        raise ValueError(f"keep={keep} is outside 1 to {len(features)}, the number of frames")
    distance = frame_distances(features)
    if not per_patch:
        distance = distance.mean(dim=1)
    is_peak = peaks(distance, window)
    indices = best(distance, keep, preferred=is_peak)
    return Keyframes(indices, is_peak.gather(0, indices), distance)


def peaks(distance: Tensor, window: int) -> Tensor:
    """Which values are the largest among the `window` around them; of equal ones the first.

    Args:
        distance: (T,) or (T, N), patches apart.
        window: odd; at the ends the part of it that exists counts.

    Returns:
        bool, shaped as `distance`.

    Raises:
        ValueError: the window is even or below 1.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"window={window} has no middle: give an odd number of frames, such as 3")
    is_peak = torch.ones_like(distance, dtype=torch.bool)
    for step in range(1, min(window // 2, len(distance) - 1) + 1):
        rises = distance[step:] > distance[:-step]
        is_peak[step:] &= rises
        is_peak[:-step] &= ~rises
    return is_peak


@dataclass(frozen=True)
class DPSelect:
    """Mark the tokens of frames at the peaks of that distance; all frames stay (the paper's keep of 1).

    window: odd, number of frames among which a peak is the largest.
    per_patch: every patch has its own peaks, instead of all those of their mean distance.
    """

    window: int = 3
    per_patch: bool = True

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0:
            raise UsageError(f"window={self.window} has no middle: give an odd number of frames, such as 3")

    @property
    def lookback(self) -> int:
        """Half a window, and the frame that the first of them differs from."""
        return self.window // 2 + 1

    def stream(self) -> PeakStream:
        """A film to be looked at."""
        return PeakStream(self.window, self.per_patch)


class PeakStream:
    """The peaks of one film, told half a window behind its frames; see `FeatureStream`.

    Equal to `select_keyframes` over all frames, however they are cut into pushes.
    """

    def __init__(self, window: int, per_patch: bool) -> None:
        self._window, self._per_patch = window, per_patch
        self._before: Tensor | None = None
        self._patches = 0
        # Distances of the frames that are not told yet, and of half a window before them.
        self._distances: Tensor | None = None
        self._told = 0

    def push(self, features: Tensor) -> Tensor:
        """See `FeatureStream`."""
        new = frame_distances(features, self._before)
        self._before, self._patches = features[-1].clone(), features.shape[1]
        new = new if self._per_patch else new.mean(dim=1)
        self._distances = new if self._distances is None else torch.cat((self._distances, new))
        return self._tell(len(self._distances) - self._window // 2)

    def end(self) -> Tensor:
        """See `FeatureStream`."""
        return self._tell(0 if self._distances is None else len(self._distances))

    def _tell(self, until: int) -> Tensor:
        if self._distances is None or until <= self._told:
            return torch.empty(0, self._patches, dtype=torch.bool)
        told = peaks(self._distances, self._window)[self._told : until]
        past = max(0, until - self._window // 2)
        self._distances, self._told = self._distances[past:], until - past
        return told if self._per_patch else told[:, None].expand(-1, self._patches)
