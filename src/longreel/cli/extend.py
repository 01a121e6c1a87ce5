"""`longreel extend`: make a memory that is there read as a longer window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longreel.cli import options
from longreel.cli.loading import loaded_model
from longreel.cli.memory_place import MemoryPlace
from longreel.cli.output import print_json
from longreel.errors import UsageError


def extend(
    source: Annotated[str, typer.Argument(metavar="MEMORY", help="The memory of a film.")],
    target: Annotated[
        int, typer.Option("--target", help="Positions to make room for, such as 50176.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The longer memory.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace a memory that is there.")] = False,
    model: options.ModelName = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    positions: options.Positions = "trained",
    as_json: options.Json = False,
) -> None:
    """Turn the keys of a memory for a longer window, without watching again.

    The result is an approximation, and its report says so: `longreel watch --target` is exact.

    Examples:

      longreel extend film.memory --target 50176 -o longer.memory
      longreel extend film.memory --target 50176 -o longer.memory --model MODEL --json
    """
    place = MemoryPlace.checked([source], output, force=force)
    if place.held() is not None:
        raise UsageError(f"{place.path} is there already; --force replaces it")
    from longreel.memory import VideoMemory

    VideoMemory.open(source)
    loaded = loaded_model(model, None, None, dtype, device, positions=positions)
    longer = loaded.extend(loaded.open(source), target)
    longer.save(place.path)
    if as_json:
        print_json({"memory": str(place.path), **longer.report().to_dict()})
        return
    print(f"{place.path}: {dict(longer.report().rows())['window']}")
