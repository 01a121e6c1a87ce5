"""The way from a thing to what came next, laid into two layers of a grown decoder that do nothing yet.

Measured, small decoders do not find it by training, even in films of a few scenes and asked for nothing else;
one that begins with it does. The first layer lets every token of a frame know which things were shown shortly
before and are not shown now. In the second, a thing's word finds the frames that know of it, as it finds the
frames that show it, and reads what they show. Large models that learn for long come to such a pair of heads
by themselves (arXiv 2209.11895).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from longreel.positions import inverse_frequencies
from longreel.train.shots import ATTRIBUTES

# How loud it is told what was before, and what came next: things themselves are as loud as 1.
_BEFORE = 0.3
_NEXT = 0.1
# How closely a word looks for frames that know of it.
_CLOSELY = 3.0
# How much that a frame shows a thing at all adds to the score.
_SHOWN = 40.0
# Where "shortly before" is: in tokens, of which a frame has one for each attribute.
_BACK = 3.0 * len(ATTRIBUTES)
# Scores of attention by distance are sums of cosines; what each frequency adds, and the lowest that matters
# in an hour. The highest decides how far around a distance a head looks.
_SCORE = 10.0
_LOWEST = 1e-4
_HIGHEST = 1.0
_HIGHEST_BEFORE = 0.03
# How long the vector of a frame's token is before the first layer.
_LENGTH = 2.0
_NOISE = 0.001

_HEADED = ("q_proj", "k_proj", "v_proj", "summary_q_proj", "summary_k_proj", "summary_v_proj")


class Looks(NamedTuple):
    """What a linear projector makes of things and of other words.

    others: (width, n), the looks of all other words, in tokens about them and in those of their frames.
    turn: (width, width). A thing's look in the tokens of its frames is that in its own, a row, times this.
    """

    others: Tensor
    turn: Tensor


class Told(NamedTuple):
    """How it is told what was before.

    wanted: (head_dim, width), reads a thing off its word. before: (head_dim, width), reads the same off
    tokens of frames shown shortly after. shown: (head_dim, width), reads it off tokens that show it.
    """

    wanted: Tensor
    before: Tensor
    shown: Tensor


def looks(projector: Tensor) -> Looks:
    """The looks in a projector (width, 2 * all words): what a token is about, and the frame around it."""
    things = len(ATTRIBUTES[0])
    about, around = projector.chunk(2, dim=1)
    turn = torch.linalg.pinv(about.T) @ around.T
    return Looks(torch.cat((about[:, things:], around[:, things:]), dim=1), turn)


def tell_before(layer: Any, looks: Looks, mark: float) -> Told:
    """Let tokens of frames tell what was shown shortly before, less what they show.

    It is told in the same coordinates, turned at random, of those in which other words say nothing.

    Args:
        layer: the first of a Qwen2-shaped decoder, with two heads or more; changed in place.
        mark: what the coordinate behind those of `looks` is in tokens of frames; it is 0 in words, which then
            look everywhere and tell nothing.

    Raises:
        ValueError: the words that are no things leave too few coordinates for a head.
    """
    attention = layer.self_attn
    size, known = attention.head_dim, len(looks.others)
    if looks.others.shape[1] + size > known:
        raise ValueError(f"{looks.others.shape[1]} looks of words leave no {size} of {known} coordinates")
    free = torch.linalg.svd(looks.others)[0][:, -size:]
    turned = free @ torch.linalg.qr(torch.randn(size, size))[0]
    for name in _HEADED:
        getattr(attention, name).weight.normal_(std=_NOISE)
        getattr(attention, name).bias.zero_()
    attention.o_proj.weight.normal_(std=_NOISE)
    layer.input_layernorm.weight.fill_(1.0)
    normed = mark * layer.input_layernorm.weight.shape[0] ** 0.5 / _LENGTH
    theta = attention.config.rope_theta
    for head, (back, highest, said) in enumerate(
        ((_BACK, _HIGHEST_BEFORE, _BEFORE), (0.0, _HIGHEST, -_BEFORE))
    ):
        rows = slice(head * size, (head + 1) * size)
        query, key = _meeting(size, theta, back, highest)
        attention.q_proj.weight[rows, known] = query / normed
        for prefix in ("", "summary_"):
            getattr(attention, f"{prefix}k_proj").bias[rows] = key
            getattr(attention, f"{prefix}v_proj").weight[rows, :known] = free.T
        attention.o_proj.weight[:known, rows] += said * turned
    return Told(free.T @ looks.turn.T, turned.T, free.T)


def tell_next(layer: Any, head: int, told: Told) -> None:
    """Let a head say, where a thing's word is read, what was shown next.

    Args:
        layer: a later one, changed in place. The second coordinate behind those of `told` is above zero in
            tokens of frames that show a thing.
        told: by the first layer.
    """
    attention = layer.self_attn
    size, known = told.before.shape
    rows = slice(head * size, (head + 1) * size)
    still = inverse_frequencies(size, attention.config.rope_theta) < _LOWEST
    still = torch.cat((still, still)).nonzero()[:, 0]
    still, one = still[:-1], rows.start + int(still[-1])
    for name in _HEADED:
        part = getattr(attention, name)
        part.weight[rows].normal_(std=_NOISE)
        part.bias[rows] = 0
    for prefix in ("", "summary_"):
        query, key, value = (getattr(attention, f"{prefix}{name}_proj") for name in "qkv")
        query.weight[rows.start + still, :known] = _CLOSELY * told.wanted[: len(still)]
        key.weight[rows.start + still, :known] = _CLOSELY * told.before[: len(still)]
        query.bias[one] = key.weight[one, known + 1] = _SHOWN**0.5
        value.weight[rows, :known] = told.shown
    attention.o_proj.weight[:, rows].normal_(std=_NOISE / 2)
    # Tokens of a frame show its thing as it looks around them; it is said as its word.
    attention.o_proj.weight[:known, rows] = _NEXT * torch.linalg.pinv(told.wanted)


def _meeting(size: int, theta: float, back: float, highest: float) -> tuple[Tensor, Tensor]:
    """Query and key, (size,) each, the same for all tokens; those that are `back` apart meet best."""
    speed = inverse_frequencies(size, theta)
    length = torch.where((speed >= _LOWEST) & (speed <= highest), (_SCORE * size**0.5) ** 0.5, 0.0)
    query = torch.cat((length * torch.cos(speed * back), -length * torch.sin(speed * back)))
    return query.float(), torch.cat((length, torch.zeros_like(length))).float()
