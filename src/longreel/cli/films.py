"""`longreel films`: drawn films whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.files import made_folder
from longreel.cli.output import print_json
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError

films = typer.Typer(help="Draw films whose truth is known, to train and to test on.")


@films.callback()
def _films() -> None:
    """Draw films whose truth is known, to train and to test on."""


@films.command()
def make(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the films go; made if missing.")],
    minutes: Annotated[float | None, typer.Option("--minutes", help="Length of each film.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="Length of each film.")] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Determines the first film; the next has seed + 1.")
    ] = 0,
    count: Annotated[int, typer.Option("--count", min=1, help="How many films.")] = 1,
    split: Annotated[str, typer.Option("--split", help="What the films are made of.")] = "train",
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
    length = _length(minutes, seconds)
    shape = _parsed_size(size)
    paths = [folder / f"film-{number}.mp4" for number in range(seed, seed + count)]
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already: name another folder, or replace it with --force")
    made_folder(folder)
    made = [_make_film(path, seed + number, length, split, shape, quiet) for number, path in enumerate(paths)]
    if as_json:
        print_json({"films": made})
    else:
        for film in made:
            print(f"{film['path']}: {film['seconds']:g} s, {film['scenes']} scenes, truth in {film['truth']}")


def _make_film(
    path: Path, seed: int, seconds: float, split: str, size: tuple[int, int], quiet: bool
) -> dict[str, Any]:
    from longreel.films.render import write_film
    from longreel.films.scenes import draw_film

    film = draw_film(seed, seconds, split=split, size=size)
    with shown_progress(quiet) as progress:
        write_film(film, path, progress=progress)
    return {
        "path": str(path),
        "truth": str(path.with_suffix(".json")),
        "seed": seed,
        "seconds": film.seconds,
        "split": split,
        "scenes": len(film.scenes),
        "bytes": path.stat().st_size,
    }


def _length(minutes: float | None, seconds: float | None) -> float:
    if minutes is not None and seconds is not None:
        raise UsageError("--minutes and --seconds were both given: choose one")
    if seconds is not None:
        return seconds
    return 60.0 if minutes is None else 60.0 * minutes


def _parsed_size(text: str) -> tuple[int, int]:
    try:
        width, height = (
            int(part) for part in text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
        )
    except ValueError:
        raise UsageError(f"--size {text!r} is not a size: write 192x128") from None
    return width, height
