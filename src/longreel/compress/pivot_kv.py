"""PivotKV: keep the entries of a chunk that its tokens attend to most (ReTaKe, arXiv 2412.20504).

A token's score is the attention it receives from all tokens of its chunk, causality and positions left
aside. Tokens of keyframes (pivots) are kept before all others (equation 7); the released code gave them an
average score instead. Kept tokens move together in time by the fraction that was kept.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.compress.base import exact_fraction
from longreel.compress.ranking import best


@torch.no_grad()
def attention_received(query: Tensor, key: Tensor, block: int = 128) -> Tensor:
    """Attention each token receives from all tokens: column sums of the full softmax, mean over heads.

    The scores sum to n. Only `block` rows of the attention exist at a time, so memory grows with n, not
    with its square.

    Args:
        query: (H, n, d), unrotated, any float dtype; computed in float32.
        key: (Hkv, n, d), unrotated; query head h uses key head h // (H // Hkv).
        block: query tokens per head computed together; it does not change the result.

    Returns:
        float32 (n,).

    Raises:
        ValueError: shapes that do not belong together, or a block below 1.
    """
    heads, kv_heads = len(query), len(key)
    if query.ndim != 3 or query.shape[1:] != key.shape[1:] or not kv_heads or heads % kv_heads:
        raise ValueError(
            f"query {tuple(query.shape)} and key {tuple(key.shape)} do not belong together: "
            "give (H, n, d) and (Hkv, n, d), H a multiple of Hkv"
        )
    if block < 1:
        raise ValueError(f"block={block} is below 1")
    tokens, width = key.shape[1:]
    keys = key.to(torch.float32).mT
    # Float64: the sum of many rows is then the same for blocks of any size, up to rounding at the end.
    received = torch.zeros(tokens, dtype=torch.float64, device=key.device)
    for rows in query.split(block, dim=1):
        groups = rows.to(torch.float32).reshape(kv_heads, -1, width) * width**-0.5
        received += (groups @ keys).softmax(dim=-1).sum(dim=(0, 1))
    return (received / heads).to(torch.float32)


def tokens_to_keep(scores: Tensor, keep: int, pivots: Tensor | None = None) -> Tensor:
    """The `keep` tokens with the highest scores; of equal ones the earliest.

    Args:
        scores: (n,), any float dtype.
        keep: number of tokens, 0 to n.
        pivots: bool (n,), tokens that outrank all others; of more pivots than `keep` the best stay.

    Returns:
        int64 (keep,), ascending.

    Raises:
        ValueError: keep outside 0 to n, or shapes that do not belong together.
    """
    if scores.ndim != 1 or (pivots is not None and pivots.shape != scores.shape):
        shapes = [tuple(part.shape) for part in (scores, pivots) if part is not None]
        raise ValueError(f"scores and pivots have shapes {shapes}: give one value per token")
    if not 0 <= keep <= len(scores):
        raise ValueError(f"keep={keep} is outside 0 to {len(scores)}, the number of tokens")
    return best(scores, keep, pivots)


def squeezed_times(times: Tensor, kept: Tensor, keep_fraction: float) -> Tensor:
    """Temporal positions of the kept tokens: t_min + trunc((t - t_min) * keep_fraction).

    t_min is the smallest time that was kept. Keep 1 changes nothing.

    Args:
        times: integer (n,), temporal positions of a chunk.
        kept: int64 (m,), indices of the kept tokens.
        keep_fraction: m / n; taken as the fraction it stands for, so 0.29 moves 100 to 29.

    Returns:
        int64 (m,).
    """
    if not len(kept):
        return times.new_empty(0, dtype=torch.int64)
    fraction = exact_fraction(keep_fraction)
    moved = times[kept].to(torch.int64)
    first = moved.min()
    return first + (moved - first) * fraction.numerator // fraction.denominator
