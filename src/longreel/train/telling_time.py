"""The way from a film's clock to what is said, laid into layers of a grown decoder that do nothing yet.

A layer of attention that already finds a thing's frames is given the clock's numbers for its values. What
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


def carry_numbers(layer: Any, turns: Sequence[Tensor]) -> None:
    """Let heads, wherever they look, say the numbers that the clock shows there: one minutes, one seconds.

    Args:
        layer: of a Qwen2-shaped decoder.
        turns: (n, n) each, from what a clock adds to the last n coordinates to the embedding of the number.
    """
    for head, turn in enumerate(turns[: layer.self_attn.config.num_attention_heads]):
        _carry(layer.self_attn, head, _SAID * turn)


def pass_on(layer: Any, size: int) -> None:
    """Let heads, wherever they look, say the last `size` coordinates again."""
    for head in range(layer.self_attn.config.num_attention_heads):
        _carry(layer.self_attn, head, _PASSED_ON * torch.eye(size))


def _carry(attention: Any, head: int, turn: Tensor) -> None:
    """Let a head say nothing but the last coordinates, turned by `turn` (n, n)."""
    new, size = len(turn), attention.head_dim
    rows = slice(head * size, (head + 1) * size)
    carry = torch.linalg.qr(torch.randn(max(new, size), max(new, size)))[0][:new, :size]
    for value in (attention.v_proj, attention.summary_v_proj):
        value.weight[rows].normal_(std=_NOISE)
        value.weight[rows, -new:] = carry.T
        value.bias[rows] = 0
    attention.o_proj.weight[:, rows].normal_(std=_NOISE / 2)
    attention.o_proj.weight[-new:, rows] = turn @ carry


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
