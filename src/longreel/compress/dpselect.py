"""DPSelect: keyframes are the peaks of the distance between neighbouring frames (ReTaKe, arXiv 2412.20504).

With D[t] = 1 - cos(frame t - 1, frame t) and D[0] = 1, a frame is a peak if its distance is the largest
in the window around it. Peaks are kept first, then the frames with the largest distances (section 3.2,
equations 1 to 4). Features are those the language model receives.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.distances import frame_distances
from longreel.compress.ranking import best


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
