"""Tell a memory file from a film without opening either."""

from __future__ import annotations

import os
from pathlib import Path

from longreel.files import MEMORY_MARK

MEMORY_SUFFIX = ".memory"
# A memory file begins with a length of 8 bytes and a JSON header that names its format first.
_HEAD_BYTES = 128
_MARK = f'"{MEMORY_MARK}"'.encode()


def looks_like_memory(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named or begins as a memory does, be it whole or damaged."""
    file = Path(path)
    if file.is_dir():
        return False
    try:
        with open(file, "rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except (OSError, ValueError):
        head = b""
    return _MARK in head or file.suffix == MEMORY_SUFFIX
