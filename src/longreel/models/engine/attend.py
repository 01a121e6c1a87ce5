"""Causal attention over a memory and the tokens behind it, without a mask of all against all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.attention.bias import causal_lower_right
from torch.nn.functional import scaled_dot_product_attention

# Queries that share a mask: its size is this times the entries, whatever the length of the chunk.
_BLOCK = 256
# Scores that are held at once where they are written out: 64 MiB, however long the memory.
_SCORES = 2**24


class Segment(NamedTuple):
    """Keys and values (kv_heads, n, head_dim) that lie together in storage."""

    keys: Tensor
    values: Tensor


def attend(query: Tensor, segments: Sequence[Segment], scale: float | None = None) -> Tensor:
    """Attention of the last n of all entries to themselves and everything before them.

    Args:
        query: (1, heads, n, head_dim), rotated; head h reads kv head h // (heads // kv_heads).
        segments: everything that may be read, in order. The last n entries of the last segment are those
            of the queries.
        scale: of the scores; None for 1 / sqrt(head_dim).

    Returns:
        (1, heads, n, head_dim).
    """
    if len(segments) == 1:
        return _over_one(query, segments[0], scale)
    return _over_several(query, segments, scale)


def _over_one(query: Tensor, segment: Segment, scale: float | None) -> Tensor:
    keys, values = segment.keys[None], segment.values[None]
    tokens, entries = query.shape[2], keys.shape[2]
    if tokens == 1:
        return _sdpa(query, keys, values, None, scale)
    if query.is_cuda:
        bias = causal_lower_right(tokens, entries)
        return _sdpa(query, keys, values, bias, scale)
    before = entries - tokens
    parts = []
    for start in range(0, tokens, _BLOCK):
        end = min(start + _BLOCK, tokens)
        seen = before + end
        mask = torch.ones(end - start, seen, dtype=torch.bool, device=query.device).tril(before + start)
        parts.append(_sdpa(query[:, :, start:end], keys[:, :, :seen], values[:, :, :seen], mask, scale))
    return torch.cat(parts, dim=2)


def _sdpa(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    return scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=scale, enable_gqa=True)


def _over_several(query: Tensor, segments: Sequence[Segment], scale: float | None) -> Tensor:
    """Segment by segment, each weighted by its share of the softmax: none is copied behind another."""
    rows = rows_at_once(query.shape[1], sum(segment.keys.shape[1] for segment in segments))
    blocks = [
        _block_over_several(query[0, :, start : start + rows], query.shape[2] - start, segments, scale)
        for start in range(0, query.shape[2], rows)
    ]
    return torch.cat(blocks, dim=1)[None].to(query.dtype)


def _block_over_several(
    query: Tensor, from_end: int, segments: Sequence[Segment], scale: float | None
) -> Tensor:
    """A block of queries (heads, b, head_dim); the first is that of the `from_end`-th last entry."""
    outputs, sums = [], []
    for segment in segments:
        scores = grouped_scores(query, segment.keys, scale)
        if segment is segments[-1]:
            own = segment.keys.shape[1] - from_end
            ahead = torch.ones(scores.shape[1:], dtype=torch.bool, device=query.device).triu(own + 1)
            scores = scores.masked_fill(ahead, -torch.inf)
        sums.append(scores.logsumexp(-1))
        outputs.append(_grouped(scores.softmax(-1).to(segment.values.dtype), segment.values).float())
    weights = torch.stack(sums).softmax(0)[..., None]
    return (torch.stack(outputs) * weights).sum(0)


def rows_at_once(heads: int, entries: int) -> int:
    """Queries whose scores of all `entries` are written out together, so that peak memory stays bounded."""
    return max(1, min(_BLOCK, _SCORES // (heads * entries)))


def grouped_scores(query: Tensor, keys: Tensor, scale: float | None = None) -> Tensor:
    """Scores of queries (heads, b, d) and keys (kv_heads, n, d): float32 (heads, b, n), no key repeated."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return _grouped(query, keys.transpose(1, 2)).float() * scale


def _grouped(left: Tensor, right: Tensor) -> Tensor:
    """(heads, b, m) times (kv_heads, m, n): the heads that share a kv head are rows of one product."""
    heads, rows, _ = left.shape
    product = left.reshape(len(right), -1, left.shape[-1]) @ right
    return product.reshape(heads, rows, -1)
