"""How far a long piece of work has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One report of progress.

    stage: what is being done, for people.
    done, total: in the unit of the stage (frames while watching); total is None where it is unknown.
    elapsed, remaining: seconds of this stage; remaining is None where it cannot be told.
    """

    stage: str
    done: float
    total: float | None
    elapsed: float
    remaining: float | None


ProgressCallback = Callable[[Progress], None]


class StageClock:
    """Reports one stage to a callback (None: to nobody) and estimates the time left.

    Speed is measured from the first report on: what comes before it (opening, seeking to where an earlier
    run stopped) says nothing about the rest.
    """

    def __init__(self, callback: ProgressCallback | None, stage: str, total: float | None) -> None:
        self._callback = callback
        self._stage = stage
        self._total = total
        self._started = time.perf_counter()
        self._first: tuple[float, float] | None = None

    def report(self, done: float) -> None:
        """Tell how much is done."""
        if self._callback is None:
            return
        now = time.perf_counter()
        if self._first is None:
            self._first = now, done
        left = self._remaining(done, now)
        self._callback(Progress(self._stage, done, self._total, now - self._started, left))

    def _remaining(self, done: float, now: float) -> float | None:
        assert self._first is not None
        since, already = self._first
        if self._total is None or done <= already:
            return None
        return max(0.0, self._total - done) * (now - since) / (done - already)
