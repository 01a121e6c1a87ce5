"""Tell a memory file from a film without opening either."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from longreel.files import begins_as_memory

MEMORY_SUFFIX = ".memory"


def looks_like_memory(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named or begins as a memory does, be it whole or damaged."""
    file = Path(path)
    if file.is_dir():
        return False
    with suppress(OSError, ValueError):
        if begins_as_memory(file):
            return True
    return file.suffix == MEMORY_SUFFIX
