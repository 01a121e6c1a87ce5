"""sha256 of what a source holds."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any, BinaryIO

from longreel.errors import SourceError, UsageError
from longreel.video.failures import reason
from longreel.video.sources import FilmFile, Pictures, find_source

_READ_BYTES = 1 << 20


def digest(source: Any) -> str:
    """sha256 of a film's content as hex digits; files are read piece by piece.

    A film file has the digest of its bytes, whatever its name. Pictures have that of their digests and
    times, in order. An open file is read from its beginning and left where it was.

    Raises:
        SourceError: missing or unreadable.
        UsageError: what can be read once only (arrays, URLs, pipes) has no digest beforehand.
    """
    found = find_source(source, allow_url=True)
    if isinstance(found, Pictures):
        return _of_pictures(found)
    if not isinstance(found, FilmFile) or found.url is not None:
        raise UsageError(f"{found.where}: only films and pictures in files or bytes have a digest")
    if found.path is not None:
        return _of_path(found.path)
    assert found.file is not None
    return _of_file(found.file, found.where)


def _of_path(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return _of_open(file)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({reason(error)}): check the file and its rights") from None


def _of_file(file: BinaryIO, where: str) -> str:
    try:
        place = file.tell()
        file.seek(0)
        found = _of_open(file)
        file.seek(place)
    except (OSError, AttributeError) as error:
        raise UsageError(f"{where} cannot be read twice ({reason(error)}): save it to a file first") from None
    return found


def _of_open(file: BinaryIO) -> str:
    total = hashlib.sha256()
    while part := file.read(_READ_BYTES):
        total.update(part)
    return total.hexdigest()


def _of_pictures(pictures: Pictures) -> str:
    total = hashlib.sha256(b"pictures")
    for path, seconds in zip(pictures.paths, pictures.seconds, strict=True):
        total.update(struct.pack("<d", seconds) + bytes.fromhex(_of_path(path)))
    return total.hexdigest()
