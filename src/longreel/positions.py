"""Rotary position arithmetic: angles in float64, the rotation itself in float32.

A key is rotated once, from its unrotated value, to the position where it will be read
(RoFormer, arXiv 2104.09864, eq. 34; half-split layout as in Llama and Qwen2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def inverse_frequencies(head_dim: int, base: float) -> Tensor:
    """Return the unscaled rotary frequencies, float64 of shape (head_dim // 2,)."""
    return base ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)


@dataclass(frozen=True, eq=False)
class Rotation:
    """How a model turns positions into angles.

    inv_freq: float64 (head_dim // 2,).
    axes: int64 (head_dim // 2,), which of three position axes (time, height, width) turns each frequency;
        None for models with one axis.
    factor: what cosines and sines are multiplied by.
    """

    inv_freq: Tensor
    axes: Tensor | None = None
    factor: float = 1.0

    @property
    def dimensions(self) -> int:
        """Position axes: 1 or 3."""
        return 1 if self.axes is None else 3

    def angles(self, positions: Tensor) -> Tensor:
        """Float64 (*S, head_dim // 2) of positions (*S,), or (3, *S) with three axes."""
        wide = positions.to(torch.float64)
        inv_freq = self.inv_freq.to(positions.device)
        if self.axes is None:
            return wide[..., None] * inv_freq
        return wide[self.axes.to(positions.device)].movedim(0, -1) * inv_freq


class RotaryTable:
    """Cosines and sines of a set of positions, made once and applied to any number of tensors.

    Args:
        positions: int64 of any shape S, or (3, *S) for a rotation with three axes.
        rotation: of the model.
    """

    def __init__(self, positions: Tensor, rotation: Rotation) -> None:
        angles = rotation.angles(positions)
        angles = torch.cat((angles, angles), dim=-1)
        self.cos = (angles.cos() * rotation.factor).to(torch.float32)
        self.sin = (angles.sin() * rotation.factor).to(torch.float32)

    def rotate(self, x: Tensor) -> Tensor:
        """Rotate `x` of shape (..., S, head_dim), where S broadcasts with the table; dtype is kept."""
        wide = x.to(torch.float32)
        first, second = wide.chunk(2, dim=-1)
        turned = torch.cat((-second, first), dim=-1)
        return (wide * self.cos + turned * self.sin).to(x.dtype)


def consecutive(start: int, count: int, dimensions: int, device: torch.device | None = None) -> Tensor:
    """Positions of text: int64 (count,) from `start` on, or the same on all of three axes, (3, count)."""
    line = torch.arange(start, start + count, device=device)
    return line if dimensions == 1 else line.expand(dimensions, -1)
