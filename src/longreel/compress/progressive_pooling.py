"""Progressive pooling: one frame of each group stays sharp, the others are coarse (arXiv 2409.20018).

Every frame is resized from its own grid in one step, bilinearly, to ceil(side / stride) tokens a side; the
first of each group by the fine stride, the others by the coarse one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from longreel.errors import UsageError


class PooledFrames(NamedTuple):
    """Tokens of frames that have different numbers of them.

    tokens: (L, D), frame by frame, row by row.
    frame: int64 (L,) ascending, index within the block of the frame each token shows.
    """

    tokens: Tensor
    frame: Tensor


@dataclass(frozen=True)
class ProgressivePooling:
    """Pool the first picture of each group by the fine stride, the others by the coarse one.

    group: pictures per group; 0 for all by the fine stride.
    strides: fine and coarse, cells of the vision tower's grid along each side.
    """

    group: int = 4
    strides: tuple[int, int] = (2, 8)

    def __post_init__(self) -> None:
        if not _is_whole(self.group) or self.group < 0:
            raise UsageError(
                f"group={self.group} is no number of frames: give a whole number, 0 to pool all frames alike"
            )
        strides = self.strides
        if not isinstance(strides, tuple | list) or len(strides) != 2 or not all(map(_is_stride, strides)):
            raise UsageError(f"strides={strides} are not two whole numbers from 1, such as (2, 8)")
        object.__setattr__(self, "strides", tuple(strides))

    def check(self, grid: tuple[int, int]) -> None:
        """See `TokenShrinker`: a stride may be as long as the longer side."""
        used = self.strides if self.group > 1 else self.strides[:1]
        if max(used) > max(grid):
            raise UsageError(
                f"stride {max(used)} is larger than the {grid[0]}x{grid[1]} tokens of a frame: give smaller "
                "strides, or larger frames"
            )

    def grids(self, pictures: int, grid: tuple[int, int], first: int = 0) -> Tensor:
        """See `TokenShrinker`."""
        fine, coarse = (torch.tensor(_pooled_grid(grid, stride)) for stride in self.strides)
        return torch.where(_is_sharp(pictures, self.group, first)[:, None], fine, coarse)

    def shrink(self, features: Tensor, grid: tuple[int, int], first: int = 0) -> Tensor:
        """See `TokenShrinker`."""
        return pool_frames(features, grid, self.group, self.strides, first).tokens


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _is_stride(stride: object) -> bool:
    return isinstance(stride, int) and not isinstance(stride, bool) and stride >= 1


def pool_frames(
    features: Tensor,
    grid: tuple[int, int] = (27, 27),
    group: int = 4,
    strides: tuple[int, int] = (2, 8),
    first: int = 0,
) -> PooledFrames:
    """Pool a block of frames.

    Blocks of any size give the tokens of the whole film, if `first` counts the frames before them. A last
    group that is short starts with a sharp frame like any other.

    Args:
        features: (N, gh * gw, D), N frames row by row, any float dtype; it is kept.
        grid: gh, gw.
        group: frames per group; 0 for no groups: all frames are pooled by the fine stride.
        strides: fine and coarse.
        first: number of frames of the film before this block.

    Raises:
        ValueError: features that do not fill the grid, a stride below 1, or a negative group or first.
    """
    if features.ndim != 3 or features.shape[1] != grid[0] * grid[1]:
        given = tuple(features.shape)
        raise ValueError(f"features have shape {given}: give (frames, {grid[0] * grid[1]}, width)")
    counts = tokens_per_frame(len(features), grid, group, strides, first).to(features.device)
    sharp = _is_sharp(len(features), group, first).to(features.device)
    frame = torch.arange(len(features), device=features.device).repeat_interleave(counts)
    tokens = features.new_empty(len(frame), features.shape[2])
    for chosen, stride in zip((sharp, ~sharp), strides, strict=True):
        tokens[chosen[frame]] = _pooled(features[chosen], grid, stride)
    return PooledFrames(tokens, frame)


def tokens_per_frame(
    frames: int,
    grid: tuple[int, int] = (27, 27),
    group: int = 4,
    strides: tuple[int, int] = (2, 8),
    first: int = 0,
) -> Tensor:
    """How many tokens `pool_frames` makes of each of `frames` frames, int64 (frames,); see there."""
    if group < 0 or first < 0:
        raise ValueError(f"group={group} and first={first}: neither can be negative")
    fine, coarse = (math.prod(_pooled_grid(grid, stride)) for stride in strides)
    return torch.where(_is_sharp(frames, group, first), fine, coarse)


def _is_sharp(frames: int, group: int, first: int) -> Tensor:
    """bool (frames,): which of them start a group."""
    if group == 0:
        return torch.ones(frames, dtype=torch.bool)
    return torch.arange(first, first + frames) % group == 0


def _pooled_grid(grid: tuple[int, int], stride: int) -> tuple[int, int]:
    if stride < 1:
        raise ValueError(f"stride {stride} is below 1")
    return math.ceil(grid[0] / stride), math.ceil(grid[1] / stride)


def _pooled(features: Tensor, grid: tuple[int, int], stride: int) -> Tensor:
    """(N, gh * gw, D) to (N * tokens of a pooled frame, D)."""
    images = features.unflatten(1, grid).permute(0, 3, 1, 2)
    pooled = interpolate(images, size=_pooled_grid(grid, stride), mode="bilinear", align_corners=False)
    return pooled.permute(0, 2, 3, 1).flatten(0, 2)
