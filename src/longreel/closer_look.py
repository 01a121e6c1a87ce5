"""A closer look: the memory of two levels as one question reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.two_levels import interval_of, most_attended
from longreel.errors import UsageError
from longreel.key_values import KeyValues
from longreel.memory import VideoMemory
from longreel.models.base import ModelAdapter
from longreel.models.engine.two_levels import with_dense

# As in the example released with Video-X2L, where it is three of ten.
DENSE_INTERVALS = 3


class Look(NamedTuple):
    """What a question reads.

    memory: of one level; `spans` of it, (start, end) in seconds, are read at the dense one.
    """

    memory: VideoMemory
    spans: tuple[tuple[float, float], ...] = ()


def closer_look(
    adapter: ModelAdapter, memory: VideoMemory, question: str, ids: Tensor, most: int | None
) -> Look:
    """The sparse level, with dense summaries in place of the sparse ones where the question looks.

    Those are the intervals that get most attention when the question is read behind the sparse level, from
    the heads that the family reads evidence from, as a mean over the words of the question; earlier turns of
    a chat are read, but do not look.

    Args:
        question: the last one. ids: int64 (n,), the text after the film, which ends with it.
        most: intervals that are read at the dense level; None for `DENSE_INTERVALS`.

    Returns the memory itself if it has one level.

    Raises:
        UsageError: `most` is given and the memory has one level.
    """
    check_levels(memory, most)
    if memory.dense is None:
        return Look(memory)
    held = memory.key_values
    chosen = _chosen(adapter, held, question, ids, DENSE_INTERVALS if most is None else most)
    if not len(chosen):
        return Look(_of_one_level(memory, replace(held, dense=None)))
    mixed = with_dense(held, chosen, adapter.rotation)
    seen = _of_one_level(memory, mixed)
    return Look(seen, tuple(_spans(seen, mixed, chosen)))


def check_levels(memory: VideoMemory, most: int | None) -> None:
    """Refuse a number of dense intervals for a memory without any.

    Raises:
        UsageError: it has one level.
    """
    if most is not None and memory.header.dense is None:
        raise UsageError(
            f"dense_intervals={most} is for memories of two levels and this one has one: leave it out, or "
            "watch with dense="
        )


def _chosen(adapter: ModelAdapter, held: KeyValues, question: str, ids: Tensor, most: int) -> Tensor:
    """Numbers of the intervals to read at the dense level, int64 ascending."""
    lengths = [interval.tokens for interval in held.intervals or ()]
    if most == 0 or most >= len(lengths):
        return torch.arange(min(most, len(lengths)))
    asked = _same_at_the_end(ids, adapter.dialogue.after([(question, None)]))
    first = len(ids) - asked
    # The words of an answer look from the places before their own: any id does as the last.
    looking = [*ids[first + 1 :].tolist(), 0]
    shares = adapter.attention(replace(held, dense=None), ids[: first + 1], looking)
    return most_attended([each.cpu() for each in shares], [each.token for each in held.layers], lengths, most)


def _same_at_the_end(ids: Tensor, alone: Tensor) -> int:
    """How many tokens at the end of both are the same; at least 1, where an answer begins."""
    count = min(len(ids), len(alone))
    differs = (ids[len(ids) - count :] != alone[len(alone) - count :]).nonzero().flatten()
    return max(1, count if not len(differs) else count - 1 - int(differs[-1]))


def _of_one_level(memory: VideoMemory, held: KeyValues) -> VideoMemory:
    intervals = None if held.intervals is None else tuple(tuple(each) for each in held.intervals)
    header = memory.header.model_copy(
        update={
            "kept": tuple(len(layer.token) for layer in held.layers),
            "nbytes": held.nbytes,
            "next_position": held.next_position,
            "intervals": intervals,
            "dense": None,
        }
    )
    return VideoMemory(held.layers, memory.timeline, header)


def _spans(memory: VideoMemory, held: KeyValues, chosen: Tensor) -> Sequence[tuple[float, float]]:
    """When the film showed each of the chosen intervals; of those too short for a summary, nothing."""
    token = held.layers[0].token
    number = interval_of(token, [each.tokens for each in held.intervals or ()])
    number[token < 0] = -1
    seconds = memory.seconds()
    own = (seconds[number == each] for each in chosen.tolist())
    return [(round(float(one[0, 0]), 3), round(float(one[-1, 1]), 3)) for one in own if len(one)]
