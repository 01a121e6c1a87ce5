"""One run of watching: what has been seen so far, and the memory it makes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from longreel.blocks import Block
from longreel.compress.base import ChoosingSelector, MarkingSelector
from longreel.compress.context_window import RescaledWindow
from longreel.compress.dynamic import BorderRule
from longreel.compress.kinds import choosing, condensing
from longreel.compress.two_levels import TwoLevels
from longreel.feature_stage import FeatureStage
from longreel.film_stage import FilmStage
from longreel.header import DenseRecord, Header, ResumePoint, SourceRecord, StageRecord, WindowRecord
from longreel.identity import hash_json
from longreel.interrupts import held_back_interrupts
from longreel.key_values import TEXT, KeyValues
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter, TokenGrid, VisualTokens
from longreel.process import peak_bytes
from longreel.timeline import Timeline
from longreel.token_shrinking import PlanningModel, shrunk
from longreel.version import package_version
from longreel.watched_film import WatchedFilm, plain

_NO_TIMES = (torch.empty(0, dtype=torch.float64),) * 2


class WatchSession:
    """The growing memory of one call of `watch`.

    Args:
        adapter, method: the model and how it compresses.
        system: system prompt, or None for the model's own; not used with `start`.
        start: a memory to go on with, of an incomplete one from its resume point.
        question: by which it is chosen what is kept; not used with `start`.
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
        question: str | None = None,
        window: RescaledWindow | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self._adapter = adapter
        self._method = method
        self._before = None if start is None else start.header
        self._timeline = Timeline.empty() if start is None else start.timeline
        self._resumed = self._timeline
        self._system = hash_json(system) if self._before is None else self._before.system
        self._question = question if self._before is None else self._before.question
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
            more: dict[str, Any] = {"window": self.window}
            if self._question is not None:
                more["question"] = self._asked(self._question)
            self._watcher = adapter.watcher(adapter.dialogue.before(system), method.cache, held, **more)
            if in_front is not None and len(in_front) and start is None:
                self._watcher.text(in_front)
        self._base = self._watcher.closed_tokens
        self._stage: FeatureStage | FilmStage | None = None
        # The grid of the frames in hand, and the number of the next that a stage gives.
        self._grid: TokenGrid | None = None
        self._next_frame = 0
        # Tokens of the film in hand that the memory holds already, and those of its last chunk if cut short.
        self._held_already = 0
        self._cut_short = 0

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

    def _asked(self, question: str) -> Tensor:
        """Ids of the question by which it is chosen what is kept."""
        return self._adapter.dialogue.after([(question, None)])

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
        self._held_already = film.skip_tokens
        self._stage = self._feature_stage(film)
        with self.timed("prefill"):
            held = self._watcher.closed_tokens - (film.tokens_begin or 0)
            self._watcher.begin_film(film.cache, max(0, held))

    def _feature_stage(self, film: WatchedFilm) -> FeatureStage | FilmStage | None:
        """What looks at the features of a film; an image stays whole."""
        selector = self._method.features if film.alone is None else None
        if self._method.chosen_frames < 1 and isinstance(selector, ChoosingSelector):
            return FilmStage(selector, self._expected(film))
        return FeatureStage(selector) if isinstance(selector, MarkingSelector) else None

    def _expected(self, film: WatchedFilm) -> int | None:
        """Visual tokens that a film becomes before they are shrunk."""
        plan = film.plan
        if self._method.tokens is None or plan.frames is None:
            return plan.visual_tokens
        return self._native(plan.frames, plan.size)

    def take(self, film: WatchedFilm, block: Block, tokens: VisualTokens) -> None:
        """Push a block's visual tokens; all of it happens, or nothing."""
        with held_back_interrupts():
            tokens = self._with_text(film, block, tokens)
            seconds = block.frames.seconds
            self._grid = tokens.grid or self._grid
            if isinstance(self._stage, FilmStage):
                self._timeline = self._known_timeline(film).extended(seconds + film.offset, *_NO_TIMES)
                film.add(block, torch.zeros(len(seconds), dtype=torch.int64))
                with self.timed("keyframes"):
                    self._stage.push(tokens)
                return
            less = self._less(film, block, tokens)
            fresh = less[film.still_known :]
            self._timeline = self._known_timeline(film).extended(
                seconds + film.offset, fresh.start + film.offset, fresh.end + film.offset
            )
            if isinstance(self._stage, FeatureStage) and not film.seconds:
                self._next_frame = film.part(block).frame
            film.add(block, less.frame.bincount(minlength=len(seconds)))
            self._push(self._certain(tokens, less))

    def _less(self, film: WatchedFilm, block: Block, tokens: VisualTokens) -> VisualTokens:
        """What a method leaves of a block; an image stays whole."""
        return tokens if film.alone is not None else self._shrunk(tokens, film.part(block).frame)

    def _certain(self, tokens: VisualTokens, less: VisualTokens) -> VisualTokens | None:
        """Those of which it is certain whether they are of keyframes; `less` is what is left of them."""
        if not isinstance(self._stage, FeatureStage):
            return less
        with self.timed("keyframes"):
            marked = self._stage.push(tokens)
        return self._following(marked)

    def _following(self, marked: VisualTokens | None) -> VisualTokens | None:
        """What is left of frames that follow those so far."""
        if marked is None or self._method.tokens is None or self._grid is None:
            return marked
        less = self._shrunk(marked, self._next_frame)
        self._next_frame += len(marked) // (self._grid.rows * self._grid.columns) * self._grid.frames
        return less

    def _shrunk(self, tokens: VisualTokens, frame: int) -> VisualTokens:
        """What a method leaves of the tokens of frames, the first of which has this number in its film."""
        if self._method.tokens is None:
            return tokens
        self._grid = tokens.grid or self._grid
        with self.timed("pool"):
            return shrunk(replace(tokens, grid=self._grid), self._method.tokens, frame)

    def _push(self, tokens: VisualTokens | None) -> None:
        """Prefill what the memory does not hold yet."""
        if tokens is None:
            return
        known = min(self._held_already, len(tokens))
        self._held_already -= known
        with self.timed("prefill"):
            if known:
                self._watcher.look_back(tokens[:known])
            self._watcher.push(tokens[known:])

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
        if isinstance(self._stage, FilmStage):
            self._push_chosen(film, self._stage)
        with held_back_interrupts():
            if isinstance(self._stage, FeatureStage):
                self._push(self._following(self._stage.end()))
            closed = self._watcher.closed_tokens
            with self.timed("prefill"):
                self._watcher.end_film()
            # Where the picture changes an interval is over, and so it is with the film.
            if _borders(film) is None:
                self._cut_short = self._watcher.closed_tokens - closed
            if film.text is not None:
                left = film.text.behind(film.lines_placed(len(film.seconds)), self._adapter.dialogue)
                with self.timed("prefill"):
                    self._watcher.text(left)
            film.finished = True
            self.resume, self.partial = None, ()

    def _push_chosen(self, film: WatchedFilm, stage: FilmStage) -> None:
        """Prefill the frames that stay, of the film or of what it is without those that the memory holds."""
        with held_back_interrupts():
            with self.timed("keyframes"):
                tokens = stage.end()
            if tokens is None:
                return
            tokens = self._shrunk(tokens, 0)
            fresh = tokens[film.skip_tokens :]
            self._timeline = self._timeline.extended(
                _NO_TIMES[0], fresh.start + film.offset, fresh.end + film.offset
            )
            film.tokens_end += len(tokens)
        # Bit by bit, as Ctrl-C is not to wait for all of it.
        starts = tokens.frame.diff(prepend=tokens.frame[:1] - 1).nonzero().flatten().tolist()
        for first, end in pairwise([*starts[:: film.block], len(tokens)]):
            with held_back_interrupts():
                self._push(tokens[first:end])

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
            short_end = held.visual_tokens - closed or self._cut_short
            header = self._header(held, self.records, short_end=short_end)
            self._final = _memory(held, self._timeline, header)
        return self._final

    def _warn_of_extent(self, held: KeyValues) -> None:
        """Films of unknown length may reach beyond the target of the rotary table."""
        text = int((held.layers[0].token == TEXT).sum())
        farthest = held if held.dense is None else held.dense
        reached = (farthest.next_position if farthest.end is None else farthest.end) - text
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
        # While frames are looked at again, the timeline has not all that the memory holds.
        again = bool(self._films) and self._films[-1].still_known > 0
        timeline = (self._resumed if again else self._timeline).cut(frames, held.visual_tokens)
        return _memory(held, timeline, self._header(held, records, resume=point))

    def _covered(self, tokens: int) -> tuple[tuple[SourceRecord, ...], ResumePoint]:
        """The films in the first `tokens` visual tokens, and where the rest begins.

        An interval may reach over films, so the rest may begin in a film that was seen to its end.
        """
        finished = list(self._earlier)
        for film in self._films:
            if film.finished and film.tokens_end <= tokens:
                finished.append(film.record())
            elif film.seconds and not film.still_known:
                point = film.resume_point(tokens)
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
            question=self._question,
            sources=records,
            stages=tuple(self._stages(held, records)),
            visual_tokens=held.visual_tokens,
            next_position=held.next_position,
            run=held.run,
            end=held.end,
            squeeze=held.squeeze,
            window=None if self.window is None else WindowRecord(**plain(self.window)),
            kept=tuple(len(layer.token) for layer in held.layers),
            nbytes=held.nbytes,
            dtype=str(held.layers[0].keys.dtype).removeprefix("torch."),
            interval=self._interval(),
            short_end=short_end,
            intervals=held.intervals,
            dense=_dense(self._method, held),
            seconds=earlier + time.perf_counter() - self._started,
            peak_bytes=peak_bytes(),
            paths=(f"device: {held.layers[0].keys.device}",),
            complete=resume is None,
            resume=resume,
            warnings=tuple(self.warnings),
        )

    def _interval(self) -> int:
        """Visual tokens of a full interval of the last film."""
        last = self._films[-1] if self._films else None
        rule = None if last is None else _borders(last)
        if rule is not None:
            return rule.longest * self._adapter.tokens_per_frame
        chooser = None if last is None else choosing(last.cache)
        if last is None or chooser is None:
            return self._adapter.interval
        frames = torch.arange(chooser.chunk_frames, dtype=torch.float64)
        return self._adapter.film_tokens(frames, *last.plan.size, 0, self._method.tokens).visual

    def _stages(self, held: KeyValues, records: tuple[SourceRecord, ...]) -> Iterator[StageRecord]:
        read = sum(record.frames_read for record in records)
        asked = sum(record.reader.get("asked") or record.frames_read for record in records)
        encoded = sum(record.frames_encoded for record in records)
        each = [int((layer.token != TEXT).sum()) for layer in held.layers]
        kept = round(sum(each) / len(each))
        seconds = dict(self._seconds)
        seconds["read"] = seconds.get("read", 0.0) + sum(film.blocks.seconds for film in self._films)
        selected = [("select", read, encoded, "frames")] if self._method.frames is not None else []
        tokens = held.visual_tokens
        if self._method.chosen_frames < 1:
            plans = [record.plan for record in records if record.plan is not None]
            tokens = sum(plan.visual_tokens or 0 for plan in plans)
        shown, pooled = tokens, []
        if self._method.tokens is not None:
            shown = sum(map(self._unpooled, records))
            pooled = [("pool", shown, tokens, "visual tokens")]
        marked = [("keyframes", tokens, held.visual_tokens, "visual tokens")] if self._method.features else []
        for name, before, after, unit in (
            ("read", asked, read, "frames"),
            *selected,
            ("encode", encoded, shown, "visual tokens"),
            *pooled,
            *marked,
            ("prefill", held.visual_tokens, kept, "entries per layer"),
        ):
            yield StageRecord(
                name=name, before=before, after=after, unit=unit, seconds=seconds.get(name, 0.0)
            )

    def _unpooled(self, record: SourceRecord) -> int:
        """Visual tokens of a film before they were shrunk, or of an image, which stays whole."""
        assert record.plan is not None, "films whose tokens were shrunk had a plan"
        if not record.is_film:
            return record.plan.visual_tokens or 0
        return self._native(record.frames_encoded, (record.plan.height, record.plan.width))

    def _native(self, count: int, size: tuple[int, int]) -> int:
        """Tokens of so many frames, before they are shrunk."""
        rows, columns, frames = PlanningModel(self._adapter, None).grid(size)
        return -(-count // frames) * rows * columns


def _memory(held: KeyValues, timeline: Timeline, header: Header) -> VideoMemory:
    return VideoMemory(held.layers, timeline, header, None if held.dense is None else held.dense.layers)


def _dense(method: Method, held: KeyValues) -> DenseRecord | None:
    """The record of the dense level, if there are two."""
    if held.dense is None or not isinstance(method.cache, TwoLevels):
        return None
    kept = tuple(len(layer.token) for layer in held.dense.layers)
    return DenseRecord(
        ratio=method.cache.dense,
        kept=kept,
        nbytes=held.dense.nbytes,
        next_position=held.dense.next_position,
    )


def _borders(film: WatchedFilm) -> BorderRule | None:
    """Where its intervals end by what its frames show; None where they are of equal length."""
    part = condensing(film.cache)
    return None if part is None else part.borders
