"""Errors a user can act on: one line that names the file or value and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longreel.memory import VideoMemory


class LongreelError(Exception):
    """Base of every error longreel raises on purpose; the command line exits with `exit_code`."""

    exit_code = 1


class UsageError(LongreelError):
    """An argument has a value that can never work."""

    exit_code = 2


class ContextError(UsageError):
    """Films do not fit into the model's context under this method."""


class SourceError(LongreelError):
    """A film, picture folder or other source cannot be read."""


class MemoryFileError(LongreelError):
    """A memory file is damaged, of another version, or does not belong to this model."""


class ModelError(LongreelError):
    """A model cannot be loaded or cannot do what was asked of it."""


class EndpointError(LongreelError):
    """An endpoint cannot be reached, refuses, or does not speak as it should."""


class WatchInterrupted(LongreelError):  # noqa: N818 - it is a result, not a fault
    """Ctrl-C while watching; `memory` holds what was watched and can be resumed.

    The exit code is the one shells give to a command that was interrupted.
    """

    exit_code = 130

    def __init__(self, message: str, memory: VideoMemory) -> None:
        super().__init__(message)
        self.memory = memory
