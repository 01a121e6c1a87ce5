"""Pick, from frames that come one after the other, those on screen at the wanted times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from longreel.video.targets import Begin, Targets

T = TypeVar("T")


@dataclass(frozen=True)
class Picked(Generic[T]):
    """A frame that is wanted, `times` times."""

    seconds: float
    item: T
    times: int


class Selection(Generic[T]):
    """Holds one frame back until the next one tells how long it was on screen.

    The frame on screen at a wanted time is the last one that begins not later, or the first of all.

    Args:
        tolerance: a frame that begins at most so many seconds after a wanted time counts as on screen then;
            container times are rounded.
        begin: the first frame to give.
    """

    def __init__(self, targets: Targets, tolerance: float, begin: Begin) -> None:
        self._targets = targets
        self._tolerance = tolerance
        self._first = self._index = begin.index(targets, tolerance)
        self._held: tuple[float, T] | None = None
        self._given: float | None = None
        self.step = 0.0

    @property
    def wanted(self) -> float | None:
        """The next wanted time; None if there is no more."""
        return self._targets.at(self._index)

    @property
    def begun(self) -> bool:
        """Whether a wanted time has been passed."""
        return self._index > self._first

    @property
    def held(self) -> float | None:
        """Time of the frame held back."""
        return self._held[0] if self._held else None

    @property
    def repeats(self) -> bool:
        """Whether a frame is given as often as it is wanted."""
        return not self._targets.unique

    def drop(self) -> None:
        """Forget the frame held back: the next one does not follow it."""
        self._held = None

    def offer(self, seconds: float, item: T) -> Picked[T] | None:
        """Take the frame that begins at `seconds`; the one before it comes back if it is wanted."""
        picked = self._pick(seconds - self._tolerance) if self._held else None
        if self._held:
            self.step = seconds - self._held[0]
        self._held = (seconds, item)
        return picked

    def finish(self, end: float) -> Picked[T] | None:
        """The last frame, if it is wanted before `end`."""
        return self._pick(end) if self._held else None

    def missing(self, end: float) -> int:
        """How many wanted times before `end` no frame was given for."""
        return max(0, self._targets.before(end) - self._index)

    def _pick(self, until: float) -> Picked[T] | None:
        assert self._held is not None
        count = self._targets.before(until) - self._index
        if count <= 0:
            return None
        self._index += count
        seconds, item = self._held
        if self._targets.unique:
            if self._given == seconds:
                return None
            count = 1
        self._given = seconds
        return Picked(seconds, item, count)
