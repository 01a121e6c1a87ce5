"""`longreel convert`: a released checkpoint in this package's own format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from longreel.cli import options
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.plain_text import bytes_in_words


def convert(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A released Video-XL checkpoint, complete.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new folder.")],
    vision_layer: Annotated[
        int | None,
        typer.Option("--vision-layer", help="Layer of the vision tower to read; default: the checkpoint's."),
    ] = None,
    vision_tower: Annotated[
        Path | None,
        typer.Option("--vision-tower", help="Folder of a CLIP model, where the checkpoint lacks it."),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option("--frames", help="crop (the middle, default) or whole (all of it, distorted)."),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write a released Video-XL checkpoint as a model that longreel reads without further questions.

    Answers are the same. A released checkpoint can be used without this, too; converting fixes the settings
    below for good. It needs as much disk space as the checkpoint, and one file of its weights in memory.

    Examples:

      longreel convert Video_XL -o video-xl
      longreel convert Video_XL -o video-xl-whole --frames whole
    """
    from longreel.models.overrides import FrameFit, Overrides
    from longreel.models.video_xl.released.convert import convert as write

    overrides = Overrides(vision_layer, vision_tower, cast(FrameFit | None, frames))
    with shown_progress(quiet) as progress:
        result = write(folder, output, overrides=overrides, progress=progress)
    if as_json:
        print_json(result)
        return
    for kind in ("keys", "tensors"):
        _print_ignored(kind, result[f"ignored_{kind}"])
    size = bytes_in_words(result["bytes"])
    print(f"{output}: {result['tensors']} tensors, {size}; use it with --model {output}")


def _print_ignored(kind: str, names: list[Any]) -> None:
    if names:
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        print_remark(f"ignored {len(names)} unknown {kind}: {shown}")
