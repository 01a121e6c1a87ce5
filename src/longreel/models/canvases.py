"""Single images in any resolution: a canvas of tiles that fits, and the tiles cut out of it.

Video-XL and LLaVA-OneVision have this in common; which canvases there are, the family says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.video.picture import resize


class Canvas(NamedTuple):
    """A size in pixels."""

    width: int
    height: int


def best_canvas(height: int, width: int, canvases: Sequence[Canvas]) -> Canvas:
    """The canvas that shows most of an image's own pixels; of equal ones the smallest, then the first.

    Enlarging shows no more than the image has.
    """

    def merit(canvas: Canvas) -> tuple[int, int]:
        # As released: the rounding of these divisions decides between canvases that are nearly equal.
        scale = min(canvas.width / width, canvas.height / height)
        shown = min(int(width * scale) * int(height * scale), width * height)
        return shown, shown - canvas.width * canvas.height

    return max(canvases, key=merit)


def on_canvas(image: Tensor, canvas: Canvas) -> Tensor:
    """Resize uint8 (3, H, W) to fill one side of the canvas, keeping its aspect, and centre it on black."""
    height, width = image.shape[-2:]
    across, down = canvas.width / width, canvas.height / height
    if across < down:
        columns, rows = canvas.width, min(math.ceil(height * across), canvas.height)
    else:
        columns, rows = min(math.ceil(width * down), canvas.width), canvas.height
    filled = image.new_zeros(3, canvas.height, canvas.width)
    top, left = (canvas.height - rows) // 2, (canvas.width - columns) // 2
    filled[:, top : top + rows, left : left + columns] = resize(image, rows, columns)
    return filled


def cut_tiles(image: Tensor, canvases: Sequence[Canvas], tile: int, *, thumbnail: bool) -> Tensor:
    """Cut an image of any size into a tower's inputs.

    Args:
        image: uint8 (3, H, W).
        canvases: those to choose from, whole tiles each.
        tile: side of a tile in pixels.
        thumbnail: put the whole image before the tiles, resized to one tile without keeping its aspect.

    Returns:
        uint8 (tiles, 3, tile, tile), row by row.
    """
    height, width = image.shape[-2:]
    canvas = best_canvas(height, width, canvases)
    rows = on_canvas(image, canvas).unflatten(1, (-1, tile)).unflatten(3, (-1, tile))
    cut = rows.permute(1, 3, 0, 2, 4).flatten(0, 1)
    return torch.cat((resize(image, tile, tile)[None], cut)) if thumbnail else cut
