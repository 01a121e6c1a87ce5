"""Write files whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# A memory file begins with a length of 8 bytes and a JSON header that names this first.
MEMORY_MARK = "longreel_memory"
_HEAD_BYTES = 128


def begins_as_memory(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a memory does, be it whole or damaged.

    Raises:
        OSError, ValueError: as `open` does.
    """
    with open(path, "rb") as file:
        return f'"{MEMORY_MARK}"'.encode() in file.read(_HEAD_BYTES)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends well.

    Until then it has another name in the same folder; on any exception, Ctrl-C included, it is removed
    and `path` is untouched. Writers of one path do not disturb each other: the last to finish wins.
    A device or pipe, such as /dev/stdout, is written to, never replaced.

    Raises:
        OSError: as `open`, `write` and `rename` do.
    """
    if _is_device(path):
        with open(path, "wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _is_device(path: str | os.PathLike[str]) -> bool:
    with suppress(OSError):
        mode = os.stat(path).st_mode
        return stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode)
    return False


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a folder that takes the place `path`, which is free or an empty folder, when the block ends well.

    Until then it has another name beside; on any exception, Ctrl-C included, it is removed.

    Raises:
        OSError: as `mkdir`, `open` and `rename` do, and if `path` is taken.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        part.mkdir()
        yield part
        for file in part.iterdir():
            with open(file, "rb") as written:
                os.fsync(written.fileno())
        os.replace(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
