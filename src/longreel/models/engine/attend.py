"""Causal attention over a memory and the tokens behind it, without a mask of all against all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Causally, without a mask of all queries at once."""
    tokens, own = query.shape[2], segments[-1].keys.shape[1]

    def unseen(start: int, end: int) -> Tensor:
        ahead = torch.ones(end - start, own, dtype=torch.bool, device=query.device)
        return ahead.triu(own - tokens + start + 1)

    return _in_blocks(query, segments, unseen, scale)


def attend_unseen(
    query: Tensor, segments: Sequence[Segment], unseen: Tensor, scale: float | None = None
) -> Tensor:
    """Attention to all segments but, in the last one, to what is unseen.

    Args:
        query, segments, scale: as for `attend`.
        unseen: bool (n, entries of the last segment), what each query does not read.

    Returns:
        (1, heads, n, head_dim).
    """
    return _in_blocks(query, segments, lambda start, end: unseen[start:end], scale)


def shares_of_attention(
    query: Tensor, segments: Sequence[Segment], unseen: Tensor, scale: float | None = None
) -> Tensor:
    """What share of the attention of queries (heads, n, head_dim) each entry gets, as means over queries.

    Args:
        segments, unseen, scale: as for `attend_unseen`.

    Returns:
        float32 (heads, entries of all segments).
    """
    heads, count, _ = query.shape
    entries = sum(segment.keys.shape[1] for segment in segments)
    rows = rows_at_once(heads, entries)
    total = torch.zeros(heads, entries, device=query.device)
    for start in range(0, count, rows):
        scores = _scores(query[:, start : start + rows], segments, unseen[start : start + rows], scale)
        total += torch.cat(scores, dim=-1).softmax(-1).sum(1)
    return total / count


def _in_blocks(
    query: Tensor, segments: Sequence[Segment], unseen: Callable[[int, int], Tensor], scale: float | None
) -> Tensor:
    """Block of queries by block; `unseen` tells for queries from one up to another."""
    tokens = query.shape[2]
    rows = rows_at_once(query.shape[1], sum(segment.keys.shape[1] for segment in segments))
    blocks = []
    for start in range(0, tokens, rows):
        end = min(start + rows, tokens)
        blocks.append(_block_over_several(query[0, :, start:end], segments, unseen(start, end), scale))
    return torch.cat(blocks, dim=1)[None].to(query.dtype)


def _block_over_several(
    query: Tensor, segments: Sequence[Segment], unseen: Tensor, scale: float | None
) -> Tensor:
    """Segment by segment, each weighted by its share of the softmax: none is copied behind another."""
    outputs, sums = [], []
    for segment, scores in zip(segments, _scores(query, segments, unseen, scale), strict=True):
        sums.append(scores.logsumexp(-1))
        outputs.append(_grouped(scores.softmax(-1).to(segment.values.dtype), segment.values).float())
    weights = torch.stack(sums).softmax(0)[..., None]
    return (torch.stack(outputs) * weights).sum(0)


def _scores(query: Tensor, segments: Sequence[Segment], unseen: Tensor, scale: float | None) -> list[Tensor]:
    """Of queries (heads, b, head_dim), one tensor per segment, minus infinity for what is unseen."""
    scores = [grouped_scores(query, segment.keys, scale) for segment in segments]
    scores[-1] = scores[-1].masked_fill(unseen, -torch.inf)
    return scores


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
