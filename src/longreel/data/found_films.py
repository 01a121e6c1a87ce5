"""The films of a folder, and what has to be known of each before hours go into it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from longreel.errors import SourceError
from longreel.video.reader import probe
from longreel.video.sources import FILM_ENDINGS

_END_BYTES = 1 << 20


@dataclass(frozen=True)
class FoundFilm:
    """A film that can be read.

    name: below its folder, with slashes. seconds: its length. mark: says whether it is the same film as in an
    earlier run, whatever its name.
    """

    path: Path
    name: str
    seconds: float
    mark: str


def film_names(folder: Path) -> list[str]:
    """Names below a folder of all files that end as films do, with slashes, sorted; hidden ones left out.

    Raises:
        SourceError: the folder is missing, or there is none.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder: name the one with the films")
    names = sorted(path.relative_to(folder).as_posix() for path in _files(folder))
    if not names:
        raise SourceError(f"{folder} has no film: name a folder with files such as film.mp4")
    return names


def _files(folder: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in FILM_ENDINGS:
                yield Path(place) / name


def found_film(folder: Path, name: str, *, beside: Sequence[str] = ()) -> FoundFilm:
    """What a film's file tells about itself; one picture is decoded.

    Args:
        beside: endings of files beside the film that decide what is made of it.

    Raises:
        SourceError: it cannot be read, is cut short, or does not tell how long it is.
    """
    path = folder / name
    info = probe(path)
    if info.damage:
        raise SourceError(f"{path} is damaged ({info.damage}): copy it again")
    if info.duration is None:
        raise SourceError(f"{path} does not tell how long it is: convert it to mp4")
    try:
        mark = _mark([path, *(path.with_suffix(end) for end in beside)])
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be read ({error.strerror}): check its rights") from error
    return FoundFilm(path, name, info.duration, mark)


def _mark(paths: Sequence[Path]) -> str:
    """Digest of the files' sizes, beginnings and ends: hashing whole films would take as long as a copy."""
    total = hashlib.sha256()
    for path in paths:
        if not path.exists():
            continue
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            total.update(size.to_bytes(8, "little"))
            for place in (0, max(0, size - _END_BYTES)):
                file.seek(place)
                total.update(file.read(_END_BYTES))
    return total.hexdigest()
