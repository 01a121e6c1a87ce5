"""One reader per kind of source: each gives the wanted frames as tensors, one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import Any, Protocol, TypeVar

import av
from torch import Tensor

from longreel.errors import SourceError, UsageError
from longreel.video.arrays import walk_arrays
from longreel.video.container import Container
from longreel.video.images import ends, picture_facts, read_picture
from longreel.video.picture import (
    Converter,
    Size,
    Turn,
    displayed_size,
    fit,
    frame_turn,
    wanted_size,
)
from longreel.video.report import FilmInfo, ReadReport
from longreel.video.sampling import Sampling
from longreel.video.selection import Picked, Selection
from longreel.video.sources import Arrays, FilmFile, Pictures
from longreel.video.targets import Listed, Targets, frames_wanted, plan_targets
from longreel.video.walk import Walk, choose_policy

T = TypeVar("T")

# Times a little behind the end, as players show them, mean the last frame.
_END_SLACK = 0.5


class Reader(Protocol):
    """What `FilmStream` reads from.

    missing: wanted times without a readable frame, complete once `pictures` has ended.
    """

    where: str
    info: FilmInfo
    report: ReadReport
    expected: int | None
    missing: int

    def pictures(self) -> Iterator[Picked[Tensor]]:
        """Wanted frames, uint8 (3, H, W), all of one size."""

    def close(self) -> None:
        """Let go of files."""


class _Sizer:
    """Brings pictures to the size that the first one decides."""

    def __init__(self, size: Size, shown: tuple[int, int] | None = None) -> None:
        self._size = size
        self._first = shown
        self._wanted = None if shown is None else wanted_size(size, *shown)

    def resize(self, pixels: Tensor, shown: tuple[int, int]) -> Tensor:
        if self._first is None or self._wanted is None:
            self._first, self._wanted = shown, wanted_size(self._size, *shown)
        return fit(pixels, shown, self._first, self._wanted)


def _targets(where: str, sampling: Sampling, duration: float | None) -> Targets:
    """The wanted times.

    Raises:
        UsageError: they lie behind the end, or need a length that is unknown.
    """
    if duration is not None:
        _check_inside(where, sampling, duration)
    try:
        return plan_targets(sampling, duration)
    except ValueError:
        name = "count" if sampling.count is not None else "max_frames"
        raise UsageError(f"{where}: {name}= needs a known length: give end= too, or fps= instead") from None


def _check_inside(where: str, sampling: Sampling, duration: float) -> None:
    if sampling.start is not None and sampling.start > 0 and sampling.start >= duration:
        raise UsageError(f"start={sampling.start:g} lies behind the end of {where} ({duration:.2f} s)")
    for time in sampling.seconds or ():
        if time > duration + _END_SLACK:
            raise UsageError(f"seconds={time:g} lies behind the end of {where} ({duration:.2f} s)")


class FilmReader:
    """Reads a film through FFmpeg."""

    def __init__(self, film: FilmFile, sampling: Sampling, size: Size, strict: bool, policy: str) -> None:
        self.where = film.where
        self.missing = 0
        self.report = ReadReport("sequential", "")
        self._container = Container(film, self.report, strict=strict)
        try:
            self._prepare(film, sampling, size, policy)
        except BaseException:
            self.close()
            raise

    def _prepare(self, film: FilmFile, sampling: Sampling, size: Size, policy: str) -> None:
        container = self._container
        targets = _targets(film.where, sampling, container.duration)
        self.report.policy, self.report.reason = choose_policy(container, targets, policy)
        self._walk = Walk(container, targets, self.report)
        first = self._walk.peek()
        if first is None:
            raise SourceError(f"{film.where} holds no picture that can be decoded: check that it plays")
        container.start_at_first_picture()
        self._aspect = container.pixel_aspect()
        self._turn = frame_turn(first)
        self._converter = Converter()
        shown = self._shown(first)
        self._sizer = _Sizer(size, shown)
        self.info = FilmInfo(
            name=film.name,
            kind="film",
            container=container.format,
            codec=container.codec,
            duration=container.duration,
            width=shown[1],
            height=shown[0],
            coded_size=(first.width, first.height),
            rotation=self._turn.degrees,
            frame_rate=container.frame_rate,
            frames=container.frame_count,
        )
        self.expected = frames_wanted(targets, container.duration, container.frame_rate)

    def _shown(self, frame: av.VideoFrame) -> tuple[int, int]:
        return displayed_size(frame.height, frame.width, self._aspect, self._turn)

    def pictures(self) -> Iterator[Picked[Tensor]]:
        for picked in self._walk:
            pixels = self._turn.apply(self._converter.to_rgb(picked.item))
            resized = self._sizer.resize(pixels, self._shown(picked.item))
            yield Picked(picked.seconds, resized, picked.times)
        self.missing = self._walk.missing

    def close(self) -> None:
        self._container.close()


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
    if (picked := selection.finish(last + (_END_SLACK if selection.repeats else 0.0))) is not None:
        yield picked


class PictureReader:
    """Reads picture files one by one."""

    def __init__(self, source: Pictures, sampling: Sampling, size: Size, strict: bool) -> None:
        self.where = source.where
        self.missing = 0
        self.report = ReadReport("images", "each wanted picture is opened on its own")
        self._strict = strict
        self._source = source
        self._end = ends(source.seconds)
        targets = _targets(source.where, sampling, self._end)
        self._selection: Selection[Path] = Selection(targets, 1e-6)
        path, (height, width, turn) = self._first_readable()
        shown = turn.size(height, width)
        self._sizer = _Sizer(size, shown)
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
                pixels = read_picture(picked.item)
            except SourceError as error:
                if self._strict or len(self._source.paths) == 1:
                    raise
                self.report.warn(str(error))
                self.missing += picked.times
                continue
            self.report.decoded += 1
            shown = (int(pixels.shape[1]), int(pixels.shape[2]))
            yield Picked(picked.seconds, self._sizer.resize(pixels, shown), picked.times)

    def close(self) -> None:
        """No file stays open."""


def _expected_pictures(targets: Targets, seconds: tuple[float, ...], end: float) -> int | None:
    """How many pictures will be given, counted over their times."""
    if isinstance(targets, Listed) and not targets.unique:
        return len(targets.times)
    selection: Selection[None] = Selection(targets, 1e-6)
    return sum(1 for _ in _pick(selection, ((time, None) for time in seconds), end))


class ArrayReader:
    """Reads (array, seconds), lazily."""

    def __init__(self, source: Arrays, sampling: Sampling, size: Size) -> None:
        self.where = source.where
        self.missing = 0
        self.report = ReadReport("arrays", "each array is taken as it comes")
        end = _listed_end(source.items)
        targets = _targets(source.where, sampling, end)
        walk = walk_arrays(source.items)
        first = next(walk, None)
        if first is None:
            raise SourceError(f"{self.where} are none: give at least one (array, seconds)")
        self._end = end
        self._frames = itertools.chain([first], walk)
        self._selection: Selection[Tensor] = Selection(targets, 1e-6)
        height, width = int(first[1].shape[1]), int(first[1].shape[2])
        self._sizer = _Sizer(size, (height, width))
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
        self.expected = frames_wanted(targets, end, None)

    def pictures(self) -> Iterator[Picked[Tensor]]:
        for picked in _pick(self._selection, self._counted(), self._end):
            shown = (int(picked.item.shape[1]), int(picked.item.shape[2]))
            yield Picked(picked.seconds, self._sizer.resize(picked.item, shown), picked.times)

    def _counted(self) -> Iterator[tuple[float, Tensor]]:
        for frame in self._frames:
            self.report.decoded += 1
            yield frame

    def close(self) -> None:
        """What the arrays come from belongs to the caller."""


def _listed_end(items: Any) -> float | None:
    """When the last array leaves the screen, if all are at hand."""
    if not hasattr(items, "__getitem__"):
        return None
    try:
        return ends(tuple(float(item[1]) for item in items))
    except (TypeError, ValueError, IndexError):
        return None
