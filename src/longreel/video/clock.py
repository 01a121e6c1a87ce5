"""Times of decoded frames on the film's own timeline, also where the file's times are damaged."""

from __future__ import annotations

# A jump of a day between two frames, in a film whose length is unknown, is damage.
_LONGEST_STEP = 86_400.0


class Clock:
    """Seconds since the film's first frame, strictly ascending until `reset`.

    Args:
        step: seconds between two frames, where the file does not tell.
        longest: seconds behind which no frame can lie, if known.
    """

    def __init__(self, step: float, longest: float | None) -> None:
        self.origin: float | None = None
        self.repaired = 0
        self._step = step
        self._longest = longest
        self._last: float | None = None

    def reset(self) -> None:
        """Frames from elsewhere follow."""
        self._last = None

    def tell(self, stamp: float | None) -> float:
        """Time of the next frame, which the file says is at `stamp`."""
        if self.origin is None:
            self.origin = stamp or 0.0
        raw = None if stamp is None else stamp - self.origin
        if raw is None or not self._plausible(raw):
            # A stream without any times, such as raw H.264, is no damage.
            self.repaired += 0 if raw is None else 1
            raw = 0.0 if self._last is None else self._last + self._step
        self._last = raw
        return raw

    def _plausible(self, seconds: float) -> bool:
        if self._last is not None and seconds <= self._last:
            return False
        least = 0.0 if self._last is None else self._last
        if self._longest is not None:
            return -_LONGEST_STEP < seconds <= max(self._longest, least + 10 * self._step)
        return seconds - least < _LONGEST_STEP
