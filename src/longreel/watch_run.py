"""One run of watching: films one after the other, each encoded block by block while the next is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from longreel.blocks import BlockReader, encoder_block, read_ahead
from longreel.compress.base import FilmCompressor, IntervalCompressor, tokens_kept
from longreel.compress.kinds import planning
from longreel.context_fit import Fill, check_context
from longreel.errors import UsageError, WatchInterrupted
from longreel.film_plan import FilmPlan, PlannedFilm, plan_film, plan_films
from longreel.film_text import FilmText
from longreel.header import PlanRecord
from longreel.interrupts import held_back_interrupts
from longreel.interval_fit import film_facts, fitted_to_film
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback, StageClock
from longreel.session import WatchSession
from longreel.showing import Showing
from longreel.sources import can_be_opened_twice, content_digest
from longreel.video.reader import Begin, FilmStream
from longreel.video.sampling import Sampling
from longreel.watched_film import WatchedFilm
from longreel.window_fit import check_target


@dataclass(frozen=True)
class Reading:
    """How films are read and who is told about it; see `watch`."""

    strict: bool = False
    allow_url: bool = False
    progress: ProgressCallback | None = None
    max_tokens: int | None = None
    system: str | None = None


@dataclass(frozen=True)
class WatchRun:
    """Watches into a session; `sampling` is for whole films, see `Showing.sampling`."""

    session: WatchSession
    adapter: ModelAdapter
    method: Method
    sampling: Sampling
    reading: Reading

    def watch(self, shown: Sequence[Showing]) -> VideoMemory:
        """Watch all that is shown, in this order.

        Raises:
            WatchInterrupted: Ctrl-C, with the memory of what was watched.
            SourceError, UsageError: see `longreel.watch.watch`.
        """
        try:
            if len(shown) > 1:
                self._look_ahead(shown)
            for showing in shown:
                self._watch(showing)
            return self.session.finish()
        except KeyboardInterrupt:
            # One Ctrl-C is enough: a second one must not cost what the first one saves.
            with held_back_interrupts(deliver=False):
                memory = self.session.checkpoint()
            raise WatchInterrupted(_stopped(memory), memory) from None

    def _look_ahead(self, shown: Sequence[Showing]) -> None:
        """Find what cannot be read, and films that do not fit together, before hours go into the first."""
        films, plans = plan_films(
            self.adapter,
            self.method.frames,
            [each for each in shown if can_be_opened_twice(each.source)],
            self.sampling,
            self.reading.max_tokens,
            self.method.tokens,
            allow_url=self.reading.allow_url,
            number=len(self.session.records),
            offset=self.session.next_offset(),
            before=self.session.frames_read(),
        )
        self._check_fits(films, plans, self._fill())

    def _watch(self, showing: Showing) -> None:
        digest = content_digest(showing.source)
        sampling = showing.sampling(self.sampling, self.session.next_offset())
        with showing.opened(
            sampling,
            block=encoder_block(self.adapter, self.method.cache),
            strict=self.reading.strict,
            allow_url=self.reading.allow_url,
            begin=self._begin,
        ) as stream:
            film = self._film(showing, stream, sampling, digest)
            self.session.begin(film)
            name = f"watch {stream.info.name}"
            self._encode(film, StageClock(self.reading.progress, name, stream.expected))
            self.session.end(film)

    @property
    def _begin(self) -> Begin:
        """Where to read on in the film that was broken off."""
        resume = self.session.resume
        return Begin(resume.read_from, resume.read_from_seconds) if resume else Begin()

    def _film(
        self, showing: Showing, stream: FilmStream, sampling: Sampling, digest: str | None
    ) -> WatchedFilm:
        """How an opened film is watched; its frames are made as small as planned."""
        adapter, method, session = self.adapter, self.method, self.session
        number, before, resume = len(session.records), session.frames_read(), session.resume
        planned = PlannedFilm.of(stream, sampling, number, before, showing.part(number))
        film_plan, selector = plan_film(
            adapter, method.frames, planned, self.reading.max_tokens, method.tokens
        )
        self._check(showing, planned, film_plan)
        stream.resize_to(film_plan.size)
        cache = self._fitted_cache(planned, film_plan, showing)
        size = encoder_block(adapter, cache)
        chosen_by = selector if showing.is_film else None
        skip = resume.frame if resume else 0
        return WatchedFilm(
            index=number,
            offset=session.next_offset(),
            digest=digest,
            sampling=sampling,
            plan=film_plan,
            stream=stream,
            blocks=BlockReader(
                stream, chosen_by, before=before, read=self._begin.frame, skip=skip, size=size
            ),
            cache=cache,
            block=size,
            lookback=method.lookback(adapter.clip) if showing.is_film else 0,
            tokens_end=session.visual_tokens,
            encoded_before=resume.encoded if resume else 0,
            first_seconds=session.first_seconds if resume and resume.encoded else None,
            warnings_before=session.partial[0].warnings if session.partial else (),
            skip_tokens=resume.skip_tokens if resume else 0,
            all_frames=chosen_by is None,
            alone=showing.alone,
            tokens_begin=session.tokens_of_records(),
            text=showing.text,
            lines_before=resume.lines if resume else 0,
        )

    def _check(self, showing: Showing, planned: PlannedFilm, film_plan: FilmPlan) -> None:
        """Refuse what cannot be watched to its end, before the first frame is encoded."""
        _check_text(self.method, showing.text)
        fill = self._fill()
        if showing.text is not None:
            fill = fill.and_text(showing.text.record.tokens)
        self._check_fits([planned], [film_plan], fill)

    def _check_fits(self, films: Sequence[PlannedFilm], plans: Sequence[FilmPlan], fill: Fill) -> None:
        adapter, method, session = self.adapter, self.method, self.session
        check_context(adapter, method, fill, films, plans, session.window)
        before = [
            (_plan_of(record.plan), record.is_film) for record in session.records if record.plan is not None
        ]
        check_target(adapter, method, session.window, before, films, plans, appended=session.appends)

    def _fill(self) -> Fill:
        """What the films that were seen to their end fill."""
        fill = Fill.of_text(len(self.adapter.dialogue.before(self.reading.system)))
        for record in self.session.records:
            if record.plan is not None:
                fill = fill.and_plan(_plan_of(record.plan), is_film=record.is_film)
            if record.subtitles is not None:
                fill = fill.and_text(record.subtitles.tokens)
        return fill

    def _fitted_cache(self, film: PlannedFilm, film_plan: FilmPlan, showing: Showing) -> FilmCompressor:
        """What keeps entries of a film; images stay whole where it is chosen by attention."""
        adapter, method = self.adapter, self.method
        if not showing.is_film and not isinstance(method.cache, IntervalCompressor):
            return planning(method.cache)
        tokens = film_plan.visual_tokens
        facts = film_facts(adapter, method, film.name, film.number, tokens, is_film=showing.is_film)
        return fitted_to_film(
            adapter, method, facts, _prompt_tokens(adapter, method, film_plan, showing.text)
        )

    def _encode(self, film: WatchedFilm, clock: StageClock) -> None:
        """Encode and prefill one block while the next is being read."""
        with closing(_ahead(film.stream, film.blocks)) as blocks:
            for block in blocks:
                with self.session.timed("encode"):
                    tokens = film.encoded(self.adapter, block, unpooled=self.method.tokens is not None)
                self.session.take(film, block, tokens)
                clock.report(film.read[-1] + 1)
        # The last frames may not have been selected.
        if film.blocks.read > (film.read[-1] + 1 if film.read else 0):
            clock.report(film.blocks.read)


def _plan_of(record: PlanRecord) -> FilmPlan:
    return FilmPlan(**record.model_dump())


def _check_text(method: Method, text: FilmText | None) -> None:
    if text is not None and text.ids and method.chosen_frames < 1:
        raise UsageError(
            "subtitles cannot stand at the times of frames that may not stay: give "
            'subtitle_placement="transcript" and one film, or keep all frames (keyframes=1)'
        )


def _prompt_tokens(
    adapter: ModelAdapter, method: Method, film_plan: FilmPlan, text: FilmText | None
) -> int | None:
    """Visual tokens of the frames that stay and the text among them, None if a film has no known length.

    Text among frames is taken to be as long for each of them.
    """
    if film_plan.visual_tokens is None or film_plan.frames is None:
        return None
    tokens = film_plan.visual_tokens + (film_plan.text_tokens or 0)
    told = 0 if text is None else text.record.tokens
    frames = max(1, math.ceil(film_plan.frames / adapter.clip))
    return math.ceil(tokens * Fraction(tokens_kept(frames, float(method.chosen_frames)), frames)) + told


def _ahead(stream: FilmStream, blocks: BlockReader) -> Any:
    """Arrays come from the caller's own code, which stays on the caller's thread."""
    return iter(blocks) if stream.info.kind == "arrays" else read_ahead(blocks)


def _stopped(memory: VideoMemory) -> str:
    point = memory.header.resume
    sources = memory.header.sources
    if point is None:
        return "stopped when all was watched: the memory is complete"
    where = f"{point.seconds:.1f} s of {sources[-1].name}" if sources else "the beginning"
    return f"stopped at {where}: watch it again with resume= and this memory to go on"
