"""Watch: from films to a memory, top to bottom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

from longreel.ask import check_question
from longreel.blocks import BlockReader, encoder_block, read_ahead
from longreel.compress.base import FilmCompressor, IntervalCompressor
from longreel.compress.kinds import planning
from longreel.context_fit import Fill, check_context
from longreel.errors import UsageError, WatchInterrupted
from longreel.film_plan import FilmPlan, PlannedFilm, checked_max_tokens, plan_film, plan_films
from longreel.film_text import FilmText, text_in_front
from longreel.header import PlanRecord, SourceRecord
from longreel.identity import hash_json
from longreel.interrupts import held_back_interrupts
from longreel.interval_fit import check_ratio_count, film_facts, fitted_to_film
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback, StageClock
from longreel.session import WatchSession
from longreel.showing import Showing, showings, watching_order
from longreel.sources import (
    can_be_opened_twice,
    content_digest,
    listed_sources,
    samplings_agree,
    source_name,
)
from longreel.subtitling import Subtitling, check_same_subtitles, film_texts
from longreel.video.reader import Begin, FilmStream
from longreel.video.sampling import Sampling
from longreel.video.targets import Grid
from longreel.watched_film import WatchedFilm, plain
from longreel.window_fit import check_target, planned_window

T = TypeVar("T", int, float)

_SEAM = "not equal to watching the joined film"


@dataclass(frozen=True)
class Reading:
    """How films are read and who is told about it; see `watch`."""

    strict: bool = False
    allow_url: bool = False
    progress: ProgressCallback | None = None
    max_tokens: int | None = None
    system: str | None = None


def watch(
    adapter: ModelAdapter,
    method: Method,
    source: Any,
    *,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    count: int | None = None,
    max_frames: int | None = None,
    seconds: Sequence[float] | None = None,
    max_tokens: int | None = None,
    system: str | None = None,
    subtitles: Any = None,
    subtitle_placement: str = "times",
    subtitle_budget: int | None = None,
    question: str | None = None,
    strict: bool = False,
    allow_url: bool = False,
    progress: ProgressCallback | None = None,
    resume: VideoMemory | None = None,
) -> VideoMemory:
    """Watch a film, or several as one memory, reading it once and holding only a few frames at a time.

    Args:
        source: path, bytes, binary file, picture folder, list of pictures or of (picture, seconds), or
            iterable of (array, seconds); another list holds several films. Their times follow each
            other: seconds of the second film count from the full duration of the first. The path of a
            picture, alone or in such a list, is an image beside the films, for a model that takes images; it
            takes no time, and stands before the films if the model's chat template has it so.
        start, end: seconds of each film to watch from and to.
        fps, count, max_frames, seconds: which frames: so many per second (default: the model's own, and of
            a long film no more than its release samples), exactly so many, at most so many, or those on
            screen at these times of each film.
        max_tokens: most tokens each film or image may become: its visual tokens and the text among them.
            Frames are made smaller for it, down to the least size the model was made for.
        system: system prompt in place of the model's own.
        subtitles: what is said, as text that is never compressed: path of an srt, vtt or ass file, "track" or
            "track:en" for a track inside the film, a `Transcriber`, or (start, end, text) in seconds from the
            film's first picture. For several films a list of these, None for a film without (images need
            none).
        subtitle_placement: "times", each line before the first frames shown when it begins or later, what
            is left behind the last; or "transcript", all lines with their times before their film.
        subtitle_budget: tokens that the subtitles of each film may have; lines beyond are left out evenly,
            with a warning in the report.
        question: the only one that will be asked, for methods that keep what a question needs.
        strict: make a damaged film an error rather than a warning in the report.
        allow_url: let a source be an http(s) address.
        progress: called after every block of frames.
        resume: the memory of an interrupted `watch` of the same films with the same settings; a complete
            one comes back as it is.

    Raises:
        WatchInterrupted: Ctrl-C; its `memory` can be given as `resume`.
        SourceError: a film cannot be read.
        UsageError: settings contradict each other or the memory to resume; more frames are asked for than
            fit into `max_tokens`, the model's context or the target of its rotary table, which is told before
            the first one is encoded; or there is an image and the model knows films only.
    """
    max_tokens = checked_max_tokens(max_tokens)
    sampling = _sampling(adapter, start, end, fps, count, max_frames, seconds)
    subtitling = Subtitling(subtitles, subtitle_placement, subtitle_budget)
    _check_question(method, question, resume)
    shown, given = _in_order(adapter, source, subtitling)
    if resume is not None:
        _check_resume(adapter, method, shown, sampling, max_tokens, system, resume)
    texts = film_texts(
        adapter,
        [each.source for each in shown],
        given,
        subtitling,
        sampling,
        allow_url=allow_url,
        resume=resume,
    )
    if resume is not None:
        check_same_subtitles(texts, resume.header.sources)
        if resume.complete:
            return resume
    check_ratio_count(adapter, method, shown, sampling, max_tokens, allow_url=allow_url)
    window = None
    if resume is None:
        window = planned_window(adapter, method, shown, sampling, max_tokens, allow_url=allow_url)
    session = WatchSession(adapter, method, system, resume, text_in_front(texts), question, window)
    reading = Reading(strict, allow_url, progress, max_tokens, system)
    rest = _with_texts(shown, texts)[len(session.records) :]
    return _watch_all(session, adapter, method, rest, sampling, reading)


def plan(
    adapter: ModelAdapter,
    method: Method,
    source: Any,
    *,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    count: int | None = None,
    max_frames: int | None = None,
    seconds: Sequence[float] | None = None,
    max_tokens: int | None = None,
    allow_url: bool = False,
) -> tuple[FilmPlan, ...]:
    """What `watch` with the same arguments will make of each film or image, from their facts alone.

    Raises:
        SourceError: a film cannot be read.
        UsageError: settings contradict each other, the films do not fit into `max_tokens`, or a source can
            be read once only. That they fit into the model's context is left to `watch`.
    """
    sampling = _sampling(adapter, start, end, fps, count, max_frames, seconds)
    shown = showings(adapter, listed_sources(source))
    if any(each.read_once for each in shown):
        raise UsageError("an iterator of arrays can be read once only: plan with a list, or watch it")
    checked = checked_max_tokens(max_tokens)
    order = watching_order(adapter.images, shown)
    watched = [shown[number] for number in order]
    _, plans = plan_films(
        adapter, method.frames, watched, sampling, checked, method.tokens, allow_url=allow_url
    )
    return tuple(plans[order.index(number)] for number in range(len(shown)))


def append(
    adapter: ModelAdapter,
    method: Method,
    memory: VideoMemory,
    source: Any,
    *,
    subtitles: Any = None,
    subtitle_placement: str = "times",
    subtitle_budget: int | None = None,
    strict: bool = False,
    allow_url: bool = False,
    progress: ProgressCallback | None = None,
) -> VideoMemory:
    """A longer memory: what `memory` holds, then another film, sampled as the last one was, or an image.

    It equals watching the joined film if the first part ends on the border of an interval. Otherwise that
    interval was closed short, and the report of the new memory says so. The times of the new film count
    from the full duration of those before it. `subtitles` are those of the new film; see `watch`. `memory`
    itself stays as it is.

    Raises:
        WatchInterrupted, SourceError: as `watch`; go on with `watch`, all films and `resume=`.
        UsageError: the memory is incomplete, of another method, its frames were not sampled by fps, what is
            kept of a film depends on its length, or its rotary table is for fewer positions; or the model
            has to be shown an image with all others.
    """
    _check_same_run(adapter, method, memory)
    _check_appendable(method)
    if not memory.complete:
        raise UsageError(
            "the memory is incomplete: finish it with watch(…, resume=memory) before adding to it"
        )
    subtitling = Subtitling(subtitles, subtitle_placement, subtitle_budget)
    shown, given = _in_order(adapter, source, subtitling, appended=True)
    sampling = _appended_sampling(adapter, memory, shown)
    _check_cap(adapter, memory, shown, sampling, allow_url=allow_url)
    texts = film_texts(
        adapter,
        [each.source for each in shown],
        given,
        subtitling,
        sampling,
        allow_url=allow_url,
        earlier=len(memory.header.sources),
    )
    session = WatchSession(adapter, method, None, memory)
    if memory.header.short_end:
        session.warnings.append(_short_end(memory))
    if method.seam is not None:
        session.warnings.append(f"{method.seam}: {_SEAM}")
    reading = Reading(strict, allow_url, progress)
    return _watch_all(session, adapter, method, _with_texts(shown, texts), sampling, reading)


def _in_order(
    adapter: ModelAdapter, source: Any, subtitling: Subtitling, *, appended: bool = False
) -> tuple[list[Showing], list[Any]]:
    """What is to be watched, in the order in which the model sees it, and the subtitles given for each."""
    sources = listed_sources(source)
    if not sources:
        raise UsageError("there is no film in the list: name at least one")
    shown = showings(adapter, sources, appended=appended)
    given = subtitling.of_each([each.is_film for each in shown])
    order = watching_order(adapter.images, shown)
    return [shown[number] for number in order], [given[number] for number in order]


def _with_texts(shown: Sequence[Showing], texts: Sequence[FilmText | None]) -> list[Showing]:
    return [replace(each, text=text) for each, text in zip(shown, texts, strict=True)]


def _watch_all(
    session: WatchSession,
    adapter: ModelAdapter,
    method: Method,
    shown: Sequence[Showing],
    sampling: Sampling,
    reading: Reading,
) -> VideoMemory:
    try:
        if len(shown) > 1:
            _look_ahead(session, adapter, method, shown, sampling, reading)
        for showing in shown:
            _watch_film(session, adapter, method, showing, sampling, reading)
        return session.finish()
    except KeyboardInterrupt:
        # One Ctrl-C is enough: a second one must not cost what the first one saves.
        with held_back_interrupts(deliver=False):
            memory = session.checkpoint()
        raise WatchInterrupted(_stopped(memory), memory) from None


def _watch_film(
    session: WatchSession,
    adapter: ModelAdapter,
    method: Method,
    showing: Showing,
    sampling: Sampling,
    reading: Reading,
) -> None:
    digest = content_digest(showing.source)
    offset = session.next_offset()
    sampling = showing.sampling(sampling, offset)
    size = encoder_block(adapter, method.cache)
    resume = session.resume
    begin = Begin(resume.read_from, resume.read_from_seconds) if resume else Begin()
    with showing.opened(
        sampling, block=size, strict=reading.strict, allow_url=reading.allow_url, begin=begin
    ) as stream:
        number, before = len(session.records), session.frames_read()
        skip = resume.frame if resume else 0
        planned = PlannedFilm.of(stream, sampling, number, before, showing.part(number))
        film_plan, selector = plan_film(adapter, method.frames, planned, reading.max_tokens, method.tokens)
        _check_text(method, showing.text)
        fill = _fill(session, adapter, reading)
        if showing.text is not None:
            fill = fill.and_text(showing.text.record.tokens)
        check_context(adapter, method, fill, [planned], [film_plan], session.window)
        _check_target(session, adapter, method, [planned], [film_plan])
        stream.resize_to(film_plan.size)
        cache = _fitted_cache(adapter, method, planned, film_plan, showing)
        size = encoder_block(adapter, cache)
        chosen_by = selector if showing.is_film else None
        blocks = BlockReader(stream, chosen_by, before=before, read=begin.frame, skip=skip, size=size)
        film = WatchedFilm(
            index=number,
            offset=offset,
            digest=digest,
            sampling=sampling,
            plan=film_plan,
            stream=stream,
            blocks=blocks,
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
        session.begin(film)
        _encode(session, adapter, method, film, StageClock(reading.progress, _stage(film), stream.expected))
        session.end(film)


def _fitted_cache(
    adapter: ModelAdapter, method: Method, film: PlannedFilm, film_plan: FilmPlan, showing: Showing
) -> FilmCompressor:
    """What keeps entries of a film; images stay whole where it is chosen by attention."""
    if not showing.is_film and not isinstance(method.cache, IntervalCompressor):
        return planning(method.cache)
    facts = film_facts(
        adapter, method, film.name, film.number, film_plan.visual_tokens, is_film=showing.is_film
    )
    return fitted_to_film(adapter, method, facts, _prompt_tokens(film_plan, showing.text))


def _check_target(
    session: WatchSession,
    adapter: ModelAdapter,
    method: Method,
    films: Sequence[PlannedFilm],
    plans: Sequence[FilmPlan],
) -> None:
    before = [
        (_plan_of(record.plan), record.is_film) for record in session.records if record.plan is not None
    ]
    check_target(adapter, method, session.window, before, films, plans, appended=session.appends)


def _plan_of(record: PlanRecord) -> FilmPlan:
    return FilmPlan(**record.model_dump())


def _check_text(method: Method, text: FilmText | None) -> None:
    if text is not None and text.ids and method.chosen_frames < 1:
        raise UsageError(
            "subtitles cannot stand at the times of frames that may not stay: give "
            'subtitle_placement="transcript" and one film, or keep all frames (keyframes=1)'
        )


def _prompt_tokens(film_plan: FilmPlan, text: FilmText | None) -> int | None:
    """Visual tokens of a film and the text among them, None if it has no known length."""
    if film_plan.visual_tokens is None:
        return None
    told = 0 if text is None else text.record.tokens
    return film_plan.visual_tokens + (film_plan.text_tokens or 0) + told


def _fill(session: WatchSession, adapter: ModelAdapter, reading: Reading) -> Fill:
    """What the films that were seen to their end fill."""
    fill = Fill.of_text(len(adapter.dialogue.before(reading.system)))
    for record in session.records:
        if record.plan is not None:
            fill = fill.and_plan(_plan_of(record.plan), is_film=record.is_film)
        if record.subtitles is not None:
            fill = fill.and_text(record.subtitles.tokens)
    return fill


def _encode(
    session: WatchSession, adapter: ModelAdapter, method: Method, film: WatchedFilm, clock: StageClock
) -> None:
    """Encode and prefill one block while the next is being read."""
    with closing(_ahead(film.stream, film.blocks)) as blocks:
        for block in blocks:
            with session.timed("encode"):
                tokens = film.encoded(adapter, block, unpooled=method.tokens is not None)
            session.take(film, block, tokens)
            clock.report(film.read[-1] + 1)
    # The last frames may not have been selected.
    if film.blocks.read > (film.read[-1] + 1 if film.read else 0):
        clock.report(film.blocks.read)


def _ahead(stream: FilmStream, blocks: BlockReader) -> Any:
    """Arrays come from the caller's own code, which stays on the caller's thread."""
    return iter(blocks) if stream.info.kind == "arrays" else read_ahead(blocks)


def _stage(film: WatchedFilm) -> str:
    return f"watch {film.stream.info.name}"


def _sampling(
    adapter: ModelAdapter,
    start: float | None,
    end: float | None,
    fps: float | None,
    count: int | None,
    max_frames: int | None,
    seconds: Sequence[float] | None,
) -> Sampling:
    cap = None
    if fps is None and count is None and seconds is None:
        fps, cap = adapter.default_fps, adapter.most_frames if max_frames is None else None
    times: Any = seconds
    checked = Sampling(fps=fps, max_frames=max_frames, count=count, start=start, end=end, seconds=times)
    return Sampling(
        fps=_as(float, checked.fps),
        max_frames=_as(int, checked.max_frames),
        count=_as(int, checked.count),
        start=_as(float, checked.start),
        end=_as(float, checked.end),
        seconds=None if seconds is None else tuple(float(time) for time in seconds),
        cap=cap,
    )


def _as(kind: type[T], number: Any) -> T | None:
    """A header holds plain numbers, whatever kind was given."""
    return None if number is None else kind(number)


def _check_appendable(method: Method) -> None:
    if method.target is not None:
        raise UsageError(
            f"the memory was made with {method.target}, which another film would change: watch the joined "
            "film, or watch the first part again with keep="
        )


def _appended_sampling(adapter: ModelAdapter, memory: VideoMemory, shown: Sequence[Showing]) -> Sampling:
    """The frames per second of the memory's films, for whole films."""
    films = [record for record in memory.header.sources if record.is_film]
    if (memory.header.sources and not films) or all(not each.is_film for each in shown):
        return Sampling(fps=adapter.default_fps, cap=adapter.most_frames)
    settings = films[-1].sampling if films else {}
    plan = films[-1].plan if films else None
    targets = [f"{name}=" for name in ("count", "max_frames", "seconds") if settings.get(name) is not None]
    targets += ["max_tokens="] if plan is not None and plan.max_tokens is not None else []
    if targets or not settings.get("fps"):
        raise UsageError(
            f"the memory was sampled with {' and '.join(targets) or 'no fps='}, which another film would "
            "change: watch the joined film, or watch the first part again by fps= alone"
        )
    return Sampling(fps=settings["fps"], cap=settings.get("cap"))


def _check_cap(
    adapter: ModelAdapter,
    memory: VideoMemory,
    shown: Sequence[Showing],
    sampling: Sampling,
    *,
    allow_url: bool,
) -> None:
    """Refuse films with which the joined film would be too long for its frames per second."""
    if sampling.cap is None or sampling.fps is None or all(not each.is_film for each in shown):
        return
    last = memory.header.sources[-1]
    length = max(last.until, last.offset + (last.duration or 0.0))
    for each in shown:
        if each.is_film and can_be_opened_twice(each.source):
            with each.opened(sampling, allow_url=allow_url) as stream:
                length += stream.info.duration or 0.0
    if Grid(0.0, 1 / sampling.fps, math.inf).before(length) > sampling.cap:
        raise UsageError(
            f"joined, the films are too long for {sampling.fps:g} frames a second, as {adapter.name} is "
            f"shown {sampling.cap:,} at most if fps= is not given: watch the first part again with "
            f"fps={sampling.fps:g}, or watch the joined film"
        )


def _check_question(method: Method, question: str | None, resume: VideoMemory | None) -> None:
    needed = method.needs_question
    if question is not None:
        check_question(question)
        if not needed:
            raise UsageError(f"method {method.name!r} keeps the same for every question: leave out question=")
    if resume is not None and question is not None and question != resume.header.question:
        raise UsageError(
            f"the memory to resume was watched for the question {resume.header.question!r}: use the same"
        )
    if needed and question is None and resume is None:
        raise UsageError(
            f"method {method.name!r} is set to keep what a question needs: give question=, or other scores"
        )


def _check_same_run(adapter: ModelAdapter, method: Method, memory: VideoMemory) -> None:
    memory.require_model(adapter)
    memory.require_shapes(adapter)
    if hash_json(memory.header.method) != hash_json(method.settings()):
        raise UsageError(
            f"the memory was made with {_described(memory.header.method)} and this model is set to "
            f"{_described(method.settings())}: load it with the memory's method and keep"
        )


def _check_resume(
    adapter: ModelAdapter,
    method: Method,
    shown: Sequence[Showing],
    sampling: Sampling,
    max_tokens: int | None,
    system: str | None,
    memory: VideoMemory,
) -> None:
    _check_same_run(adapter, method, memory)
    if system is not None and hash_json(system) != memory.header.system:
        raise UsageError("system= differs from the system prompt of the memory to resume: use the same")
    records = memory.header.sources
    if memory.complete and len(records) < len(shown):
        raise UsageError("the memory to resume is complete: add the other films with append")
    if len(records) > len(shown):
        raise UsageError(
            f"the memory to resume holds {len(records)} films and {len(shown)} are named: name all"
        )
    for record, showing in zip(records, shown, strict=False):
        if record.digest != content_digest(showing.source) or not _may_be(showing.source, record):
            raise UsageError(
                f"the memory to resume holds {record.name} and {source_name(showing.source)} has other "
                "content: name the same film"
            )
        _check_alone(record, showing)
        if not samplings_agree(record.sampling, plain(showing.sampling(sampling, record.offset))):
            raise UsageError(
                f"the memory to resume was sampled by {_chosen(record.sampling)}: use the same settings"
            )
        earlier = record.plan.max_tokens if record.plan is not None else None
        if earlier != max_tokens:
            raise UsageError(f"the memory to resume was watched with max_tokens={earlier}: use the same")


def _check_alone(record: SourceRecord, showing: Showing) -> None:
    """Refuse an image that would now be looked at otherwise."""
    if None not in (record.alone, showing.alone) and record.alone != showing.alone:
        had, named = ("one image", "are several") if record.alone else ("several images", "is one")
        raise UsageError(f"the memory to resume was to have {had} and there {named} now: name the same")


def _may_be(source: Any, record: SourceRecord) -> bool:
    """Whether an address may be the film of the record: its content is not known before it is read."""
    if record.digest is not None or not isinstance(source, str):
        return True
    return record.name in (source, PurePosixPath(urlsplit(source).path).name)


def _look_ahead(
    session: WatchSession,
    adapter: ModelAdapter,
    method: Method,
    shown: Sequence[Showing],
    sampling: Sampling,
    reading: Reading,
) -> None:
    """Find what cannot be read, and films that do not fit together, before hours go into the first."""
    watched = session.records
    looked_at = [each for each in shown if can_be_opened_twice(each.source)]
    films, plans = plan_films(
        adapter,
        method.frames,
        looked_at,
        sampling,
        reading.max_tokens,
        method.tokens,
        allow_url=reading.allow_url,
        number=len(watched),
        offset=session.next_offset(),
        before=session.frames_read(),
    )
    check_context(adapter, method, _fill(session, adapter, reading), films, plans, session.window)
    _check_target(session, adapter, method, films, plans)


def _stopped(memory: VideoMemory) -> str:
    point = memory.header.resume
    sources = memory.header.sources
    if point is None:
        return "stopped when all was watched: the memory is complete"
    where = f"{point.seconds:.1f} s of {sources[-1].name}" if sources else "the beginning"
    return f"stopped at {where}: watch it again with resume= and this memory to go on"


def _short_end(memory: VideoMemory) -> str:
    header = memory.header
    return (
        f"{header.sources[-1].name} ended inside an interval ({header.short_end} of {header.interval} visual "
        "tokens), which was closed short: not equal to watching the joined film"
    )


def _described(settings: dict[str, Any]) -> str:
    return f"{settings['name']} ({_chosen(settings['cache'])})"


def _chosen(settings: dict[str, Any]) -> str:
    chosen = {key: value for key, value in settings.items() if value is not None and key != "part"}
    return ", ".join(f"{key}={value}" for key, value in chosen.items()) or "no settings"
