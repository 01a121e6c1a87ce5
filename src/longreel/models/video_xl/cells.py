"""What each cell of a grid shows of a frame in which one thing lies before a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CellEnds:
    """What frames are blended from, cell by cell; features, or any linear function of them.

    covered: (..., width), a cell that the thing covers. bare: (..., width), one with none of it.
    """

    covered: Tensor
    bare: Tensor

    def at(self, coverage: Tensor) -> Tensor:
        """The cells (..., n, width) of which the thing covers the shares (..., n)."""
        change = (self.covered - self.bare)[..., None, :]
        return self.bare[..., None, :] + coverage[..., None].to(change.dtype) * change


def coverage(box: Tensor, cells: tuple[int, int], size: Sequence[int]) -> Tensor:
    """The share of each cell that a thing's box covers.

    Args:
        box: (..., 3), middle x, middle y and side as shares of width, height and height.
        cells: rows and columns of the grid.
        size: height and width of the picture.

    Returns:
        float32 (..., rows * columns), row by row.
    """
    x, y, side = box.float().unbind(-1)
    height, width = size
    down = _overlap(y, side, cells[0])
    across = _overlap(x, side * height / width, cells[1])
    return (down[..., :, None] * across[..., None, :]).flatten(-2)


def _overlap(middle: Tensor, length: Tensor, parts: int) -> Tensor:
    """Shares (..., parts) of the equal parts of 0…1 that a stretch covers."""
    borders = torch.arange(parts + 1, device=middle.device) / parts
    start, end = (middle - length / 2)[..., None], (middle + length / 2)[..., None]
    common = torch.minimum(end, borders[1:]) - torch.maximum(start, borders[:-1])
    return common.clamp_min(0.0) * parts


def ends_of_cells(shares: Sequence[Tensor]) -> CellEnds:
    """What a cell shows that the thing covers, and what one shows with none of it.

    A cell is the mean of the tokens that the frame has without a grid (see `focused`), so that a decoder
    that learned from those can read it: those of thing, colour and action as far as the thing covers it,
    that of the place as far as it does not. Around it are the place, in every cell, and as much of the
    thing as the cell shows. The less certain it is that a thing is seen, the less of it a covered cell has.

    Args:
        shares: of the words of things, colours, places and actions, each (..., words), those of the first
            two by how certain it is that a thing is seen.
    """
    thing, colour, place, action = shares
    certain = thing.sum(-1, keepdim=True)
    action = certain * action
    bare = torch.cat((torch.zeros_like(thing), torch.zeros_like(colour), place, torch.zeros_like(action)), -1)
    covered = torch.cat((thing, colour, place, action), dim=-1)
    about = torch.cat((thing, colour, (1 - certain) * place, action), dim=-1)
    tokens = len(shares)
    return CellEnds(torch.cat((about / tokens, covered), -1), torch.cat((bare / tokens, bare), -1))
