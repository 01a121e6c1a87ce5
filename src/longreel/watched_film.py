"""One film or image of a memory while it is being watched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any

from torch import Tensor

from longreel.blocks import Block, BlockReader
from longreel.compress.base import FilmCompressor
from longreel.film_plan import FilmPlan
from longreel.film_text import FilmText
from longreel.header import PlanRecord, ResumePoint, SourceRecord
from longreel.models.base import FilmPart, ImagePart, ModelAdapter, VisualTokens
from longreel.video.reader import FilmStream
from longreel.video.sampling import Sampling
from longreel.video.targets import even_rate


@dataclass
class WatchedFilm:
    """What this run has seen of a film.

    plan: what it was to become, from its facts.
    index: its place in the memory. offset: where it starts on the memory's timeline, in seconds.
    encoded_before: frames of it encoded in an earlier run; first_seconds: time of the first of them.
    warnings_before: what was damaged in the part that is not read again.
    skip_tokens: visual tokens of the first frames of this run that the memory holds already.
    cache: what keeps entries, fitted to the film.
    block: frames that are encoded together. lookback: frames before one that have to be encoded again to go
        on with it, None for all of them.
    all_frames: whether all frames that are read are encoded.
    alone: of an image, see `Showing`; None for a film.
    tokens_begin: visual tokens of the memory before it; None if that is not known.
    text: its subtitles; lines_before: how many of their lines stand before the first frame of this run.
    seconds, read, tokens_before: for each frame encoded in this run, its time in the film, its number
        among those the reader gave, and the visual tokens of the memory before it.
    tokens_end: visual tokens of the memory up to the last encoded frame.
    """

    index: int
    offset: float
    digest: str | None
    sampling: Sampling
    plan: FilmPlan
    stream: FilmStream
    blocks: BlockReader
    cache: FilmCompressor
    block: int
    tokens_end: int
    lookback: int | None = 0
    encoded_before: int = 0
    first_seconds: float | None = None
    warnings_before: tuple[str, ...] = ()
    skip_tokens: int = 0
    all_frames: bool = True
    alone: bool | None = None
    tokens_begin: int | None = None
    text: FilmText | None = None
    lines_before: int = 0
    finished: bool = False
    seconds: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    tokens_before: list[int] = field(default_factory=list)

    def encoded(self, adapter: ModelAdapter, block: Block, *, unpooled: bool = False) -> VisualTokens:
        """The visual tokens of a block that follows the frames so far; images are whole in any case."""
        if self.alone is None:
            return adapter.encode(block.frames, self.part(block), unpooled=unpooled)
        assert adapter.images is not None
        return adapter.images.encode(block.frames.pixels[0], ImagePart(self.index, self.alone))

    def part(self, block: Block) -> FilmPart:
        """Where a block lies that follows the frames so far."""
        begin = self.first_seconds
        if begin is None:
            begin = self.seconds[0] if self.seconds else float(block.frames.seconds[0])
        before = self.encoded_before + len(self.seconds)
        return FilmPart(self.index, before, begin, self._rate, self.offset)

    @cached_property
    def _rate(self) -> float | None:
        return even_rate(self.sampling, self.stream.info.duration) if self.all_frames else None

    def add(self, block: Block, counts: Tensor) -> None:
        """Note the frames of a block and their numbers of visual tokens."""
        first = self.tokens_end if self.seconds else self.tokens_end - self.skip_tokens
        self.seconds += block.frames.seconds.tolist()
        self.read += block.read.tolist()
        self.tokens_before += (first + counts.cumsum(0) - counts).tolist()
        self.tokens_end = first + int(counts.sum())

    @property
    def still_known(self) -> int:
        """Visual tokens from the next frame on that the memory holds already."""
        if self.finished:
            return 0
        if not self.seconds:
            return self.skip_tokens
        return max(0, self.tokens_before[0] + self.skip_tokens - self.tokens_end)

    def lines_placed(self, number: int) -> int:
        """Lines of subtitles that stand before the first `number` frames of this run end."""
        if self.text is None or number == 0:
            return self.lines_before
        return self.text.placed(self.seconds[:number])

    @property
    def next_seconds(self) -> float:
        """Time of the frame after the last encoded one, as far as it can be told."""
        if not self.seconds:
            return self.sampling.start or 0.0
        if len(self.seconds) > 1:
            return 2 * self.seconds[-1] - self.seconds[-2]
        return self.seconds[-1] + (1 / self.sampling.fps if self.sampling.fps else 0.0)

    def resume_point(self, covered: int) -> ResumePoint:
        """Where to go on if the memory holds the first `covered` visual tokens; some frames were encoded.

        It is where a block of frames began, so that frames are encoded together with the same others as in
        an uninterrupted run: otherwise last bits may differ.
        """
        reached = 0 if self.lookback is None else self._frames_before(covered)
        if reached == len(self.seconds) and self.lookback == 0:
            number, known, skip = reached, reached - 1, 0
            frame = self.read[known] + 1
        else:
            # This run, too, began where a block of the film begins, and early enough to look back.
            seen_again = max(0, reached - (self.lookback or 0))
            number = known = seen_again - seen_again % self.block
            frame, skip = self.read[number], covered - self.tokens_before[number]
        return ResumePoint(
            source=self.index,
            frame=frame,
            encoded=self.encoded_before + number,
            seconds=self._time_of(reached),
            skip_tokens=skip,
            read_from=self.read[known],
            read_from_seconds=self.seconds[known],
            lines=self.lines_placed(number),
        )

    def _frames_before(self, covered: int) -> int:
        """Frames of this run in front of the one with the first token that is not covered."""
        if covered >= self.tokens_end:
            return len(self.seconds)
        return max(i for i, before in enumerate(self.tokens_before) if before <= covered)

    def _time_of(self, number: int) -> float:
        return self.seconds[number] if number < len(self.seconds) else self.next_seconds

    def record(self) -> SourceRecord:
        """The header's record of the film, seen to its end."""
        duration = self.stream.info.duration
        until = self.blocks.end if duration is None else max(duration, *self.seconds[-1:], 0.0)
        until = min(until, math.inf if self.sampling.end is None else self.sampling.end)
        return self._record(self.blocks.read, len(self.seconds), until, self.tokens_end)

    def record_until(self, covered: int) -> SourceRecord:
        """The header's record of the film, seen as far as the first `covered` visual tokens show it."""
        reached = self._frames_before(covered)
        partly = reached < len(self.seconds) and self.tokens_before[reached] < covered
        seen = reached + (1 if partly else 0)
        read = self.read[seen - 1] + 1 if seen else 0
        return self._record(read, seen, self._time_of(seen), covered)

    def _record(self, read: int, encoded: int, until: float, tokens: int) -> SourceRecord:
        info, reader = plain(self.stream.info), plain(self.stream.report)
        told = () if self.text is None else self.text.warnings
        return SourceRecord(
            name=self.stream.info.name,
            kind=self.stream.info.kind,
            digest=self.digest,
            offset=self.offset,
            duration=self.stream.info.duration,
            until=self.offset + until,
            sampling=plain(self.sampling),
            plan=PlanRecord(**plain(self.plan)),
            info=info,
            frames_read=read,
            frames_encoded=self.encoded_before + encoded,
            reader=reader,
            visual_tokens=None if self.tokens_begin is None else tokens - self.tokens_begin,
            alone=self.alone,
            subtitles=None if self.text is None else self.text.record,
            warnings=tuple(dict.fromkeys((*self.warnings_before, *self.stream.report.warnings, *told))),
        )


def plain(record: Any) -> Any:
    """A dataclass as JSON has it: mappings, lists, numbers, texts."""
    return _plain(asdict(record))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return str(value) if isinstance(value, PurePath) else repr(value)
