"""Find a benchmark's videos in a folder, and tell which are missing or broken before hours go into them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Video
from longreel.evaluate.items import Clip
from longreel.video.reader import probe
from longreel.video.sources import FILM_ENDINGS

_PICTURES = frozenset((".jpg", ".jpeg", ".png"))


@dataclass(frozen=True)
class Found:
    """What is known about a video. problem: "missing", "truncated", "unreadable", "badly_subtitled", or None:
    it can be watched.

    path: None if it is missing. renamed: whether the file has another ending or case than published.
    reason: what is broken. duration: seconds, None if unknown.
    """

    video: Video
    path: Path | None
    renamed: bool = False
    problem: str | None = None
    reason: str = ""
    duration: float | None = None

    @cached_property
    def clip(self) -> Clip:
        """What to watch.

        Raises:
            SourceError: the video is missing.
        """
        if self.path is None:
            raise SourceError(f"{self.video.key} is missing: copy it from the benchmark")
        if self.path.is_dir():
            return Clip(_timed_pictures(self.path, self.video))
        return Clip(self.path, self.video.start, self.video.end)


class Shelf:
    """The videos of one benchmark's folder; every folder is listed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[Path, dict[str, str]] = {}

    def find(self, video: Video) -> Found:
        """Look a video up and read what its file tells about itself; nothing is decoded."""
        for place in video.places:
            exact = self._folder / place / video.name
            if exact.is_dir() if video.picture_rate else exact.is_file():
                return _checked(Found(video, exact))
        for place in video.places:
            wanted = self._folder / place / video.name
            name = self._names(wanted.parent).get(_stem(wanted.name).lower())
            if name is not None and not video.picture_rate:
                # A link that leads nowhere has the published name, and is no file.
                unnamed = wanted.suffix.lower() not in FILM_ENDINGS
                plain = name == wanted.name or (unnamed and name == wanted.name + ".mp4")
                return _checked(Found(video, wanted.parent / name, renamed=not plain))
        return Found(video, None, problem="missing")

    def _names(self, folder: Path) -> dict[str, str]:
        """File names by lower-case stem, a published .mp4 before others of the same stem."""
        if folder not in self._listed:
            names: Iterable[str] = os.listdir(folder) if folder.is_dir() else ()
            films = [name for name in names if Path(name).suffix.lower() in FILM_ENDINGS]
            ordered = sorted(films, key=lambda name: (not name.endswith(".mp4"), name), reverse=True)
            self._listed[folder] = {_stem(name).lower(): name for name in ordered}
        return self._listed[folder]


def _checked(found: Found) -> Found:
    """With what the file tells: its length, and whether it is broken."""
    video, path = found.video, found.path
    assert path is not None
    if path.is_dir():
        pictures = _pictures(path)
        if not pictures:
            return Found(video, path, problem="unreadable", reason="there is no picture in it")
        return Found(video, path, duration=len(pictures) / (video.picture_rate or 1.0))
    try:
        info = probe(path)
    except SourceError as error:
        return Found(video, path, found.renamed, "unreadable", str(error))
    problem = "truncated" if info.damage else None
    return Found(video, path, found.renamed, problem, info.damage or "", info.duration)


def _stem(name: str) -> str:
    """The name without the ending of a film; a dot elsewhere is part of the name."""
    path = Path(name)
    return path.stem if path.suffix.lower() in FILM_ENDINGS else name


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def _timed_pictures(folder: Path, video: Video) -> Any:
    """The pictures of the part that is shown, each with its second."""
    rate = video.picture_rate or 1.0
    first, last = video.start or 0.0, float("inf") if video.end is None else video.end
    timed = [(path, number / rate) for number, path in enumerate(_pictures(folder))]
    shown = [each for each in timed if first <= each[1] <= last]
    if not shown:
        raise SourceError(f"{folder} has no picture from {first:g} s to {last:g} s: copy it again")
    return shown
