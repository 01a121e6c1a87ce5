"""Files of conversations, read sample by sample: JSON lines, or one JSON list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longreel.errors import SourceError

_PIECE = 2**24


class ConversationFile:
    """Samples of one file by number. Of JSON lines only the places are held, so a file may be large.

    A file whose first character is [ is a JSON list, held whole. Empty lines count for nothing.

    Args:
        path: of the file.
        folder: what the paths in it are relative to; None for its own.

    Raises:
        SourceError: it is missing, holds no sample, or is a list that is not JSON.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self.path = path
        self.folder = path.parent if folder is None else folder
        self._listed: list[Any] | None = None
        self._places: NDArray[np.int64] = np.zeros((0, 2), np.int64)
        try:
            if _begins_as_list(path):
                self._listed = json.loads(path.read_text(encoding="utf-8"))
            else:
                self._places = _lines(path)
        except OSError as error:
            raise SourceError(f"{path} cannot be read ({error.strerror}): name a file of samples") from error
        except ValueError as error:
            raise SourceError(
                f"{path} begins as a JSON list but is none ({error}): write it again"
            ) from error
        if not len(self):
            raise SourceError(f"{path} holds no sample: name a file of conversations")

    def __len__(self) -> int:
        return len(self._places) if self._listed is None else len(self._listed)

    def __getitem__(self, number: int) -> Any:
        """The sample as it was written.

        Raises:
            ValueError: the line is not JSON.
        """
        if self._listed is not None:
            return self._listed[number]
        begin, end = self._places[number]
        with open(self.path, "rb") as file:
            file.seek(begin)
            return json.loads(file.read(end - begin))

    def where(self, number: int) -> str:
        """How a sample is named in the log, counted from 1."""
        return f"{self.path}:{number + 1}"


def _begins_as_list(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"["


def _lines(path: Path) -> NDArray[np.int64]:
    """Begin and end of each line that is not empty, (n, 2)."""
    places, begin, rest = [], 0, b""
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                if line.strip():
                    places.append((begin, begin + len(line)))
                begin += len(line) + 1
    if rest.strip():
        places.append((begin, begin + len(rest)))
    return np.array(places, np.int64).reshape(-1, 2)
