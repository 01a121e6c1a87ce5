"""Where a memory is written, and the rule that none is lost silently."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from longreel.cli.kinds import MEMORY_SUFFIX, looks_like_memory
from longreel.errors import MemoryFileError, UsageError

if TYPE_CHECKING:
    from longreel.memory import VideoMemory


@dataclass(frozen=True)
class MemoryPlace:
    """A path that a memory can be written to.

    A memory that is there is gone on with if it is unfinished, left as it is if it is what would be made
    again, and else replaced only with `force`; a file of another kind is never replaced.
    """

    path: Path
    force: bool

    @classmethod
    def checked(cls, films: Sequence[str], output: Path | None, *, force: bool) -> MemoryPlace:
        """Find out before an hour of watching whether its result can be written.

        Raises:
            UsageError: the path is a folder, or holds something that is not to be replaced.
            MemoryFileError: the folder is missing or cannot be written to.
        """
        path = Path(_default_name(films[0])) if output is None else output
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder: name a file in it, such as {path / _default_name(films[0])}"
            )
        if path.exists() and not _is_empty(path) and not looks_like_memory(path):
            raise UsageError(f"{path} is not a memory, so it is not replaced: name another file with -o")
        _check_folder(path)
        return cls(path, force)

    def held(self) -> VideoMemory | None:
        """The memory that is there and not to be replaced, whole or unfinished, if there is one.

        Raises:
            UsageError: it is damaged, and `force` is not set.
        """
        if not self.path.exists() or _is_empty(self.path):
            return None
        from longreel.memory import VideoMemory

        try:
            memory = VideoMemory.open(self.path)
            memory.verify()
        except MemoryFileError as error:
            if self.force:
                return None
            raise UsageError(f"{error}; --force replaces it") from error
        return None if self.force and memory.complete else memory


def _default_name(film: str) -> str:
    """`film.mp4` becomes `film.memory`, in the current folder."""
    name = PurePosixPath(urlsplit(film).path).stem if "://" in film else Path(film).resolve().stem
    return f"{name or 'film'}{MEMORY_SUFFIX}"


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _check_folder(path: Path) -> None:
    """Only trying tells: permissions, read-only disks and full ones look alike from outside."""
    if not path.parent.is_dir():
        raise MemoryFileError(f"{path} cannot be written: there is no folder {path.parent}; make it first")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise MemoryFileError(f"{path} cannot be written: {reason}; name another folder with -o") from error
