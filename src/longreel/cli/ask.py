"""`longreel ask`: questions to a film or a memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from longreel.cli import options
from longreel.cli.answering import Answers
from longreel.cli.kinds import looks_like_memory
from longreel.cli.loading import loaded_model
from longreel.cli.method_options import with_method_parameters
from longreel.cli.progress import shown_progress
from longreel.cli.prompt import hold_conversation
from longreel.cli.watching import (
    Frames,
    Subtitles,
    check_films,
    print_warnings,
    watched,
)
from longreel.errors import UsageError, WatchInterrupted
from longreel.method_parameters import PLAIN, MethodParameters
from longreel.parsing import parsed_keep, parsed_seconds

if TYPE_CHECKING:
    from longreel.memory import VideoMemory
    from longreel.model import Model


@with_method_parameters
def ask(
    source: Annotated[str, typer.Argument(metavar="FILM|MEMORY", help="A film, or a memory of one.")],
    question: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUESTION",
            help="One or more questions, each asked alone. None: a prompt for follow-ups, or one question "
            "a line from stdin.",
        ),
    ] = None,
    evidence: Annotated[
        bool | None,
        typer.Option(
            "--evidence/--no-evidence",
            help="Print when the film showed it below each answer; default: at a terminal only.",
        ),
    ] = None,
    stream: options.Stream = False,
    temperature: options.Temperature = 0.0,
    top_p: options.TopP = 1.0,
    seed: options.Seed = None,
    max_new_tokens: options.MaxNewTokens = 128,
    stop: options.Stop = None,
    dense_intervals: options.DenseIntervals = None,
    model: options.ModelName = None,
    method: options.MethodName = None,
    keep: options.Keep = None,
    budget: options.Budget = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    positions: options.Positions = "trained",
    parameters: MethodParameters = PLAIN,
    subtitles: options.Subtitles = None,
    subtitle_placement: options.SubtitlePlacement = "times",
    subtitle_budget: options.SubtitleBudget = None,
    fps: options.Fps = None,
    count: options.Count = None,
    max_frames: options.MaxFrames = None,
    max_tokens: options.MaxTokens = None,
    start: options.Start = None,
    end: options.End = None,
    seconds: options.Seconds = None,
    strict: options.Strict = False,
    allow_url: options.AllowUrl = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Ask a film or a memory.

    A film is watched first and its memory is not kept: `longreel watch` saves it.

    Without a question a prompt opens, which remembers earlier turns; Ctrl-D ends it.

    Examples:

      longreel ask film.memory "What colour was the fox?" "Was there a boat?"
      longreel ask film.mp4 "Where was the fox?" --keep 8x --evidence
      longreel ask film.memory < questions.txt
    """
    frames = Frames(
        fps,
        count,
        max_frames,
        start,
        end,
        parsed_seconds(seconds),
        max_tokens=max_tokens,
        strict=strict,
        allow_url=allow_url,
    )
    told = Subtitles(tuple(subtitles or ()), subtitle_placement, subtitle_budget)
    is_memory = looks_like_memory(source)
    kept = {"--method": method, "--keep": keep, "--budget": budget}
    chosen = [*frames.chosen(), *told.chosen(), *parameters.chosen()]
    chosen += [name for name, value in kept.items() if value is not None]
    if is_memory and chosen:
        raise UsageError(f"{chosen[0]} is for films and {source} is a memory: leave it out")
    bound = _bound(question, parameters.scores)
    if stream and as_json:
        raise UsageError("--stream and --json do not go together: choose one")
    fraction = parsed_keep(keep)
    parameters.long_films.check()
    frames.check()
    told.check([source])

    from longreel.ask import Decoding, check_question, question_ids

    decoding = Decoding(max_new_tokens, temperature, top_p, seed, stop or (), dense_intervals)
    for each in question or []:
        check_question(each)
    if dense_intervals is not None and not is_memory and parameters.dense is None:
        raise UsageError("--dense-intervals is for memories of two levels: give --dense too")
    _check_source(source, is_memory, allow_url, dense_intervals)
    loaded = loaded_model(
        model,
        method,
        fraction,
        dtype,
        device,
        budget=budget,
        positions=positions,
        retake=parameters.retake(method),
        video_xl=parameters.video_xl(method, fraction, budget),
    )
    for each in question or []:
        question_ids(loaded.adapter, each)
    loaded = parameters.long_films.joined(loaded)
    memory = loaded.open(source) if is_memory else _watched(loaded, source, frames, told, bound, quiet)
    shown = sys.stdout.isatty() if evidence is None else evidence
    answers = Answers(loaded, memory, source, decoding, stream=stream, as_json=as_json, evidence=shown)
    if question:
        answers.print_each(question)
    else:
        hold_conversation(answers)


def _check_source(source: str, is_memory: bool, allow_url: bool, dense_intervals: int | None) -> None:
    """Find out whether it can be opened, and asked so, before a model is loaded."""
    from longreel.closer_look import check_levels
    from longreel.memory import VideoMemory

    if is_memory:
        check_levels(VideoMemory.open(source), dense_intervals)
    else:
        check_films([source], allow_url=allow_url)


def _bound(question: list[str] | None, scores: str) -> str | None:
    """The one question that a film is watched for, if it is."""
    if scores != "question":
        return None
    if question is None or len(question) != 1:
        raise UsageError("with --scores question a film is watched for one question: give one")
    return question[0]


def _watched(
    model: Model, film: str, frames: Frames, told: Subtitles, question: str | None, quiet: bool
) -> VideoMemory:
    with shown_progress(quiet) as progress:
        try:
            memory = watched(model, [film], frames, progress=progress, subtitles=told, question=question)
        except WatchInterrupted as interruption:
            raise KeyboardInterrupt from interruption
    print_warnings(memory)
    return memory
