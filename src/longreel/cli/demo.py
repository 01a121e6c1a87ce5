"""`longreel demo`: draw a new film, watch it, save the memory, reopen it, ask, and compare with the truth."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.demo_report import AskedQuestion, DemoReport, print_report
from longreel.cli.files import made_folder
from longreel.cli.loading import loaded_model
from longreel.cli.output import print_json
from longreel.cli.progress import shown_progress
from longreel.cli.timing import Timed
from longreel.errors import LongreelError
from longreel.parsing import parsed_fraction

if TYPE_CHECKING:
    from longreel.films.scenes import Film
    from longreel.memory import VideoMemory
    from longreel.model import Model

_PASS_MARK = 0.8
_QUESTIONS_PER_FAMILY = 2


def demo(
    seed: Annotated[
        int | None, typer.Option("--seed", envvar="SEED", help="Of the film; default: today's date.")
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of the film.")] = 120.0,
    keep: Annotated[str, typer.Option("--keep", help="Fraction to keep, such as 1/16 or 16x.")] = "16x",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder in which film and memory stay.")
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Show longreel at work on a film it has never seen.

    Draws a film, watches it, saves and reopens the memory, and asks questions whose answers are known.

    The exit code is 1 if less than 80 % of the answers are right.

    Examples:

      longreel demo
      longreel demo --seed 7 --seconds 300 --keep 8x -o out
    """
    seed = int(date.today().strftime("%Y%m%d")) if seed is None else seed
    fraction = parsed_fraction(keep)

    from longreel.films.scenes import draw_film

    film = draw_film(seed, seconds)
    with _folder(output) as folder:
        report = _run(film, Path(folder) / f"demo-{seed}.mp4", fraction, quiet)
    if as_json:
        print_json(report.to_dict())
    else:
        print_report(report, stays=output is not None)
    if report.share_right < _PASS_MARK:
        raise LongreelError(
            f"{report.right} of {len(report.questions)} answers are right, below {_PASS_MARK:.0%}: "
            "another --seed draws another film"
        )


def _folder(output: Path | None) -> AbstractContextManager[str | Path]:
    return tempfile.TemporaryDirectory() if output is None else nullcontext(made_folder(output))


def _run(film: Film, path: Path, keep: float, quiet: bool) -> DemoReport:
    timed = Timed()
    with timed("draw"):
        _write(film, path, quiet)
    with timed("load"):
        model = loaded_model(None, "video-xl", keep, None, None)
    with timed("watch"), shown_progress(quiet) as progress:
        memory = model.watch(path, progress=progress)
    saved = path.with_suffix(".memory")
    with timed("save"):
        memory.save(saved)
    with timed("reopen"):
        reopened = model.open(saved)
    with timed("ask"):
        asked = _ask(model, reopened, film)
    return DemoReport(
        seed=film.seed,
        film=str(path),
        film_seconds=film.seconds,
        film_bytes=path.stat().st_size,
        scenes=len(film.scenes),
        memory=str(saved),
        memory_bytes=saved.stat().st_size,
        frames=sum(source.frames_encoded for source in memory.header.sources),
        visual_tokens=memory.header.visual_tokens,
        kept=memory.header.kept[0],
        keep=keep,
        seconds=dict(timed.seconds),
        questions=tuple(asked),
    )


def _write(film: Film, path: Path, quiet: bool) -> None:
    from longreel.films.render import write_film

    with shown_progress(quiet) as progress:
        write_film(film, path, progress=progress)


def _ask(model: Model, memory: VideoMemory, film: Film) -> list[AskedQuestion]:
    from longreel.films.questions import draw_questions, is_right
    from longreel.models.reel_tiny import FAMILIES

    drawn = draw_questions(film, FAMILIES, _QUESTIONS_PER_FAMILY, seed=film.seed)
    answers: list[Any] = model.ask(memory, [question.text for question in drawn])
    return [
        AskedQuestion(
            question.family, question.text, answer.text, question.answer, is_right(question, answer.text)
        )
        for question, answer in zip(drawn, answers, strict=True)
    ]
