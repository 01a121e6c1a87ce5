"""Reads picture files and arrays, one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from longreel.errors import SourceError
from longreel.video.arrays import walk_arrays
from longreel.video.images import ends, picture_facts, read_picture
from longreel.video.picture import Size, Turn
from longreel.video.readers import END_SLACK, Sizer, wanted_times
from longreel.video.report import FilmInfo, ReadReport
from longreel.video.sampling import Sampling
from longreel.video.selection import Picked, Selection
from longreel.video.sources import Arrays, Pictures
from longreel.video.targets import Begin, Listed, Targets, frames_wanted

T = TypeVar("T")


def _pick(
    selection: Selection[T], frames: Iterable[tuple[float, T]], end: float | None
) -> Iterator[Picked[T]]:
    """The wanted ones of `frames`; the last stays until `end`, or as long as the one before it."""
    seconds, listed = 0.0, False
    for seconds, item in frames:
        listed = True
        if (picked := selection.offer(seconds, item)) is not None:
            yield picked
        if selection.wanted is None:
            return
    if not listed:
        return
    last = seconds + (selection.step or 1.0) if end is None else end
    if (picked := selection.finish(last + (END_SLACK if selection.repeats else 0.0))) is not None:
        yield picked


class PictureReader:
    """Reads picture files one by one."""

    def __init__(self, source: Pictures, sampling: Sampling, size: Size, strict: bool, begin: Begin) -> None:
        self.where = source.where
        self.missing = 0
        self.report = ReadReport("images", "each wanted picture is opened on its own")
        self._strict = strict
        self._source = source
        self._end = ends(source.seconds)
        targets = wanted_times(source.where, sampling, self._end)
        self._selection: Selection[Path] = Selection(targets, 1e-6, begin)
        path, (height, width, turn) = self._first_readable()
        shown = turn.size(height, width)
        self.sizer = Sizer(size, shown)
        self._waiting = path
        count = len(source.paths)
        gaps = source.seconds[-1] - source.seconds[0]
        rate = (count - 1) / gaps if count > 1 else None
        self.info = FilmInfo(
            name=source.name,
            kind="images",
            container=None,
            codec=None,
            duration=self._end,
            width=shown[1],
            height=shown[0],
            coded_size=(width, height),
            rotation=turn.degrees,
            frame_rate=rate,
            frames=count,
        )
        self.expected = _expected_pictures(targets, source.seconds, self._end)

    def _first_readable(self) -> tuple[Path, tuple[int, int, Turn]]:
        errors: list[SourceError] = []
        for path in self._source.paths:
            try:
                return path, picture_facts(path)
            except SourceError as error:
                errors.append(error)
                if self._strict or len(self._source.paths) == 1:
                    raise
        raise SourceError(f"{self.where} holds no picture that can be read: {errors[0]}")

    def pictures(self) -> Iterator[Picked[Tensor]]:
        frames = zip(self._source.seconds, self._source.paths, strict=True)
        for picked in _pick(self._selection, frames, self._end):
            try:
                pixels, count = read_picture(picked.item)
            except SourceError as error:
                if self._strict or len(self._source.paths) == 1:
                    raise
                self.report.warn(str(error))
                self.missing += picked.times
                continue
            _note(self.report, picked.item, count)
            shown = (int(pixels.shape[1]), int(pixels.shape[2]))
            yield Picked(picked.seconds, self.sizer.resize(pixels, shown), picked.times)

    def close(self) -> None:
        """No file stays open."""


class ImageReader:
    """Reads a picture that is no film: a frame at 0 s that lasts no time."""

    def __init__(self, path: Path) -> None:
        self.where, self.missing = str(path), 0
        self.expected: int | None = 1
        self.report = ReadReport("images", "the picture is opened")
        self._path = path
        height, width, turn = picture_facts(path)
        shown = turn.size(height, width)
        self.sizer = Sizer(None, shown)
        self.info = FilmInfo(
            name=path.name,
            kind="image",
            container=None,
            codec=None,
            duration=0.0,
            width=shown[1],
            height=shown[0],
            coded_size=(width, height),
            rotation=turn.degrees,
            frame_rate=None,
            frames=1,
        )

    def pictures(self) -> Iterator[Picked[Tensor]]:
        pixels, count = read_picture(self._path)
        _note(self.report, self._path, count)
        yield Picked(0.0, self.sizer.resize(pixels, (int(pixels.shape[1]), int(pixels.shape[2]))), 1)

    def close(self) -> None:
        """No file stays open."""


def _note(report: ReadReport, path: Path, count: int) -> None:
    """A picture was read of a file that holds `count`."""
    report.decoded += 1
    if count > 1:
        report.warn(f"{path} holds {count} pictures, of which the first is read: make it a film (mp4)")


def _expected_pictures(targets: Targets, seconds: tuple[float, ...], end: float) -> int | None:
    """How many pictures will be given, counted over their times."""
    if isinstance(targets, Listed) and not targets.unique:
        return len(targets.times)
    selection: Selection[None] = Selection(targets, 1e-6, Begin())
    return sum(1 for _ in _pick(selection, ((time, None) for time in seconds), end))


class ArrayReader:
    """Reads (array, seconds), lazily."""

    def __init__(self, source: Arrays, sampling: Sampling, size: Size, begin: Begin) -> None:
        self.where = source.where
        self.missing = 0
        self.report = ReadReport("arrays", "each array is taken as it comes")
        times = _listed_times(source.items)
        end = ends(times) if times else None
        targets = wanted_times(source.where, sampling, end)
        walk = walk_arrays(source.items)
        first = next(walk, None)
        if first is None:
            raise SourceError(f"{self.where} are none: give at least one (array, seconds)")
        self._end = end
        self._frames = itertools.chain([first], walk)
        self._selection: Selection[Tensor] = Selection(targets, 1e-6, begin)
        height, width = int(first[1].shape[1]), int(first[1].shape[2])
        self.sizer = Sizer(size, (height, width))
        self.info = FilmInfo(
            name=source.name,
            kind="arrays",
            container=None,
            codec=None,
            duration=end,
            width=width,
            height=height,
            coded_size=(width, height),
            rotation=0,
            frame_rate=None,
            frames=len(source.items) if isinstance(source.items, Sized) else None,
        )
        self.expected = (
            frames_wanted(targets, None, None)
            if times is None or end is None
            else _expected_pictures(targets, times, end)
        )

    def pictures(self) -> Iterator[Picked[Tensor]]:
        for picked in _pick(self._selection, self._counted(), self._end):
            shown = (int(picked.item.shape[1]), int(picked.item.shape[2]))
            yield Picked(picked.seconds, self.sizer.resize(picked.item, shown), picked.times)

    def _counted(self) -> Iterator[tuple[float, Tensor]]:
        for frame in self._frames:
            self.report.decoded += 1
            yield frame

    def close(self) -> None:
        """What the arrays come from belongs to the caller."""


def _listed_times(items: Any) -> tuple[float, ...] | None:
    """The times of arrays, if all are at hand."""
    if not hasattr(items, "__getitem__"):
        return None
    try:
        times = tuple(float(item[1]) for item in items)
    except (TypeError, ValueError, IndexError):
        return None
    return times if all(map(math.isfinite, times)) else None
