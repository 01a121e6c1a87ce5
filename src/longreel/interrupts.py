"""Hold Ctrl-C back for the moment in which state must not be torn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back_interrupts() -> Iterator[None]:
    """Deliver a Ctrl-C that comes inside this block right after it.

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
    if pending:
        handler(signal.SIGINT, pending[0])
