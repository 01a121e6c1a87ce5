"""How much each frame differs from the one before it: one minus the cosine of their features."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Shorter vectors count as zero, and the cosine with a zero vector is 0.
_SHORTEST = 1e-8


class _Direction(NamedTuple):
    """Vectors (N, D) scaled to length 1, and how much their squared length (N,) falls short of it."""

    unit: Tensor
    missing: Tensor


@torch.no_grad()
def frame_distances(features: Tensor, before: Tensor | None = None) -> Tensor:
    """1 - cos between each frame's features and those of the frame before it, patch by patch.

    Exactly 0 between equal frames, so that a still film is a plateau. A frame's distance depends on the
    two frames alone: a film cut into blocks gives the same numbers.

    Args:
        features: (T, N, D), any float dtype; computed in float32.
        before: (N, D), the frame before the first one; None at the start of a film, where the distance
            is 1.

    Returns:
        float32 (T, N), between 0 and 2.
    """
    distances = features.new_ones(features.shape[:2], dtype=torch.float32)
    last = None if before is None else _direction(before)
    # Frame by frame: a wide copy of the whole film would be several times its features.
    for t, frame in enumerate(features):
        this = _direction(frame)
        if last is not None:
            distances[t] = _distance(last, this)
        last = this
    return distances


def pair_distances(one: Tensor, other: Tensor) -> Tensor:
    """1 - cos of rows (n, D) that belong together: float32 (n,), exactly 0 between equal ones."""
    return _distance(_direction(one), _direction(other))


def _direction(frame: Tensor) -> _Direction:
    # Contiguous, as the order of a sum, and so its rounding, follows the layout.
    wide = frame.to(torch.float32).contiguous()
    length = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
    unit = wide / length.clamp(min=_SHORTEST)
    return _Direction(unit, 1 - (length[:, 0] / _SHORTEST).clamp(max=1) ** 2)


def _distance(a: _Direction, b: _Direction) -> Tensor:
    """1 - a·b, written as (|a - b|² + (1 - |a|²) + (1 - |b|²)) / 2 to keep small distances precise."""
    return ((a.unit - b.unit).square().sum(dim=-1) + a.missing + b.missing) / 2
