"""The way into a film: open it, and frames come in blocks; or only look at its facts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import RLock
from types import TracebackType
from typing import Literal

import torch
from torch import Tensor

from longreel.errors import SourceError, UsageError
from longreel.video.digests import digest
from longreel.video.films import FilmReader
from longreel.video.frames import Frames
from longreel.video.images import read_picture
from longreel.video.picture import Size
from longreel.video.readers import Reader
from longreel.video.report import FilmInfo, ReadReport
from longreel.video.sampling import Sampling
from longreel.video.sources import Arrays, Pictures, Source, find_source
from longreel.video.stills import ArrayReader, ImageReader, PictureReader
from longreel.video.targets import Begin

__all__ = [
    "Begin",
    "FilmInfo",
    "FilmStream",
    "ReadReport",
    "Source",
    "digest",
    "open_film",
    "open_image",
    "probe",
]

_DEFAULT = Sampling(fps=2.0)
_AT_THE_BEGINNING = Begin()
_POLICIES = ("auto", "sequential", "seek")


def open_film(
    source: Source,
    *,
    sampling: Sampling = _DEFAULT,
    size: Size = None,
    block: int = 16,
    strict: bool = False,
    allow_url: bool = False,
    policy: Literal["auto", "sequential", "seek"] = "auto",
    begin: Begin = _AT_THE_BEGINNING,
) -> FilmStream:
    """Open a film to read frames from it in blocks, decoding as they are asked for.

    Args:
        source: path of a film or a picture; bytes; an open binary file, read from its beginning (what
            cannot seek is copied to a temporary file first); a folder of pictures in natural order or a
            list of them, one per second; (path, seconds) or (array, seconds) with ascending times. Arrays
            are uint8 (H, W, 3) or (H, W) and may be made while they are read.
        sampling: which frames.
        size: (height, width) to resize to, or a function of the displayed height and width that gives
            them. Pictures of another shape than the first get black bars.
        block: frames per block; only the last may be smaller.
        strict: raise SourceError for damage, rather than warn in the report and give what is readable.
        allow_url: let `source` be an http(s) address.
        policy: how to go through a film file; the frames are the same.
        begin: leave out the frames before this one, which were read earlier with the same settings.

    Raises:
        SourceError: it cannot be read, or holds no picture.
        UsageError: a value that can never work, such as a start behind the end of the film.
    """
    if not isinstance(block, int) or block < 1:
        raise UsageError(f"block={block} is no number of frames: give a whole number from 1 on")
    if policy not in _POLICIES:
        raise UsageError(f"policy={policy!r} is unknown: use one of {', '.join(_POLICIES)}")
    found = find_source(source, allow_url=allow_url)
    reader: Reader
    if isinstance(found, Pictures):
        reader = PictureReader(found, sampling, size, strict, begin)
    elif isinstance(found, Arrays):
        reader = ArrayReader(found, sampling, size, begin)
    else:
        reader = FilmReader(found, sampling, size, strict, policy, begin)
    return FilmStream(reader, sampling, block, begin)


def open_image(source: str | os.PathLike[str], *, whole: bool = False) -> FilmStream:
    """Open the file of a single picture as an image, which is no film: one frame at 0 s that lasts no time.

    Args:
        whole: decode it to find out now, and not when it is read, whether it is damaged.

    Raises:
        SourceError: it is missing, no picture, damaged, or too large to be true.
    """
    found = find_source(source)
    if not isinstance(found, Pictures) or len(found.paths) != 1:
        raise SourceError(f"{found.where} is no picture: name a file such as plan.png")
    reader = ImageReader(found.paths[0])
    if whole:
        read_picture(found.paths[0])
    return FilmStream(reader, Sampling(), 1, _AT_THE_BEGINNING)


class FilmStream:
    """Iterates once over blocks of frames; closes the file at the end of a `with` block or of the film.

    Attributes:
        info: facts about the film.
        report: how it is being read.
        expected: about how many frames will come; None if the length is unknown.
    """

    def __init__(self, reader: Reader, sampling: Sampling, block: int, begin: Begin) -> None:
        self.info: FilmInfo = reader.info
        self.report: ReadReport = reader.report
        self.expected: int | None = reader.expected
        self._reader = reader
        self._sampling = sampling
        self._block = block
        self._begun = self._closed = False
        self._lock = RLock()
        self.report.asked = self.expected
        self.report.got = begin.frame

    def __enter__(self) -> FilmStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def resize_to(self, size: Size) -> None:
        """Give frames of this size in place of the one it was opened with; before the first is read.

        Raises:
            UsageError: it is no size, or frames were given already.
        """
        if self._begun or self._closed:
            raise UsageError(f"{self._reader.where} was read already: choose the size before")
        self._reader.sizer.resize_to(size)

    def close(self) -> None:
        """Stop reading and close what was opened here; waits for a block that another thread is reading."""
        with self._lock:
            self._closed = True
            self._reader.close()

    def __iter__(self) -> Iterator[Frames]:
        if self._begun or self._closed:
            raise UsageError(f"{self._reader.where} was read already: open it again")
        self._begun = True
        return self._guarded(self._read())

    def _guarded(self, blocks: Iterator[Frames]) -> Iterator[Frames]:
        """The blocks, for as long as the film is open: FFmpeg crashes where a file is closed under it."""
        while True:
            with self._lock:
                if self._closed:
                    raise UsageError(f"{self._reader.where} was closed: open it again to read on")
                frames = next(blocks, None)
            if frames is None:
                return
            yield frames

    def _read(self) -> Iterator[Frames]:
        waiting: list[tuple[Tensor, float]] = []
        try:
            for picked in self._reader.pictures():
                for _ in range(picked.times):
                    waiting.append((picked.item, picked.seconds))
                    if len(waiting) == self._block:
                        yield self._joined(waiting)
                        waiting = []
            if waiting:
                yield self._joined(waiting)
            self._compare()
        finally:
            self._reader.close()

    def _joined(self, waiting: list[tuple[Tensor, float]]) -> Frames:
        self.report.got += len(waiting)
        seconds = torch.tensor([seconds for _, seconds in waiting], dtype=torch.float64)
        return Frames(torch.stack([pixels for pixels, _ in waiting]), seconds)

    def _compare(self) -> None:
        """The film has ended: settle what was asked for.

        Raises:
            UsageError: the wanted part lies behind the end, which was not known before.
            SourceError: nothing of the wanted part could be read.
        """
        self.report.asked = self.report.got + self._reader.missing
        if self.report.got:
            return
        start = self._sampling.start or min(self._sampling.seconds or (0.0,))
        if start:
            raise UsageError(f"start={start:g} lies behind the last frame of {self._reader.where}")
        raise SourceError(f"{self._reader.where} gave no frame that can be read: check that it plays")


def probe(source: Source, *, allow_url: bool = False) -> FilmInfo:
    """Facts about a film, a picture or a folder of pictures; decodes one picture.

    Raises:
        SourceError: it cannot be read, or holds no picture.
        UsageError: it can be read once only, so that looking would spend it.
    """
    if isinstance(source, Iterator) and not hasattr(source, "read"):
        raise UsageError("an iterator of arrays can be read once only: open it instead")
    with open_film(source, sampling=Sampling(), allow_url=allow_url) as stream:
        return stream.info
