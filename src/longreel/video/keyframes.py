"""Where a film's keyframes are, as far as that can be told without decoding."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_SCAN_KEYFRAMES, _SCAN_PACKETS = 4, 2000


@dataclass(frozen=True)
class Keyframes:
    """What is known about a film's keyframes.

    Attributes:
        distance: mean seconds between two of them.
        timed: whether packets say when they are shown; without that, jumps cannot be checked.
        times: seconds of all, on the file's own clock, if it has an index.
    """

    distance: float
    timed: bool
    times: tuple[float, ...] | None = None

    def between(self, now: float, then: float, lag: float) -> bool:
        """Whether a jump from `now` to `then`, on the file's own clock, probably skips something.

        Args:
            lag: seconds by which decoding times, which an index may hold, run ahead of display.
        """
        if self.times is None:
            return then - now > self.distance
        place = bisect_right(self.times, then - lag)
        return place > 0 and self.times[place - 1] > now


def indexed_keyframes(stream: Any, tick: float, duration: float | None) -> Keyframes | None:
    """From the index of an open stream; None if it has none to speak of."""
    entries = getattr(stream, "index_entries", None)
    if entries is None:
        return None
    times = tuple(entry.timestamp * tick for entry in entries if entry.is_keyframe)
    # An index of the first few seconds only (Matroska before the first seek) tells too little.
    if len(times) < 2 or times[-1] - times[0] < 0.5 * (duration or 0.0):
        return None
    return Keyframes((times[-1] - times[0]) / (len(times) - 1), True, times)


def scanned_keyframes(packets: Iterable[Any], tick: float) -> Keyframes:
    """From the first packets of a film."""
    timed = True
    keys: list[int] = []
    times: list[int] = []
    for number, packet in enumerate(packets):
        timed = timed and (packet.pts is not None or not packet.size)
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None:
            continue
        times.append(time)
        if packet.is_keyframe:
            keys.append(time)
        if len(keys) >= _SCAN_KEYFRAMES or number >= _SCAN_PACKETS:
            break
    if len(keys) >= 2:
        return Keyframes((keys[-1] - keys[0]) * tick / (len(keys) - 1), timed)
    # A single one: the next is at least as far as was looked.
    return Keyframes((max(times) - min(times)) * tick if times else 0.0, timed)
