"""Watch: from films to a memory, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from longreel.appending import appended_sampling, check_appendable, check_cap, seams
from longreel.ask import check_question
from longreel.errors import UsageError
from longreel.film_plan import FilmPlan, checked_max_tokens, plan_films
from longreel.film_text import FilmText, text_in_front
from longreel.interval_fit import check_ratio_count
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback
from longreel.resuming import check_resume, check_same_run
from longreel.session import WatchSession
from longreel.showing import Showing, showings, watching_order
from longreel.sources import listed_sources
from longreel.subtitling import Subtitling, check_same_subtitles, film_texts
from longreel.video.sampling import Sampling
from longreel.watch_run import Reading, WatchRun
from longreel.window_fit import planned_window

T = TypeVar("T", int, float)


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
        check_resume(adapter, method, shown, sampling, max_tokens, system, resume)
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
    return WatchRun(session, adapter, method, sampling, reading).watch(rest)


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
    check_same_run(adapter, method, memory)
    check_appendable(method, memory)
    subtitling = Subtitling(subtitles, subtitle_placement, subtitle_budget)
    shown, given = _in_order(adapter, source, subtitling, appended=True)
    sampling = appended_sampling(adapter, memory, shown)
    check_cap(adapter, memory, shown, sampling, allow_url=allow_url)
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
    session.warnings += seams(method, memory)
    reading = Reading(strict, allow_url, progress)
    return WatchRun(session, adapter, method, sampling, reading).watch(_with_texts(shown, texts))


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
