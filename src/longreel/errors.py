"""Errors a user can act on: one line that names the file or value and the remedy."""

from __future__ import annotations


class LongreelError(Exception):
    """Base of every error longreel raises on purpose; the command line exits with `exit_code`."""

    exit_code = 1


class UsageError(LongreelError):
    """An argument has a value that can never work."""

    exit_code = 2


class SourceError(LongreelError):
    """A film, picture folder or other source cannot be read."""


class MemoryFileError(LongreelError):
    """A memory file is damaged, of another version, or does not belong to this model."""


class ModelError(LongreelError):
    """A model cannot be loaded or cannot do what was asked of it."""
