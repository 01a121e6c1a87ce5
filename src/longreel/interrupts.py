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
    Ctrl-C, and only Python's own handler is replaced, so elsewhere this does nothing.
    """
    if not _python_handles_interrupts():
        yield
        return
    pending: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        pending.append(number)

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if pending:
        raise KeyboardInterrupt


def _python_handles_interrupts() -> bool:
    on_main_thread = threading.current_thread() is threading.main_thread()
    return on_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
