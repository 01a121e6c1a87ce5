"""Choosing the best by score, with ties settled by place, so that every machine chooses the same."""

from __future__ import annotations

from torch import Tensor


def best(scores: Tensor, keep: int, preferred: Tensor | None = None) -> Tensor:
    """Where the `keep` highest of `scores` stand along its first dimension.

    Of equal scores the one with the lowest index comes first.

    Args:
        scores: (n,) or (n, m); every column is ranked by itself.
        keep: how many, at most n.
        preferred: bool, shaped as `scores`: these outrank all others, by score among themselves.

    Returns:
        int64 (keep,) or (keep, m), ascending.
    """
    order = scores.argsort(dim=0, descending=True, stable=True)
    if preferred is not None:
        # Two stable sorts rather than a bonus added to the score, which would cost it precision.
        preferred_first = preferred.gather(0, order).argsort(dim=0, descending=True, stable=True)
        order = order.gather(0, preferred_first)
    return order[:keep].sort(dim=0).values
