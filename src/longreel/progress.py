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

    Work that was done before (`already`) counts as done but not for the speed.
    """

    def __init__(
        self, callback: ProgressCallback | None, stage: str, total: float | None, already: float = 0.0
    ) -> None:
        self._callback = callback
        self._stage = stage
        self._total = total
        self._already = already
        self._started = time.perf_counter()

    def report(self, done: float) -> None:
        """Tell how much is done."""
        if self._callback is None:
            return
        elapsed = time.perf_counter() - self._started
        self._callback(Progress(self._stage, done, self._total, elapsed, self._remaining(done, elapsed)))

    def _remaining(self, done: float, elapsed: float) -> float | None:
        fresh = done - self._already
        if self._total is None or fresh <= 0:
            return None
        return max(0.0, self._total - done) * elapsed / fresh
