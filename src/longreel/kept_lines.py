"""A file of JSON lines to which finished work is added, so that a kill at any point loses none of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from longreel.errors import LongreelError

Line = dict[str, Any]


class KeptLines:
    """JSON objects, one a line; a line cut short by a kill is dropped before the first is read or added.

    Args:
        path: of the file, which may be missing.
        remedy: what happens once a damaged line is removed, for the error that names it.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        self._path, self._remedy = path, remedy
        self._drop_broken_line()

    def add(self, line: Line) -> None:
        """Write a line in one piece; it is on the disk when this returns."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, *keys: str) -> Iterator[Line]:
        """All lines, each of which has these keys.

        Raises:
            LongreelError: one is damaged.
        """
        content = self._path.read_bytes() if self._path.exists() else b""
        for number, text in enumerate(content.split(b"\n")[:-1], start=1):
            line = _parsed(text)
            if line is None or not line.keys() >= set(keys):
                raise LongreelError(
                    f"{self._path}, line {number} is damaged: remove the line, and {self._remedy}"
                )
            yield line

    def _drop_broken_line(self) -> None:
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with open(self._path, "r+b") as file:
                file.truncate(whole)


def _parsed(text: bytes) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
