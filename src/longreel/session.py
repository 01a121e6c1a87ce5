"""One run of watching: what has been seen so far, and the memory it makes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from longreel.blocks import Block, block_size
from longreel.compress.context_window import RescaledWindow
from longreel.header import Header, ResumePoint, SourceRecord, StageRecord, WindowRecord
from longreel.identity import hash_json
from longreel.interrupts import held_back_interrupts
from longreel.key_values import TEXT, KeyValues
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter, VisualTokens
from longreel.process import peak_bytes
from longreel.timeline import Timeline
from longreel.token_shrinking import PlanningModel
from longreel.version import package_version
from longreel.watched_film import WatchedFilm, plain


class WatchSession:
    """The growing memory of one call of `watch`.

    Args:
        adapter, method: the model and how it compresses.
        system: system prompt, or None for the model's own; not used with `start`.
        start: a memory to go on with, of an incomplete one from its resume point.
        in_front: int64 ids of text between the text before a film and the first film; not used with `start`.
        window: the rotary table, None for the model's own; not used with `start`, which has its own.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        method: Method,
        system: str | None,
        start: VideoMemory | None,
        in_front: Tensor | None = None,
        window: RescaledWindow | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self._adapter = adapter
        self._method = method
        self._before = None if start is None else start.header
        self._timeline = Timeline.empty() if start is None else start.timeline
        self._system = hash_json(system) if self._before is None else self._before.system
        self._seconds = {stage.name: stage.seconds for stage in self._before.stages} if self._before else {}
        self.warnings = list(self._before.warnings) if self._before else []
        self.resume = self._before.resume if self._before else None
        self._earlier = self._before.sources if self._before else ()
        self.partial = self._earlier[self.resume.source :] if self.resume else ()
        self._earlier = self._earlier[: self.resume.source] if self.resume else self._earlier
        self._films: list[WatchedFilm] = []
        self._final: VideoMemory | None = None
        self.window = window if start is None else start.window
        self.appends = start is not None and start.complete
        with self.timed("prefill"):
            held = None if start is None else start.key_values
            before = adapter.dialogue.before(system)
            self._watcher = adapter.watcher(before, method.cache, held, self.window)
            if in_front is not None and len(in_front) and start is None:
                self._watcher.text(in_front)
        self._base = self._watcher.closed_tokens

    @property
    def records(self) -> tuple[SourceRecord, ...]:
        """The films seen to their end."""
        return (*self._earlier, *(film.record() for film in self._films if film.finished))

    def frames_read(self) -> int:
        """Frames that were read of the films seen to their end."""
        return sum(record.frames_read for record in self.records if record.is_film)

    def tokens_of_records(self) -> int | None:
        """Visual tokens of what was seen to its end; None if an older memory does not tell."""
        counts = [record.visual_tokens for record in self.records]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    @property
    def visual_tokens(self) -> int:
        """Visual tokens so far, those of the open interval included."""
        return self._films[-1].tokens_end if self._films else self._base

    def next_offset(self) -> float:
        """Where on the memory's timeline the next film starts: behind the full length of the others."""
        if not self.records:
            return 0.0
        last = self.records[-1]
        return max(last.until, last.offset + (last.duration or 0.0))

    @property
    def first_seconds(self) -> float:
        """Time in the film to go on with of its first frame that was encoded."""
        frames = sum(record.frames_encoded for record in self._earlier)
        return float(self._timeline.frames[frames]) - self.next_offset()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of this block to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.perf_counter() - started

    def begin(self, film: WatchedFilm) -> None:
        """Go on with this film."""
        self._films.append(film)

    def take(self, film: WatchedFilm, block: Block, tokens: VisualTokens) -> None:
        """Push a block's visual tokens; all of it happens, or nothing."""
        with held_back_interrupts():
            tokens = self._with_text(film, block, tokens)
            fresh = tokens[0 if film.seconds else film.skip_tokens :]
            seconds = block.frames.seconds
            self._timeline = self._known_timeline(film).extended(
                seconds + film.offset, fresh.start + film.offset, fresh.end + film.offset
            )
            film.add(block, tokens.frame.bincount(minlength=len(seconds)))
            with self.timed("prefill"):
                self._watcher.push(fresh)

    def _with_text(self, film: WatchedFilm, block: Block, tokens: VisualTokens) -> VisualTokens:
        """The tokens, with the lines of subtitles that stand among them."""
        if film.text is None:
            return tokens
        placed = film.lines_placed(len(film.seconds))
        return film.text.woven(tokens, block.frames.seconds, placed, self._adapter.dialogue)

    def _known_timeline(self, film: WatchedFilm) -> Timeline:
        """The timeline without frames that are encoded once more after an interruption."""
        frames = sum(record.frames_encoded for record in self.records) + film.encoded_before
        return self._timeline if film.seconds else self._timeline.cut(frames, self.visual_tokens)

    def end(self, film: WatchedFilm) -> None:
        """The film has been seen to its end; lines of subtitles that are left stand behind it."""
        with held_back_interrupts():
            if film.text is not None:
                left = film.text.behind(film.lines_placed(len(film.seconds)), self._adapter.dialogue)
                with self.timed("prefill"):
                    self._watcher.text(left)
            film.finished = True
            self.resume, self.partial = None, ()

    def finish(self) -> VideoMemory:
        """The memory of everything watched; the open interval is closed short."""
        with held_back_interrupts():
            with self.timed("prefill"):
                closed = self._watcher.closed_tokens
                held = self._watcher.finish()
            if held.visual_tokens and not bool((held.layers[0].token != TEXT).any()):
                self.warnings.append(
                    f"nothing is kept of the {held.visual_tokens:,} visual tokens, too few for this "
                    "fraction: keep more"
                )
            self._warn_of_extent(held)
            header = self._header(held, self.records, short_end=held.visual_tokens - closed)
            self._final = VideoMemory(held.layers, self._timeline, header)
        return self._final

    def _warn_of_extent(self, held: KeyValues) -> None:
        """Films of unknown length may reach beyond the target of the rotary table."""
        text = int((held.layers[0].token == TEXT).sum())
        reached = (held.next_position if held.end is None else held.end) - text
        if self.window is not None and reached > self.window.target:
            self.warnings.append(
                f"the film reaches {reached:,} positions, and its rotary table is for "
                f"{self.window.target:,}: watch it with a larger target"
            )

    def checkpoint(self) -> VideoMemory:
        """The memory of the closed intervals, with the point from which watching can go on.

        After `finish` it is the final memory.
        """
        if self._final is not None:
            return self._final
        with held_back_interrupts():
            held = self._watcher.checkpoint()
        records, point = self._covered(held.visual_tokens)
        frames = sum(record.frames_encoded for record in records)
        timeline = self._timeline.cut(frames, held.visual_tokens)
        return VideoMemory(held.layers, timeline, self._header(held, records, resume=point))

    def _covered(self, tokens: int) -> tuple[tuple[SourceRecord, ...], ResumePoint]:
        """The films in the first `tokens` visual tokens, and where the rest begins.

        An interval may reach over films, so the rest may begin in a film that was seen to its end.
        """
        adapter = self._adapter
        block = block_size(adapter.clip, adapter.interval / adapter.tokens_per_frame)
        finished = list(self._earlier)
        for film in self._films:
            if film.finished and film.tokens_end <= tokens:
                finished.append(film.record())
            elif film.seconds:
                point = film.resume_point(tokens, block)
                return (*finished, film.record_until(tokens)), point
        if self.resume is not None:
            return (*finished, *self.partial), self.resume
        return tuple(finished), ResumePoint(
            source=len(finished),
            frame=0,
            encoded=0,
            seconds=0.0,
            skip_tokens=0,
            read_from=0,
            read_from_seconds=0.0,
        )

    def _header(
        self,
        held: KeyValues,
        records: tuple[SourceRecord, ...],
        *,
        short_end: int = 0,
        resume: ResumePoint | None = None,
    ) -> Header:
        earlier = self._before.seconds if self._before else 0.0
        return Header(
            longreel=package_version(),
            model=self._adapter.name,
            identity=dict(self._adapter.identity()),
            method=self._method.settings(),
            system=self._system,
            sources=records,
            stages=tuple(self._stages(held, records)),
            visual_tokens=held.visual_tokens,
            next_position=held.next_position,
            run=held.run,
            end=held.end,
            window=None if self.window is None else WindowRecord(**plain(self.window)),
            kept=tuple(len(layer.token) for layer in held.layers),
            nbytes=held.nbytes,
            dtype=str(held.layers[0].keys.dtype).removeprefix("torch."),
            interval=self._adapter.interval,
            short_end=short_end,
            seconds=earlier + time.perf_counter() - self._started,
            peak_bytes=peak_bytes(),
            paths=(f"device: {held.layers[0].keys.device}",),
            complete=resume is None,
            resume=resume,
            warnings=tuple(self.warnings),
        )

    def _stages(self, held: KeyValues, records: tuple[SourceRecord, ...]) -> Iterator[StageRecord]:
        read = sum(record.frames_read for record in records)
        asked = sum(record.reader.get("asked") or record.frames_read for record in records)
        encoded = sum(record.frames_encoded for record in records)
        kept = int((held.layers[0].token != TEXT).sum())
        seconds = dict(self._seconds)
        seconds["read"] = seconds.get("read", 0.0) + sum(film.blocks.seconds for film in self._films)
        selected = [("select", read, encoded, "frames")] if self._method.frames is not None else []
        shown, pooled = held.visual_tokens, []
        if self._method.tokens is not None:
            shown = sum(map(self._unpooled, records))
            pooled = [("pool", shown, held.visual_tokens, "visual tokens")]
        for name, before, after, unit in (
            ("read", asked, read, "frames"),
            *selected,
            ("encode", encoded, shown, "visual tokens"),
            *pooled,
            ("prefill", held.visual_tokens, kept, "entries per layer"),
        ):
            yield StageRecord(
                name=name, before=before, after=after, unit=unit, seconds=seconds.get(name, 0.0)
            )

    def _unpooled(self, record: SourceRecord) -> int:
        """Visual tokens of a film before they were shrunk."""
        assert record.plan is not None, "films whose tokens were shrunk had a plan"
        if not record.is_film:
            return record.plan.visual_tokens or 0
        size = (record.plan.height, record.plan.width)
        rows, columns, frames = PlanningModel(self._adapter, None).grid(size)
        return -(-record.frames_encoded // frames) * rows * columns
