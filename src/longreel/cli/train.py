"""`longreel train`: run a training recipe."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from longreel.cli import options
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.errors import LongreelError


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; default: runs/RECIPE."),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train a model as a recipe says, or go on with an unfinished run.

    A recipe trains either the built-in model's like on drawn films, or a stage of a model of released size
    (Video-XL, adapters for LLaVA-OneVision) on conversations about your images and films.

    The curve goes to stderr and to the folder of the run, the trained model to the folder model in it.

    Ctrl-C loses what was learned since the last checkpoint; the same command then goes on from there.

    Examples:

      longreel train recipes/reel_tiny.toml
      longreel train recipes/reel_tiny.toml -o runs/again

      longreel train my_stage.toml

      accelerate launch --num_processes 8 -m longreel train my_stage.toml
    """
    if find_spec("accelerate") is None:
        raise LongreelError("training needs more packages: pip install 'longreel[train]'")

    from longreel.train import run

    folder = Path("runs") / recipe.stem if output is None else output
    try:
        with redirect_stdout(sys.stderr), shown_progress(quiet) as progress:
            result = run(recipe, folder, progress=progress)
    except KeyboardInterrupt:
        print_remark(f"the last checkpoint is in {folder}: run the same command again to go on")
        raise
    if os.environ.get("RANK", "0") != "0":
        return
    left_out = sum(result.get("skipped", {}).values())
    if left_out:
        print_remark(f"{left_out} samples were left out: {folder / 'skipped.jsonl'} names them")
    if as_json:
        print_json(result)
    else:
        print(f"{result['model']}: trained; use it with --model {result['model']}")
