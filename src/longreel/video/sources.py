"""What a caller can name as a film, told apart before anything is read."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from numbers import Real
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from longreel.errors import SourceError, UsageError

Source = (
    str
    | os.PathLike[str]
    | bytes
    | BinaryIO
    | Sequence[str | os.PathLike[str]]
    | Sequence[tuple[str | os.PathLike[str], float]]
    | Iterable[tuple[np.ndarray[Any, Any], float]]
)

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})
# By which films are found in a folder; what is named as a film may have any.
FILM_ENDINGS = frozenset(
    {".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".gif"}
)
_SPOOL_BYTES = 64 << 20
_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class FilmFile:
    """A film to be decoded.

    where: for error messages. name: short. path, url: one of them, or else `file`.
    """

    where: str
    name: str
    path: Path | None = None
    url: str | None = None
    file: BinaryIO | None = None


@dataclass(frozen=True)
class Pictures:
    """Picture files with their times, ascending."""

    where: str
    name: str
    paths: tuple[Path, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Arrays:
    """(array, seconds), perhaps made while they are read."""

    where: str
    name: str
    items: Iterable[Any]


def find_source(source: Any, *, allow_url: bool = False) -> FilmFile | Pictures | Arrays:
    """Tell what `source` is.

    Raises:
        SourceError: a file or folder is missing, or holds nothing to read.
        UsageError: it is nothing that can be read, or a URL that was not allowed.
    """
    if isinstance(source, str) and (scheme := _scheme(source)):
        return _url(source, scheme, allow_url)
    if isinstance(source, str | os.PathLike):
        return _path(os.fspath(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return _bytes(bytes(source))
    if hasattr(source, "read"):
        return _file_object(source)
    if isinstance(source, Sequence):
        return _sequence(source)
    if isinstance(source, Iterable):
        return Arrays("the given arrays", "arrays", source)
    raise UsageError(
        f"a {type(source).__name__} is no film: give a path, bytes, an open binary file, pictures, or "
        "(array, seconds) pairs"
    )


def _scheme(text: str) -> str | None:
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    return match[1].lower() if match else None


def _url(text: str, scheme: str, allow_url: bool) -> FilmFile | Pictures:
    if scheme == "file":
        return _path(url2pathname(urlsplit(text).path))
    if scheme not in ("http", "https"):
        raise UsageError(f"{text}: {scheme}:// is not supported: copy the film to a file, or use http(s)")
    if not allow_url:
        raise UsageError(f"{text} is a URL: set allow_url (--allow-url) to let longreel download it")
    return FilmFile(text, Path(urlsplit(text).path).name or text, url=text)


def _path(text: str | bytes) -> FilmFile | Pictures:
    path = Path(os.fsdecode(text))
    if not str(text) or "\0" in str(text):
        raise UsageError("the name of the film is empty or no file name: give the path of a film")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist: check the name") from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({_reason(error)}): check the name and its rights"
        ) from None
    if stat.S_ISDIR(mode):
        return _folder(path)
    if not stat.S_ISREG(mode):
        raise SourceError(
            f"{path} is not a regular file: give a film file, or the pipe as an open file object"
        )
    if path.suffix.lower() in PICTURE_ENDINGS:
        return Pictures(str(path), path.name, (path,), (0.0,))
    return FilmFile(str(path), path.name, path=path)


def _folder(folder: Path) -> Pictures:
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as error:
        raise SourceError(f"{folder} cannot be listed ({_reason(error)}): check its rights") from None
    paths = [folder / name for name in names if Path(name).suffix.lower() in PICTURE_ENDINGS]
    if not paths:
        raise SourceError(
            f"{folder} is a folder without pictures: give a film file or a folder of "
            f"{', '.join(sorted(ending[1:] for ending in PICTURE_ENDINGS))} files"
        )
    ordered = sorted(paths, key=lambda path: natural_key(path.name))
    return Pictures(str(folder), folder.resolve().name, tuple(ordered), _every_second(len(ordered)))


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """A sorting key by which 2.png comes before 10.png."""
    parts = re.split(r"([0-9]+)", name.lower())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name


def _every_second(count: int) -> tuple[float, ...]:
    return tuple(float(index) for index in range(count))


def _bytes(content: bytes) -> FilmFile:
    if not content:
        raise SourceError("the given bytes are empty: give the content of a film")
    return FilmFile("the given bytes", "bytes", file=BytesIO(content))


def _file_object(source: Any) -> FilmFile:
    name = getattr(source, "name", None)
    where = name if isinstance(name, str) else f"the given {type(source).__name__}"
    if getattr(source, "closed", False):
        raise UsageError(f"{where} is closed: give it open")
    if isinstance(source, IO) or hasattr(source, "encoding"):
        raise UsageError(f"{where} is open as text: open it with mode 'rb'")
    return FilmFile(where, Path(where).name, file=cast(BinaryIO, source))


def _sequence(items: Sequence[Any]) -> Pictures | Arrays:
    if not items:
        raise UsageError("the list of pictures is empty: give at least one")
    if all(isinstance(item, str | os.PathLike) for item in items):
        return _picture_list(items, _every_second(len(items)))
    if not all(isinstance(item, Sequence) and len(item) == 2 for item in items):
        raise UsageError(
            "a list must hold picture paths, (path, seconds) or (array, seconds), all of one kind"
        )
    if not any(isinstance(item[0], str | os.PathLike) for item in items):
        return Arrays("the given arrays", "arrays", items)
    if not all(isinstance(item[0], str | os.PathLike) for item in items):
        raise UsageError(
            "a list must hold picture paths, (path, seconds) or (array, seconds), all of one kind"
        )
    return _picture_list([item[0] for item in items], _ascending(items))


def _ascending(items: Sequence[tuple[Any, Any]]) -> tuple[float, ...]:
    times: list[float] = []
    for path, seconds in items:
        times.append(checked_time(seconds, times[-1] if times else None, os.fspath(path)))
    return tuple(times)


def checked_time(seconds: Any, last: float | None, what: str) -> float:
    """`seconds` as float.

    Raises:
        UsageError: it is no finite number from 0 on, or not later than `last`.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0 <= float(seconds) < float("inf"):
        raise UsageError(f"{what}: {seconds!r} is no time: give seconds from 0 on")
    if last is not None and float(seconds) <= last:
        raise UsageError(f"{what}: its time, {float(seconds):g} s, is not after the one before: sort by time")
    return float(seconds)


def _picture_list(items: Sequence[Any], seconds: tuple[float, ...]) -> Pictures:
    paths = tuple(Path(os.fspath(item)) for item in items)
    for path in paths:
        if not path.is_file():
            raise SourceError(f"{path} does not exist or is no file: check the list of pictures")
        if path.suffix.lower() not in PICTURE_ENDINGS:
            raise UsageError(f"{path} is no picture: open several films one by one")
    where = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more pictures"
    return Pictures(where, paths[0].name if len(paths) == 1 else "pictures", paths, seconds)


def seekable_file(film: FilmFile) -> tuple[BinaryIO, bool]:
    """A file to decode from, positioned at its beginning, and whether the caller must close it.

    A stream that cannot seek (a pipe, a socket) is first copied to a temporary file: most containers
    cannot be read without going back and forth.

    Raises:
        SourceError: it is empty or cannot be read.
    """
    try:
        file, owned = _opened(film)
        if not file.read(1):
            if owned:
                file.close()
            raise SourceError(f"{film.where} is empty: give a film")
        file.seek(0)
    except (OSError, ValueError) as error:
        raise SourceError(f"{film.where} cannot be read ({_reason(error)}): check the file") from None
    return file, owned


def _opened(film: FilmFile) -> tuple[BinaryIO, bool]:
    if film.path is not None:
        return open(film.path, "rb"), True
    file = film.file
    assert file is not None
    if _can_seek(file):
        file.seek(0)
        return file, False
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(_SPOOL_BYTES))  # noqa: SIM115 - closed by the reader
    while part := file.read(_COPY_BYTES):
        if not isinstance(part, bytes | bytearray):
            raise UsageError(f"{film.where} is open as text: open it with mode 'rb'")
        spool.write(part)
    spool.seek(0)
    return spool, True


def _can_seek(file: BinaryIO) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return hasattr(file, "seek") and hasattr(file, "tell")


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
