"""Minutes and seconds as words of their own: "4 minutes" is another word than "4 seconds".

As one word, a number that a model finds beside a thing may be its minute or its second, and the model has to
tell them apart by what it said before. Measured, it did not learn to in long films: it answered "4 minutes 4
seconds" and "4 seconds" for 4 minutes 52 seconds. As two, what it says next goes by which kind comes next.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from longreel.films.vocabulary import counted
from longreel.models.reel_tiny.words import with_phrases
from longreel.models.video_xl.clock import MINUTES, SECONDS, Clock

UNITS = ("minute", "second")
# How much of a word's length is what all of its kind share.
_KIND = 0.5
# How far apart seconds resemble each other. A scene shows several of them, and attention mixes these: what
# resembles the mixture most is then one in their middle.
_NEAR = 2.0


class Halves(NamedTuple):
    """Orthonormal columns, (n, minutes) and (n, seconds), that together span n coordinates."""

    minute: Tensor
    second: Tensor


def with_time_words(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """The same tokenizer, for which "4 minutes" and "4 seconds" are words."""
    return with_phrases(tokenizer, [word for words in _words() for word in words])


@torch.no_grad()
def lay_time_words(embeddings: Tensor, clock: Clock, tokenizer: PreTrainedTokenizerFast, size: int) -> Halves:
    """Lay minutes into one half of the last `size` coordinates, seconds into the other, and set the clock.

    A word is a number and its kind; the clock tells the number alone, so that what is read off it can be said
    and no kind is louder than the other. In halves of their own neither hides the other.

    Args:
        embeddings: (vocabulary, width), changed in place; the coordinates of these words before the last are
            left as they are.
    """
    basis: Tensor = torch.linalg.qr(torch.randn(size, size))[0]
    halves = Halves(*basis.chunk(2, dim=1))
    parts = zip(_words(), halves, (clock.minute, clock.second), (0.0, _NEAR), strict=True)
    for words, half, table, near in parts:
        numbers = _around_the_clock(len(words), near) @ torch.randn(len(words), half.shape[1] - 1)
        numbers = (1 - _KIND**2) ** 0.5 * numbers / numbers.norm(dim=1, keepdim=True)
        kind = torch.full((len(words), 1), _KIND)
        length = (size / embeddings.shape[1]) ** 0.5
        ids = tokenizer.convert_tokens_to_ids(list(words))
        embeddings[ids, -size:] = length * torch.cat((kind, numbers), dim=1) @ half.T
        table.weight.zero_()
        table.weight[:, -size:] = length * numbers @ half[:, 1:].T
    return halves


def _around_the_clock(count: int, near: float) -> Tensor:
    """How much each of `count` numbers in a circle resembles the others, (count, count)."""
    if not near:
        return torch.eye(count)
    apart = (torch.arange(count)[:, None] - torch.arange(count)).abs()
    apart = torch.minimum(apart, count - apart)
    return torch.exp(-0.5 * (apart / near) ** 2)


def _words() -> tuple[tuple[str, ...], tuple[str, ...]]:
    minutes = tuple(counted(number, "minute") for number in range(MINUTES))
    return minutes, tuple(counted(number, "second") for number in range(SECONDS))
