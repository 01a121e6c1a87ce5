"""The way from a film's clock to what is said, laid into layers of a grown decoder that do nothing yet.

A layer of attention that already finds a thing's frames is given the clock's times for its values. What
it says must be small, or it would drown the words that the next layer reads; what the last layer reads must
be large, or training would drown it in the noise of its own steps. So a later layer, whose attention already
leads from the words of an answer to the thing it is about, says it again there, and louder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# How loud numbers are said where they are found, how loud they are passed on, and how much louder repeated.
_SAID = 0.05
_PASSED_ON = 2.0
_LOUDER = 4.0
# Weights that open the gate of what is repeated, whatever the token: coordinates that are the same in all.
_GATE = 25.0
_REPEATED_FROM = 2.0
_NOISE = 0.001


def carry_times(layer: Any, halves: Sequence[Tensor]) -> None:
    """Let heads, wherever they look, say what the clock shows there: one the minute, one the second.

    Args:
        layer: of a Qwen2-shaped decoder.
        halves: for each, orthonormal columns (n, h) of the last n coordinates in which it is told.
    """
    for head, half in enumerate(halves[: layer.self_attn.config.num_attention_heads]):
        _carry(layer.self_attn, head, half, _SAID)


def pass_on(layer: Any, halves: Sequence[Tensor]) -> None:
    """Let heads in turn, wherever they look, say again what stands in one of the halves."""
    for head in range(layer.self_attn.config.num_attention_heads):
        _carry(layer.self_attn, head, halves[head % len(halves)], _PASSED_ON)


def _carry(attention: Any, head: int, half: Tensor, loud: float) -> None:
    """Let a head say nothing but a half (n, h) of the last n coordinates, or as much of it as it is wide."""
    new, size = len(half), attention.head_dim
    rows = slice(head * size, (head + 1) * size)
    carried = half.new_zeros(new, size)
    carried[:, : half.shape[1]] = half[:, :size]
    for value in (attention.v_proj, attention.summary_v_proj):
        value.weight[rows].normal_(std=_NOISE)
        value.weight[rows, -new:] = carried.T
        value.bias[rows] = 0
    attention.o_proj.weight[:, rows].normal_(std=_NOISE / 2)
    attention.o_proj.weight[-new:, rows] = loud * carried


def repeat_louder(layer: Any, size: int) -> None:
    """Let the feed-forward part add the last `size` coordinates, gated by the one before them.

    Args:
        layer: of a Qwen2-shaped decoder, with at least `size` inner units.
        size: the coordinate before the last `size` ones is above zero in every token.
    """
    layer.post_attention_layernorm.weight[-size - 1 :] = _REPEATED_FROM
    mlp, units = layer.mlp, torch.arange(size)
    for part in (mlp.gate_proj, mlp.up_proj):
        part.weight[:size] = 0
    mlp.gate_proj.weight[:size, -size - 1] = _GATE
    mlp.up_proj.weight[units, units - size] = 1
    mlp.down_proj.weight[:, :size] = 0
    mlp.down_proj.weight[units - size, units] = _LOUDER
