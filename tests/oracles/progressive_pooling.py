"""Progressive pooling, token by token (arXiv 2409.20018, section 3.3)."""

from __future__ import annotations

import math


def neighbours(place, size, pooled_size):
    """The two cells of one axis that a pooled cell lies between, and the weight of the second.

    Centres of cells stand at halves, and what would lie outside is the cell at the edge.
    """
    centre = max(0.0, (place + 0.5) * size / pooled_size - 0.5)
    low = math.floor(centre)
    return low, min(low + 1, size - 1), centre - low


def pooled_token(frame, grid, size, row, column):
    """One token of a frame; frame[cell] is a list of numbers, cells row by row."""
    top, bottom, down = neighbours(row, grid[0], size[0])
    left, right, across = neighbours(column, grid[1], size[1])

    def cell(y, x):
        return frame[y * grid[1] + x]

    return [
        (1 - down) * ((1 - across) * a + across * b) + down * ((1 - across) * c + across * d)
        for a, b, c, d in zip(
            cell(top, left), cell(top, right), cell(bottom, left), cell(bottom, right), strict=True
        )
    ]


def pool_frames(features, grid, group, strides):
    """Tokens, and the frame of each."""
    tokens, frames = [], []
    for n, frame in enumerate(features):
        stride = strides[0] if group == 0 or n % group == 0 else strides[1]
        size = math.ceil(grid[0] / stride), math.ceil(grid[1] / stride)
        for row in range(size[0]):
            for column in range(size[1]):
                tokens.append(pooled_token(frame, grid, size, row, column))
                frames.append(n)
    return tokens, frames
