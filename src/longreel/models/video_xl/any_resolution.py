"""Single images in any resolution (spec a): which canvases there are for Video-XL.

Each tile of the best one then goes through the tower as a frame does; the tokens of an image are those of its
tiles, tile after tile. The release makes a thumbnail as well, whose features it discards (spec a, merge type
unires).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from longreel.models.canvases import Canvas, best_canvas, cut_tiles

__all__ = ["MOST_TILES", "TILE", "Canvas", "all_canvases", "best_canvas", "tiles"]

TILE = 336
MOST_TILES = 49


def all_canvases(tile: int = TILE, most: int = MOST_TILES) -> tuple[Canvas, ...]:
    """Every canvas of at most `most` tiles, a single one excepted; narrow ones first."""
    return tuple(
        Canvas(columns * tile, rows * tile)
        for columns in range(1, most + 1)
        for rows in range(1, most // columns + 1)
        if columns * rows > 1
    )


def tiles(
    image: Tensor, canvases: Sequence[Canvas] | None = None, *, tile: int = TILE, thumbnail: bool = False
) -> Tensor:
    """Cut an image of any size into the tower's inputs.

    Args:
        image: uint8 (3, H, W).
        canvases: those to choose from, whole tiles each; None for all of at most 49 tiles.
        tile: side of a tile in pixels.
        thumbnail: put the whole image before the tiles, resized to one tile without keeping its aspect.

    Returns:
        uint8 (tiles, 3, tile, tile), row by row.
    """
    return cut_tiles(image, canvases or all_canvases(tile), tile, thumbnail=thumbnail)
