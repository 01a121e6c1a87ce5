"""`longreel map`: what a memory kept over time and layers, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longreel.cli import options
from longreel.cli.output import print_json


def kept_map(
    memory: Annotated[Path, typer.Argument(metavar="MEMORY", help="A memory, as `longreel watch` saves it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG file.")] = Path("map.png"),
    as_json: options.Json = False,
) -> None:
    """Draw what a memory kept: for each layer, the share of what was seen, over time.

    Examples:

      longreel map film.memory -o map.png
      longreel map film.memory --json
    """
    from longreel.kept_map import draw_map
    from longreel.memory import VideoMemory

    drawn = draw_map(VideoMemory.open(memory), output)
    shares = [[None if share != share else share for share in row] for row in drawn.shares.tolist()]
    if as_json:
        print_json({"figure": str(output), "seconds": drawn.edges.tolist(), "shares": shares})
    else:
        print(f"{output}: {len(shares)} layers over {float(drawn.edges[-1]):.1f} s, {drawn.share:.3f} kept")
