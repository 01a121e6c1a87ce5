"""`longreel info`: what a film or a memory holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longreel.cli import options
from longreel.cli.kinds import looks_like_memory
from longreel.cli.output import print_json
from longreel.plain_text import bytes_in_words, table

if TYPE_CHECKING:
    from longreel.video.report import FilmInfo


def info(
    source: Annotated[str, typer.Argument(metavar="FILM|MEMORY", help="A film, or a memory of one.")],
    allow_url: options.AllowUrl = False,
    as_json: options.Json = False,
) -> None:
    """Tell what a film or a memory holds, without a model.

    Examples:

      longreel info film.mp4
      longreel info film.memory --json
    """
    if looks_like_memory(source):
        _print_memory(source, as_json)
    else:
        _print_film(source, allow_url, as_json)


def _print_memory(path: str, as_json: bool) -> None:
    from longreel.memory import VideoMemory

    memory = VideoMemory.open(path)
    memory.verify()
    size = Path(path).stat().st_size
    if as_json:
        print_json({"kind": "memory", "path": path, "bytes": size, **memory.report().to_dict()})
    else:
        print(f"{path}: a memory of {bytes_in_words(size)}\n{memory.report()}")


def _print_film(source: str, allow_url: bool, as_json: bool) -> None:
    from longreel.video.reader import probe

    film = probe(source, allow_url=allow_url)
    if as_json:
        print_json({"path": source, **asdict(film)})
    else:
        print(table([(name, "unknown" if value is None else value) for name, value in _rows(film)]))


def _rows(film: FilmInfo) -> Iterator[tuple[str, str | None]]:
    yield film.kind, film.name
    if film.kind == "film":
        yield "container", film.container
        yield "codec", film.codec
    yield "length", _known(film.duration, "s")
    yield "frames", _known(film.frames)
    yield "rate", _known(film.frame_rate, "frames per second")
    yield "shown", f"{film.width} x {film.height}"
    if film.coded_size != (film.width, film.height):
        width, height = film.coded_size
        yield "stored", f"{width} x {height}, turned by {film.rotation} degrees"
    if film.damage:
        yield "warning", film.damage


def _known(number: float | None, unit: str = "") -> str | None:
    """A number with at most three decimals, or None."""
    if number is None:
        return None
    digits = f"{number:,.3f}".rstrip("0").rstrip(".")
    return f"{digits} {unit}".strip()
