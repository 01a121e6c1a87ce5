"""Which frames of a film are wanted, as times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from longreel.errors import UsageError

# Rates above this are a mistake (a time given for a rate); they would only ask for every frame.
MAX_FPS = 10_000.0
MAX_COUNT = 1_000_000


@dataclass(frozen=True)
class Sampling:
    """Which frames to read. At a wanted time the frame on screen then is meant.

    At most one of `fps`, `count` and `seconds` says how they lie; none of them means every frame.

    Attributes:
        fps: frames per second, at start + k / fps; a frame on screen at several of these is given once.
        max_frames: at most so many; where `fps` (or every frame) would give more, they lie as for `count`.
        count: exactly so many, in the middle of `count` equal parts of the film; in a film of fewer frames
            some are given more than once.
        start, end: seconds of the film to read from (included) and to (excluded).
        seconds: the times themselves, read in ascending order.
        cap: where `fps` would give more frames than this of a film of known length, so many lie evenly from
            the first to the last, as the samplers of releases have them. Of a film of unknown length there
            may be more.

    Raises:
        UsageError: a value that can never work, or values that contradict each other.
    """

    fps: float | None = None
    max_frames: int | None = None
    count: int | None = None
    start: float | None = None
    end: float | None = None
    seconds: tuple[float, ...] | None = None
    cap: int | None = None

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_together()

    def _check_numbers(self) -> None:
        if self.fps is not None and not 0 < _number("fps", self.fps) <= MAX_FPS:
            raise UsageError(f"fps={self.fps} is no frame rate: give a number above 0, at most {MAX_FPS:g}")
        for name in ("max_frames", "count", "cap"):
            value = getattr(self, name)
            if value is not None and (
                not isinstance(value, Integral) or isinstance(value, bool) or value < 1
            ):
                raise UsageError(f"{name}={value} is no number of frames: give a whole number from 1 on")
            if name == "count" and value is not None and int(value) > MAX_COUNT:
                raise UsageError(f"count={value} is more than any memory holds: give at most {MAX_COUNT:,}")
        for name in ("start", "end"):
            value = getattr(self, name)
            if value is not None and _number(name, value) < 0:
                raise UsageError(f"{name}={value} lies before the film: give seconds from 0 on")
        if self.end is not None and self.end <= 0:
            raise UsageError(f"end={self.end} leaves nothing of the film: give seconds above 0")
        if self.seconds is not None:
            self._check_seconds(self.seconds)

    def _check_seconds(self, seconds: tuple[float, ...]) -> None:
        if isinstance(seconds, str) or not hasattr(seconds, "__iter__"):
            raise UsageError(f"seconds={seconds!r} is no list of times: give numbers")
        if not len(seconds):
            raise UsageError("seconds= holds no time: give at least one")
        for time in seconds:
            if _number("seconds", time) < 0:
                raise UsageError(f"seconds={time} lies before the film: give seconds from 0 on")

    def _check_together(self) -> None:
        ways = [name for name in ("fps", "count", "seconds") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise UsageError(f"{'= and '.join(ways)}= contradict each other: give one of them")
        if self.max_frames is not None and (self.count is not None or self.seconds is not None):
            raise UsageError(
                f"max_frames= does not go with {ways[0]}=, which fixes the number: leave one out"
            )
        if self.seconds is not None and (self.start is not None or self.end is not None):
            raise UsageError("seconds= names the times itself: leave out start= and end=")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise UsageError(
                f"start={self.start:g} does not lie before end={self.end:g}: swap or change them"
            )


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name}={value!r} is no number: give one")
    if not math.isfinite(value):
        raise UsageError(f"{name}={value} is not finite: give a number")
    return float(value)
