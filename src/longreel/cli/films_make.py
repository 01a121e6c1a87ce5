"""`longreel films make`: film files with their truth."""

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


def make(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the films go; made if missing.")],
    minutes: Annotated[float | None, typer.Option("--minutes", help="Length of a film; default: 1.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="The same in seconds.")] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Determines the first film; the next has seed + 1.")
    ] = 0,
    count: Annotated[int, typer.Option("--count", min=1, help="How many films.")] = 1,
    split: Annotated[
        str, typer.Option("--split", help="train, unseen-combinations, unseen-places or unseen-style.")
    ] = "train",
    size: Annotated[str, typer.Option("--size", help="Width x height in pixels.")] = "192x128",
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace files that are there.")] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Draw films: for each an mp4 file, and a JSON file that says what it shows.

    The same seed, length, split and size give the same film; one that is there already is not drawn again.

    Examples:

      longreel films make --minutes 10 --seed 7 out/
      longreel films make --seconds 30 --count 20 --split unseen-places out/
    """
    from longreel.films.scenes import draw_film

    length, shape = _length(minutes, seconds), _parsed_size(size)
    drawn = [draw_film(each, length, split=split, size=shape) for each in range(seed, seed + count)]
    paths = [folder / f"film-{film.seed}.mp4" for film in drawn]
    there = [not force and _is_there(film, path) for film, path in zip(drawn, paths, strict=True)]
    made_folder(folder)
    made = [
        _made(film, path, is_there, quiet) for film, path, is_there in zip(drawn, paths, there, strict=True)
    ]
    if as_json:
        print_json({"films": made})
        return
    for film in made:
        print(f"{film['path']}: {film['seconds']:g} s, {film['scenes']} scenes, truth in {film['truth']}")


def _is_there(film: Film, path: Path) -> bool:
    """Whether this very film is there.

    Raises:
        UsageError: another file is.
    """
    from longreel.films.encode import is_made

    truth = path.with_suffix(".json")
    if not path.exists() and not truth.exists():
        return False
    if not is_made(film, path):
        name = path if path.exists() else truth
        raise UsageError(f"{name} is there and is not this film: name another folder, or use --force")
    return True


def _made(film: Film, path: Path, is_there: bool, quiet: bool) -> dict[str, Any]:
    from longreel.films.render import write_film

    if not is_there:
        with shown_progress(quiet) as progress:
            write_film(film, path, progress)
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
