"""How much each frame differs from the one before it: one minus the cosine of their features."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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


def chunk_changes(chunks: Sequence[Sequence[Tensor]]) -> list[float]:
    """How much each chunk of a film changes: the mean step between its frames (AdaReTaKe, equation 8).

    A step is 1 - cos of two neighbouring frames, mean over patches; of frames with different numbers of
    tokens it is that of their mean tokens. A chunk of one frame has the step that leads to it, and if it
    begins the film the mean of the other chunks; the only frame of a film changes by 1.

    Args:
        chunks: of each the frames (tokens, D), any float dtype; computed in float32.

    Returns:
        numbers from 0 to 2, one for each chunk.
    """
    changes: list[float | None] = []
    before: Tensor | None = None
    for frames in chunks:
        steps = [_step(one, other) for one, other in pairwise(frames)]
        if not steps and before is not None:
            steps = [_step(before, frames[0])]
        changes.append(sum(steps) / len(steps) if steps else None)
        before = frames[-1]
    known = [change for change in changes if change is not None]
    usual = sum(known) / len(known) if known else 1.0
    return [usual if change is None else change for change in changes]


@torch.no_grad()
def _step(one: Tensor, other: Tensor) -> float:
    if one.shape != other.shape:
        one, other = (frame.to(torch.float32).mean(0, keepdim=True) for frame in (one, other))
    return float(pair_distances(one, other).double().mean())


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
