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

from longreel.compress.base import FilmChoice, tokens_kept
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
    """Choose frames at the peaks of that distance. At keep 1 (the paper's) all stay, and peaks are marked.

    keep: fraction of frames that stay, peaks first; below 1, prefill begins behind the last frame of a film.
    window: odd, number of frames among which a peak is the largest.
    per_patch: every patch has its own peaks, instead of all those of their mean distance.
    """

    keep: float = 1.0
    window: int = 3
    per_patch: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise UsageError(f"keep={self.keep} is outside (0, 1]: give the fraction of frames to keep")
        if self.window < 1 or self.window % 2 == 0:
            raise UsageError(f"window={self.window} has no middle: give an odd number of frames, such as 3")

    @property
    def lookback(self) -> int:
        """Half a window, and the frame that the first of them differs from."""
        return self.window // 2 + 1

    def stream(self) -> PeakStream:
        """A film whose frames all stay."""
        return PeakStream(self)

    def choice(self, frames: int | None) -> TopFrames:
        """A film of which some frames stay."""
        if frames is None:
            raise UsageError(
                "keyframes below 1 need a film of known length: give end=, or keep all of its frames"
            )
        return TopFrames(self, frames)


class _Peaks:
    """The peaks of distances that come bit by bit, told half a window behind them."""

    def __init__(self, window: int) -> None:
        self._half, self._window = window // 2, window
        # Those that are not told yet, and of half a window before them.
        self._distances: Tensor | None = None
        self._told = 0

    def push(self, distances: Tensor) -> Tensor:
        """Which of the next ones are peaks, as far as that is certain."""
        known = distances if self._distances is None else torch.cat((self._distances, distances))
        return self._tell(known, len(known) - self._half)

    def end(self) -> Tensor | None:
        """The same for those that are left."""
        return None if self._distances is None else self._tell(self._distances, len(self._distances))

    def _tell(self, known: Tensor, until: int) -> Tensor:
        until = max(until, self._told)
        told = peaks(known, self._window)[self._told : until]
        past = max(0, until - self._half)
        self._distances, self._told = known[past:], until - past
        return told


class _Distances:
    """Each frame's distance to the one before it, of a film that comes in blocks."""

    def __init__(self, per_patch: bool) -> None:
        self._per_patch = per_patch
        self._before: Tensor | None = None

    def push(self, features: Tensor) -> Tensor:
        """Float32 (F, N) per patch, else (F, 1)."""
        distances = frame_distances(features, self._before)
        self._before = features[-1].clone()
        return distances if self._per_patch else distances.mean(dim=1, keepdim=True)


class PeakStream:
    """The peaks of one film, told half a window behind its frames; see `FeatureStream`.

    Equal to `select_keyframes` over all frames, however they are cut into pushes.
    """

    def __init__(self, settings: DPSelect) -> None:
        self._distances = _Distances(settings.per_patch)
        self._peaks = _Peaks(settings.window)
        self._patches = 0

    def push(self, features: Tensor) -> Tensor:
        """See `FeatureStream`."""
        self._patches = features.shape[1]
        return self._of_all(self._peaks.push(self._distances.push(features)))

    def end(self) -> Tensor:
        """See `FeatureStream`."""
        left = self._peaks.end()
        return torch.empty(0, self._patches, dtype=torch.bool) if left is None else self._of_all(left)

    def _of_all(self, told: Tensor) -> Tensor:
        return told.expand(-1, self._patches)


class TopFrames:
    """The best frames of one film, of which no more are held than will stay; see `FrameChoice`.

    Equal to `select_keyframes` over all frames, if there are no more of them than were expected.

    Args:
        settings: which are the best.
        frames: how many are expected.
    """

    def __init__(self, settings: DPSelect, frames: int) -> None:
        self._settings = settings
        self._most = tokens_kept(frames, settings.keep)
        self._seen, self._patches = 0, 0
        self._stream, self._peaks = _Distances(settings.per_patch), _Peaks(settings.window)
        # Of the frames that are held: all distances, and whether the first ones are peaks.
        self._distances: Tensor | None = None
        self._is_peak: Tensor | None = None

    def push(self, features: Tensor) -> Tensor | None:
        """See `FrameChoice`."""
        self._patches = features.shape[1]
        self._seen += len(features)
        new = self._stream.push(features)
        self._distances = new if self._distances is None else torch.cat((self._distances, new))
        self._note(self._peaks.push(new))
        assert self._is_peak is not None
        decided, held = len(self._is_peak), len(self._distances)
        if decided <= self._most:
            return None
        stay = best(self._distances[:decided], self._most, self._is_peak)
        open_ones = torch.arange(decided, held, device=stay.device)[:, None].expand(-1, stay.shape[1])
        rows = torch.cat((stay, open_ones))
        self._is_peak = self._is_peak.gather(0, stay)
        self._distances = self._distances.gather(0, rows)
        return rows.expand(-1, self._patches)

    def end(self, features: Tensor) -> FilmChoice:
        """See `FrameChoice`."""
        left = self._peaks.end()
        assert left is not None
        assert self._distances is not None
        self._note(left)
        assert self._is_peak is not None
        keep = min(self._most, tokens_kept(self._seen, self._settings.keep))
        rows = best(self._distances, keep, self._is_peak)
        pivots = self._is_peak.gather(0, rows).expand(-1, self._patches)
        return FilmChoice(rows.expand(-1, self._patches), rows.expand(-1, self._patches), pivots)

    def _note(self, told: Tensor) -> None:
        self._is_peak = told if self._is_peak is None else torch.cat((self._is_peak, told))
