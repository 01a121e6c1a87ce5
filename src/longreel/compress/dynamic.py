"""Dynamic compression: intervals that end where the picture changes (Video-XL, arXiv 2409.14485, CVPR 2025).

Between two frames lies a gap. Its depth says how far the similarity of neighbouring frames falls there
below the peaks on both sides: climb from s_i to the left and to the right while it does not fall, to l_i
and r_i; d_i = l_i + r_i - 2 s_i. A gap much deeper than usual is a border. So changing parts of a film get
short intervals, which summary tokens condense less per second, and still parts long ones.

The measure of what is usual is taken from the last frames only, and a climb to the right has a limit:
intervals can then be found while the film is still being read. Both limits are longreel's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from longreel.compress.distances import frame_distances

# Distances are computed in float32: a smaller difference in depth is rounding, not a change of picture.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class BorderRule:
    """Where an interval ends.

    longest: frames of an interval at most; ten frames of 144 tokens fill Video-XL's 1440.
    shortest: frames before which no border ends it.
    step: an interval has a multiple of so many frames; with a border inside, it ends at the next.
    sharpness: a border is deeper than the mean depth by so many standard deviations.
    history: number of gaps, the one in question included, over which that mean and the climb to the left
        extend.
    look_ahead: number of gaps over which the climb to the right extends.

    Raises:
        ValueError: lengths other than 1 <= shortest <= longest, a longest that is no multiple of step,
            history below 2, or a negative look_ahead.
    """

    longest: int = 10
    shortest: int = 1
    sharpness: float = 0.5
    history: int = 256
    look_ahead: int = 8
    step: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(
                f"give 1 <= shortest <= longest, not shortest={self.shortest}, longest={self.longest}"
            )
        if self.step < 1 or self.longest % self.step:
            raise ValueError(f"longest={self.longest} must be a multiple of step={self.step}, at least 1")
        if self.history < 2 or self.look_ahead < 0:
            raise ValueError(
                f"history={self.history} must be at least 2, look_ahead={self.look_ahead} at least 0"
            )


def depth_scores(features: Tensor, history: int = 256, look_ahead: int = 8) -> Tensor:
    """Depth of the gap behind each frame but the last.

    Args:
        features: (T, D), one vector per frame, any float dtype.
        history, look_ahead: see `BorderRule`.

    Returns:
        float64 (T - 1,), at least 0.
    """
    distances = _gap_distances(features, None)
    depths = [_depth(distances, gap, history, look_ahead) for gap in range(len(distances))]
    return torch.tensor(depths, dtype=torch.float64)


def dynamic_intervals(features: Tensor, rule: BorderRule | None = None) -> list[range]:
    """Cut a whole film into intervals: for each the range of its frames, in order, without gaps.

    Args:
        features: (T, D), one vector per frame, any float dtype.
        rule: None for the default `BorderRule`.
    """
    finder = IntervalFinder(rule)
    return finder.offer(features) + finder.finish()


class IntervalFinder:
    """Cuts a film into intervals while it is read; blocks of any size give the same intervals.

    A gap is decided once `look_ahead` gaps behind it are known, so at most
    `longest` + `look_ahead` frames wait.
    """

    def __init__(self, rule: BorderRule | None = None) -> None:
        self._rule = rule or BorderRule()
        self._last: Tensor | None = None
        self._frames = 0
        self._start = 0
        self._decided = 0
        # Whether the open interval has a border in it, at which it was too soon to end.
        self._ends_soon = False
        # Distances of the gaps that are still needed; the first of them belongs to gap `_first_gap`.
        self._distances: list[float] = []
        self._first_gap = 0
        self._depths: deque[float] = deque(maxlen=self._rule.history)

    def offer(self, features: Tensor) -> list[range]:
        """Take the next frames, (T, D); the intervals that end with them come back."""
        self._see(features)
        return self._decide(self._frames - 1 - self._rule.look_ahead)

    def review(self, features: Tensor) -> None:
        """Take frames, (T, D), that are in intervals closed before; only what follows depends on them.

        After the last 2 * `history` of a film so far, or all of them, what follows is cut as if by one
        finder that saw the whole film.
        """
        self._see(features)
        self._start = self._frames
        self._decide(self._frames - 1 - self._rule.look_ahead)

    def _see(self, features: Tensor) -> None:
        if len(features):
            self._distances += _gap_distances(features, self._last)
            self._last = features[-1].clone()
            self._frames += len(features)

    def finish(self) -> list[range]:
        """The film is over: the intervals that remain. The last frame always ends one."""
        closed = self._decide(self._frames - 1)
        if self._start < self._frames:
            closed.append(range(self._start, self._frames))
            self._start = self._frames
        return closed

    def _decide(self, until: int) -> list[range]:
        closed = []
        for gap in range(self._decided, until):
            is_border = self._is_border(gap)
            # Not above 0 in frames that are in intervals closed before.
            length = gap + 1 - self._start
            self._ends_soon |= is_border and length >= self._rule.shortest
            if length == self._rule.longest or (self._ends_soon and length % self._rule.step == 0):
                closed.append(range(self._start, gap + 1))
                self._start, self._ends_soon = gap + 1, False
        self._decided = max(self._decided, until)
        self._forget()
        return closed

    def _is_border(self, gap: int) -> bool:
        rule = self._rule
        depth = _depth(self._distances, gap - self._first_gap, rule.history, rule.look_ahead)
        self._depths.append(depth)
        if len(self._depths) < 2:
            return False
        usual = np.array(self._depths)
        return bool(depth > usual.mean() + rule.sharpness * usual.std(ddof=1) + _ROUNDING)

    def _forget(self) -> None:
        """Drop the distances that no later gap looks back to."""
        passed = max(0, self._decided - self._rule.history + 1 - self._first_gap)
        del self._distances[:passed]
        self._first_gap += passed


def _gap_distances(features: Tensor, before: Tensor | None) -> list[float]:
    """1 - s of each gap: of T frames T - 1, and one more with a frame `before`."""
    distances = frame_distances(features[:, None], None if before is None else before[None])
    listed: list[float] = distances[:, 0].tolist()
    return listed[1:] if before is None else listed


def _depth(distances: Sequence[float], gap: int, history: int, look_ahead: int) -> float:
    """d = l + r - 2 s, in distances 1 - s."""
    left = _lowest(distances, gap, range(gap - 1, max(0, gap - history + 1) - 1, -1))
    right = _lowest(distances, gap, range(gap + 1, min(len(distances), gap + look_ahead + 1)))
    return 2 * distances[gap] - left - right


def _lowest(distances: Sequence[float], gap: int, way: Iterable[int]) -> float:
    """The distance reached by going from `gap` along `way` while it does not grow."""
    lowest = distances[gap]
    for step in way:
        if distances[step] > lowest:
            break
        lowest = distances[step]
    return lowest
