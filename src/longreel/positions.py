"""Rotary position arithmetic: angles in float64, the rotation itself in float32.

A key is rotated once, from its unrotated value, to the position where it will be read
(RoFormer, arXiv 2104.09864, eq. 34; half-split layout as in Llama and Qwen2).
"""

from __future__ import annotations

import torch
from torch import Tensor


def inverse_frequencies(head_dim: int, base: float) -> Tensor:
    """Return the unscaled rotary frequencies, float64 of shape (head_dim // 2,)."""
    return base ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)


class RotaryTable:
    """Cosines and sines of a set of positions, made once and applied to any number of tensors.

    Args:
        positions: int64 of any shape S.
        inv_freq: float64 (head_dim // 2,).
    """

    def __init__(self, positions: Tensor, inv_freq: Tensor) -> None:
        angles = positions.to(torch.float64)[..., None] * inv_freq.to(positions.device)
        angles = torch.cat((angles, angles), dim=-1)
        self.cos = angles.cos().to(torch.float32)
        self.sin = angles.sin().to(torch.float32)

    def rotate(self, x: Tensor) -> Tensor:
        """Rotate `x` of shape (..., S, head_dim), where S broadcasts with the table; dtype is kept."""
        wide = x.to(torch.float32)
        first, second = wide.chunk(2, dim=-1)
        turned = torch.cat((-second, first), dim=-1)
        return (wide * self.cos + turned * self.sin).to(x.dtype)
