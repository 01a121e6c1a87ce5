"""`longreel info`: what a film or a memory holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.kinds import looks_like_memory
from longreel.cli.output import bytes_in_words, print_json, table


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
    size = Path(path).stat().st_size
    if as_json:
        print_json({"kind": "memory", "path": path, "bytes": size, **memory.report().to_dict()})
    else:
        print(f"{path}: a memory of {bytes_in_words(size)}\n{memory.report()}")


def _print_film(source: str, allow_url: bool, as_json: bool) -> None:
    from longreel.video.reader import probe

    facts = asdict(probe(source, allow_url=allow_url))
    if as_json:
        print_json({"path": source, **facts})
    else:
        print(table([(name.replace("_", " "), _in_words(value)) for name, value in facts.items()]))


def _in_words(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list | tuple):
        return " x ".join(str(part) for part in value)
    return str(value)
