"""One run of tokens through the decoder: what they attend to and what they leave behind.

A pass travels with the forward call as an argument. Nothing is stored in the model, so one serves any
number of films, threads and settings at once.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from longreel.models.engine.attend import attend
from longreel.models.engine.entries import LayerEntries
from longreel.positions import RotaryTable, Rotation


class Slots(NamedTuple):
    """Where the summary tokens stand in an interleaved interval: int64 indices, both ascending."""

    raw: Tensor
    summary: Tensor

    @classmethod
    def among(cls, summary: Tensor, length: int) -> Slots:
        """The slots `summary` among `length` interleaved tokens."""
        is_raw = torch.ones(length, dtype=torch.bool)
        is_raw[summary] = False
        return cls(is_raw.nonzero().flatten(), summary)


class AttentionPass(Protocol):
    """What the attention layers ask of the call they take part in."""

    slots: Slots | None

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Attention output (B, heads, n, head_dim) for unrotated queries and keys."""

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Keep what is to be kept of this layer's unrotated keys and values."""


class SequencePass:
    """Tokens of one film, batch 1, causal over [memory, themselves] (spec b: plain causal).

    Args:
        memory: entries so far; grown by `commit`, once every layer has been recorded.
        positions: int64 (n,) or (3, n), where the tokens stand, summary slots included.
        rotation: of the model.
        slots: where summary tokens stand, or None.
        keep: int64 ascending indices of the tokens that join the memory; None for all. The others leave
            no trace.
        settled: where the kept ones stand in memory, (k,) or (3, k); None for where they stood.
    """

    def __init__(
        self,
        memory: list[LayerEntries],
        positions: Tensor,
        rotation: Rotation,
        slots: Slots | None = None,
        keep: Tensor | None = None,
        settled: Tensor | None = None,
    ) -> None:
        self.slots = slots
        self._memory = memory
        self._keep = keep
        device = memory[0].device
        self._here = RotaryTable(positions.to(device), rotation)
        if settled is None:
            settled = positions if keep is None else positions[..., keep]
        self._there = self._here if keep is None else RotaryTable(settled.to(device), rotation)

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Attend to the memory and, causally, to the tokens of this pass."""
        segments = self._memory[layer].extended(self._here.rotate(key)[0], value[0])
        self.record(layer, query, key, value)
        return attend(self._here.rotate(query), segments, scale)

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Stage the kept entries, keys rotated once to where they will stay."""
        if self._keep is not None:
            key, value = key[:, :, self._keep], value[:, :, self._keep]
        self._memory[layer].stage(self._there.rotate(key)[0], value[0])

    def commit(self) -> None:
        """Add the staged entries to the memory: after this the pass is over."""
        for entries in self._memory:
            entries.commit()
