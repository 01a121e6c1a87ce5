"""From pictures to the patches that the Qwen models' vision towers take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Patching:
    """How pictures are scaled and cut.

    patch: pixels along each side of a patch. merge: patches along each side of what becomes one token.
    depth: frames in a patch.
    mean, std: of each colour, in scaled pictures.
    """

    patch: int
    merge: int
    depth: int
    mean: Sequence[float]
    std: Sequence[float]

    @property
    def side(self) -> int:
        """Pixels along each side of what becomes one token."""
        return self.patch * self.merge

    def cut(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        """Frames uint8 (F, 3, h, w) as patches (n, values) in the order of the release, and their grid.

        A last frame without partners is its own, and so is a single image.
        """
        missing = -len(pixels) % self.depth
        if missing:
            pixels = torch.cat((pixels, pixels[-1:].expand(missing, -1, -1, -1)))
        frames, channels, height, width = pixels.shape
        grid = (frames // self.depth, height // self.patch, width // self.patch)
        mean, std = (torch.tensor(each, dtype=torch.float32)[:, None, None] for each in (self.mean, self.std))
        scaled = (pixels.float() / 255 - mean) / std
        blocks = scaled.reshape(
            grid[0],
            self.depth,
            channels,
            grid[1] // self.merge,
            self.merge,
            self.patch,
            grid[2] // self.merge,
            self.merge,
            self.patch,
        )
        ordered = blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
        return ordered.reshape(math.prod(grid), -1), grid
