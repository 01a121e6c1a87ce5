"""`longreel watch`: from films to a memory file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.loading import loaded_model
from longreel.cli.memory_place import MemoryPlace
from longreel.cli.method_options import with_method_parameters
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.cli.watching import (
    Frames,
    Subtitles,
    check_films,
    print_warnings,
    resume_hint,
    watched,
)
from longreel.errors import MemoryFileError, UsageError, WatchInterrupted
from longreel.interrupts import interrupts_at_reports
from longreel.method_parameters import PLAIN, MethodParameters
from longreel.parsing import parsed_keep, parsed_seconds
from longreel.plain_text import bytes_in_words

if TYPE_CHECKING:
    from longreel.memory import VideoMemory


@with_method_parameters
def watch(
    film: Annotated[
        list[str],
        typer.Argument(
            metavar="FILM",
            help="Film files, folders of pictures, or pictures; several make one memory. Pictures beside "
            "films are images, several pictures alone a film.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The memory file; default: FILM's name with .memory, here."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace a memory that is there.")] = False,
    model: options.ModelName = None,
    method: options.MethodName = None,
    keep: options.Keep = None,
    budget: options.Budget = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    positions: options.Positions = "trained",
    system: Annotated[
        str | None,
        typer.Option("--system", help="System prompt in front of the film.", rich_help_panel="Model"),
    ] = None,
    parameters: MethodParameters = PLAIN,
    question: Annotated[
        str | None,
        typer.Option(
            "--question",
            help="The only question that will be asked, for --scores question.",
            rich_help_panel="ReTaKe (--method retake)",
        ),
    ] = None,
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
    """Watch films once and save the memory.

    Ctrl-C saves what was watched; the same command then goes on from there.

    Examples:

      longreel watch film.mp4
      longreel watch film.mp4 -o film.memory --keep 16x --fps 2
      longreel watch film.mp4 --intervals dynamic --keep 8x
      longreel watch film.mp4 --keep 16x --dense 4x
      longreel watch film.mkv --model MODEL --subtitles track:en
      longreel watch film.mkv --model MODEL --target auto --pool 4,2,8
      longreel watch film.mp4 --model MODEL --method retake --budget 32000
      longreel watch part1.mkv part2.mkv -o both.memory --start 60 --end 120
      longreel watch house.mp4 plan.png -o house.memory --model MODEL
    """
    place = MemoryPlace.checked(film, output, force=force)
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
    fraction = parsed_keep(keep)
    told = Subtitles(tuple(subtitles or ()), subtitle_placement, subtitle_budget)
    parameters.long_films.check()
    frames.check()
    told.check(film)
    check_films(film, allow_url=allow_url)

    retake = parameters.retake(method)
    video_xl = parameters.video_xl(method, fraction, budget)
    if (question is not None) != (parameters.scores == "question"):
        raise UsageError("--question and --scores question go together: give both or none")

    held = place.held()
    loaded = loaded_model(
        model,
        method,
        fraction,
        dtype,
        device,
        budget=budget,
        positions=positions,
        retake=retake,
        video_xl=video_xl,
    )
    loaded = parameters.long_films.joined(loaded)
    if held is not None and not held.complete and not quiet:
        print_remark(f"going on with {place.path}")
    with shown_progress(quiet) as shown, interrupts_at_reports(shown) as progress:
        memory = _watched(
            place,
            held,
            lambda resume: watched(loaded, film, frames, system, progress, resume, told, question),
        )
        if memory is not held:
            memory.save(place.path)
    if memory is held:
        print_remark(f"{place.path} holds this already, so nothing was watched")
    _report(memory, place.path, as_json)


def _watched(
    place: MemoryPlace,
    held: VideoMemory | None,
    watch_from: Callable[[VideoMemory | None], VideoMemory],
) -> VideoMemory:
    """Watch, from the memory that is there if it is of the same run; save what there is on Ctrl-C."""
    try:
        return watch_from(held)
    except WatchInterrupted as interruption:
        interruption.memory.save(place.path)
        hint = resume_hint(interruption.memory, place.path)
        raise WatchInterrupted(hint, interruption.memory) from interruption
    except (UsageError, MemoryFileError) as error:
        if held is None:
            raise
        if place.force:
            return _watched(place, None, watch_from)
        raise UsageError(f"{place.path} is there already, and {error}; --force replaces it") from error


def _report(memory: VideoMemory, path: Path, as_json: bool) -> None:
    report: dict[str, Any] = {"memory": str(path), "bytes": path.stat().st_size, **memory.report().to_dict()}
    if as_json:
        print_json(report)
        return
    print_warnings(memory)
    films = [source for source in memory.header.sources if source.is_film]
    images = len(memory.header.sources) - len(films)
    beside = f" and {images} image{'s' if images > 1 else ''}" if images else ""
    frames = sum(film.frames_encoded for film in films)
    header = memory.header
    finer = "" if header.dense is None else f" and {header.dense.kept[0]:,} for a closer look"
    print(
        f"{path}: {frames:,} frames{beside}, {memory.header.visual_tokens:,} visual tokens "
        f"kept as {header.kept[0]:,} entries{finer} in {bytes_in_words(report['bytes'])}, "
        f"{memory.header.seconds:.1f} s"
    )
