"""Folders that the command line writes to."""

from __future__ import annotations

from pathlib import Path

from longreel.errors import LongreelError


def made_folder(folder: Path) -> Path:
    """The folder, made with those above it if it is missing.

    Raises:
        LongreelError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LongreelError(
            f"{folder} cannot be made: {error.strerror or error}; name another folder"
        ) from error
    return folder
