"""The intervals of a memory as they are closed, one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from longreel.compress.base import FilmIntervals, NextInterval
from longreel.key_values import Interval


class ClosedIntervals:
    """Each with the ratio that the rule of its film gives it.

    Args:
        closed: those of a memory that is gone on with.
    """

    def __init__(self, closed: Iterable[Interval] = ()) -> None:
        self._closed = list(closed)
        # Visual tokens of the film in closed intervals, and summaries of them.
        self._seen = self._kept = 0

    @property
    def all(self) -> tuple[Interval, ...]:
        """In order, whatever film they are of."""
        return tuple(self._closed)

    def begin_film(self, held: int = 0) -> None:
        """Another film begins, of which the last intervals hold so many visual tokens already."""
        self._seen = self._kept = 0
        for interval in reversed(self._closed):
            if self._seen >= held:
                break
            self._note(interval)

    def close(self, rule: FilmIntervals, tokens: int) -> Interval:
        """The next interval of the film, of so many visual tokens."""
        next_one = NextInterval(len(self._closed), tokens, self._seen, self._kept)
        interval = Interval(tokens, rule.ratio_of(next_one))
        self._closed.append(interval)
        self._note(interval)
        return interval

    def _note(self, interval: Interval) -> None:
        self._seen += interval.tokens
        self._kept += interval.tokens // interval.ratio
