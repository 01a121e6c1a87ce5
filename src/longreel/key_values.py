"""The keys and values a language model keeps of a film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from longreel.compress.context_window import RescaledWindow

TEXT = -1


@dataclass(frozen=True)
class LayerMemory:
    """One layer's kept entries in time order; nothing in longreel writes to these tensors.

    keys: (kv_heads, n, head_dim), rotated at `positions`.
    values: (kv_heads, n, head_dim), never rotated.
    positions: int64 (n,), or (3, n) for families with three position axes.
    token: int64 (n,), the index of each entry's visual token in the stream the language model saw; for a
        summary token the raw token it follows, for text `TEXT`.
    """

    keys: Tensor
    values: Tensor
    positions: Tensor
    token: Tensor


class Squeeze(NamedTuple):
    """How a stretch of visual tokens goes on whose times were squeezed.

    next: where text among its frames would stand.
    at, time: where its last chunk began on the axis of time, and the place in time of that chunk's first
        token.
    kept, of: the fraction by which the times of that chunk were squeezed.
    """

    next: int
    at: int
    time: int
    kept: int
    of: int


class Interval(NamedTuple):
    """So many visual tokens, each `ratio` of which became one summary token; at 1 they stayed themselves."""

    tokens: int
    ratio: int


@dataclass(frozen=True)
class KeyValues:
    """All layers of a watched film.

    `next_position` is where the text after the film starts; `visual_tokens` counts the visual tokens the
    language model saw, kept or not. `run` is, for models that count the places of visual tokens from where
    their stretch began, the position at which that of the end began and the place in time of its first
    token, see `VisualTokens.place`; None behind text, or for others. `end` is behind every position so far;
    None if that is `next_position`. `squeeze` is how a film goes on that was broken off, if its times were
    squeezed. `window` is the rotary table that keys were rotated by, and whatever attends to them has to be;
    None for the model's own. `intervals` are all there are, if each has a ratio of its own; else None.
    `dense` holds the same film condensed less, interval by interval, for a closer look (see `TwoLevels`); it
    is not read with these layers, only in place of them.
    """

    layers: tuple[LayerMemory, ...]
    next_position: int
    visual_tokens: int
    run: tuple[int, int] | None = None
    end: int | None = None
    squeeze: Squeeze | None = None
    window: RescaledWindow | None = None
    intervals: tuple[Interval, ...] | None = None
    dense: KeyValues | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors, of both levels; one that several layers share counts once."""
        distinct = {id(part): part.nbytes for layer in self.layers for part in vars(layer).values()}
        own: int = sum(distinct.values())
        return own if self.dense is None else own + self.dense.nbytes
