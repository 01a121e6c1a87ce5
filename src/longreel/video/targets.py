"""The wanted times of one film, one after the other."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Protocol

from longreel.video.sampling import MAX_FPS, Sampling

# Wanted times are compared with an end computed in floating point.
TINY = 1e-9
# So many seconds before the end the last frame is still on screen, in films of up to 100 frames a second.
_SHORT_OF_END = 0.01


class Targets(Protocol):
    """Ascending wanted times.

    unique: whether a frame on screen at several of them is given once only.
    """

    @property
    def unique(self) -> bool: ...

    def at(self, index: int) -> float | None:
        """The wanted time with this index; None behind the last."""

    def before(self, time: float) -> int:
        """How many wanted times lie before `time`."""

    def spacing(self) -> float:
        """Mean seconds between two wanted times; 0 for every frame, infinite for a single one."""


@dataclass(frozen=True)
class Begin:
    """Where to begin in a film of which a part was read before.

    frame: number of the first frame to give, among those that are given in all; seconds: its time.
    """

    frame: int = 0
    seconds: float = 0.0

    def index(self, targets: Targets, tolerance: float) -> int:
        """Wanted times that lie before this frame."""
        if not targets.unique:
            return self.frame
        return targets.before(self.seconds - tolerance) if self.frame else 0


@dataclass(frozen=True)
class Grid:
    """start + k * step, for as long as that lies before the end."""

    start: float
    step: float
    end: float
    unique: bool = True

    def at(self, index: int) -> float | None:
        time = self.start + index * self.step
        return time if index == 0 or time < self.end - TINY else None

    def before(self, time: float) -> int:
        steps = math.ceil((min(time, self.end) - self.start) / self.step - TINY)
        least = 1 if time > self.start else 0
        return max(least, steps)

    def spacing(self) -> float:
        return self.step


@dataclass(frozen=True)
class Listed:
    """Times given one by one."""

    times: tuple[float, ...]
    unique: bool = False

    def at(self, index: int) -> float | None:
        return self.times[index] if index < len(self.times) else None

    def before(self, time: float) -> int:
        return bisect_left(self.times, time)

    def spacing(self) -> float:
        if len(self.times) < 2:
            return math.inf
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)


def spread(count: int, start: float, end: float) -> tuple[float, ...]:
    """The middles of `count` equal parts of [start, end)."""
    part = (end - start) / count
    return tuple(start + (index + 0.5) * part for index in range(count))


def plan_targets(sampling: Sampling, duration: float | None) -> Targets:
    """The wanted times of a film that is `duration` seconds long, None if that is unknown.

    Raises:
        ValueError: the number of frames is fixed, and neither the end nor the duration is known.
    """
    if sampling.seconds is not None:
        return Listed(tuple(sorted(float(time) for time in sampling.seconds)))
    start = sampling.start or 0.0
    known = [time for time in (sampling.end, duration) if time is not None]
    end = min(known, default=math.inf)
    if sampling.count is not None:
        return Listed(spread(sampling.count, start, _finite(end)))
    # Every frame: steps finer than any film's, of which each frame is given once.
    step = 1 / (sampling.fps or MAX_FPS)
    # A grid ends where the film does, which the file may tell wrongly, so only a wanted end limits it.
    if sampling.cap is not None and math.isfinite(end) and Grid(start, step, end).before(end) > sampling.cap:
        step = _spacing(sampling.cap, end - start)
    grid = Grid(start, step, math.inf if sampling.end is None else sampling.end)
    if sampling.max_frames is None or Grid(start, step, _finite(end)).before(end) <= sampling.max_frames:
        return grid
    return Listed(spread(sampling.max_frames, start, end), unique=True)


def _spacing(count: int, length: float) -> float:
    """Seconds between `count` wanted times that reach from the first frame to the last."""
    if count == 1:
        return 2 * length
    return (length - min(_SHORT_OF_END, 0.25 * length / count)) / (count - 1)


def even_rate(sampling: Sampling, duration: float | None) -> float | None:
    """Frames per second, if they are wanted at an even rate."""
    if sampling.fps is None:
        return None
    targets = plan_targets(sampling, duration)
    if not isinstance(targets, Grid):
        return None
    return sampling.fps if targets.step == 1 / sampling.fps else 1 / targets.step


def frames_wanted(targets: Targets, duration: float | None, frame_rate: float | None) -> int | None:
    """About how many frames the targets ask for; None if that depends on an unknown length."""
    if isinstance(targets, Listed):
        return len(targets.times)
    assert isinstance(targets, Grid)
    end = min(targets.end, math.inf if duration is None else duration)
    if math.isinf(end):
        return None
    wanted = targets.before(end)
    if frame_rate and frame_rate < 1 / targets.step:
        wanted = min(wanted, max(1, math.ceil((end - targets.start) * frame_rate - 0.5)))
    return wanted


def _finite(end: float) -> float:
    if math.isinf(end):
        raise ValueError("the length of the film is unknown")
    return end
