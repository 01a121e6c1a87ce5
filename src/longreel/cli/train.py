"""`longreel train`: run a training recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longreel.cli import options
from longreel.cli.output import print_json


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")] = Path("runs/train"),
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Go on with an unfinished run, or start anew.")
    ] = True,
    as_json: options.Json = False,
) -> None:
    """Train a model on drawn films, or go on with an unfinished run.

    Examples:

      longreel train recipes/reel-tiny.json -o runs/reel-tiny
    """
    from longreel.train import run

    result = run(recipe, output, resume=resume)
    if as_json:
        print_json(result)
