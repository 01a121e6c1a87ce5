"""Hold Ctrl-C back for the moment in which state must not be torn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from longreel.progress import Progress, ProgressCallback


@contextmanager
def held_back_interrupts(*, deliver: bool = True) -> Iterator[None]:
    """Deliver a Ctrl-C that comes inside this block right after it, or not at all.

    Without it an interrupt could fall between two layers of one interval. Only the main thread receives
    Ctrl-C, so elsewhere this does nothing; a handler that is not Python's own is called just as well.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    pending: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _, frame: pending.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if pending and deliver:
        handler(signal.SIGINT, pending[0])


class _Reports:
    """Passes progress on, and raises KeyboardInterrupt at the first report after Ctrl-C."""

    def __init__(self, callback: ProgressCallback | None, handler: Callable[[int, FrameType | None], object]):
        self._callback, self._handler = callback, handler
        self._begun = self._pressed = self._delivered = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-C: at once while there is nothing to lose, else at the next report."""
        self._pressed = True
        if not self._begun:
            self._handler(number, frame)

    def __call__(self, progress: Progress) -> None:
        self._begun = True
        if self._callback is not None:
            self._callback(progress)
        if self._pressed and not self._delivered:
            self._delivered = True
            raise KeyboardInterrupt


@contextmanager
def interrupts_at_reports(callback: ProgressCallback | None) -> Iterator[ProgressCallback]:
    """Deliver Ctrl-C only where progress is reported, and only once.

    Gives the callback to report to, which passes reports on. What comes between and after the reports, such
    as writing a result, is not interrupted; before the first one there is nothing to lose, so Ctrl-C comes
    at once.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield callback or (lambda _: None)
        return
    reports = _Reports(callback, handler)
    signal.signal(signal.SIGINT, reports.note)
    try:
        yield reports
    finally:
        signal.signal(signal.SIGINT, handler)
