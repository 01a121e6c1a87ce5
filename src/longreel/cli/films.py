"""`longreel films`: drawn films whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.files import made_folder
from longreel.cli.output import print_json
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError

if TYPE_CHECKING:
    from longreel.films.scenes import Film

_DEFAULT_SECONDS = 60.0

films = typer.Typer(help="Draw films whose truth is known, to train and to test on.")


@films.callback()
def _films() -> None:
    """Draw films whose truth is known, to train and to test on."""


@films.command()
def make(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the films go; made if missing.")],
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Length of each film; default: 1.")
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="The same in seconds.")] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Determines the first film; the next has seed + 1.")
    ] = 0,
    count: Annotated[int, typer.Option("--count", min=1, help="How many films.")] = 1,
    split: Annotated[
        str, typer.Option("--split", help="train, unseen-combinations, unseen-places or unseen-style.")
    ] = "train",
    size: Annotated[str, typer.Option("--size", help="Width x height in pixels.")] = "192x128",
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace films that are there.")] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Draw films: for each an mp4 file, and a JSON file that says what it shows.

    Examples:

      longreel films make --minutes 10 --seed 7 out/
      longreel films make --seconds 30 --count 20 --split unseen-places out/
    """
    from longreel.films.scenes import draw_film

    length, shape = _length(minutes, seconds), _parsed_size(size)
    drawn = [draw_film(each, length, split=split, size=shape) for each in range(seed, seed + count)]
    paths = [folder / f"film-{film.seed}.mp4" for film in drawn]
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already: name another folder, or replace it with --force")
    made_folder(folder)
    made = [_write(film, path, quiet) for film, path in zip(drawn, paths, strict=True)]
    if as_json:
        print_json({"films": made})
    else:
        for film in made:
            print(f"{film['path']}: {film['seconds']:g} s, {film['scenes']} scenes, truth in {film['truth']}")


def _write(film: Film, path: Path, quiet: bool) -> dict[str, Any]:
    from longreel.films.render import write_film

    with shown_progress(quiet) as progress:
        write_film(film, path, progress=progress)
    return {
        "path": str(path),
        "truth": str(path.with_suffix(".json")),
        "seed": film.seed,
        "seconds": film.seconds,
        "split": film.split,
        "scenes": len(film.scenes),
        "bytes": path.stat().st_size,
    }


def _length(minutes: float | None, seconds: float | None) -> float:
    if minutes is not None and seconds is not None:
        raise UsageError("--minutes and --seconds were both given: choose one")
    if seconds is not None:
        return seconds
    return _DEFAULT_SECONDS if minutes is None else 60.0 * minutes


def _parsed_size(text: str) -> tuple[int, int]:
    try:
        width, height = (
            int(part) for part in text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
        )
    except ValueError:
        raise UsageError(f"--size {text!r} is not a size: write 192x128") from None
    return width, height
