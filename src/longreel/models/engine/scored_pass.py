"""A pass in which every layer scores the tokens of a chunk, so that each can keep others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longreel.compress.base import AttentionCompressor, LayerAttention
from longreel.models.engine.attend import attend
from longreel.models.engine.entries import LayerEntries
from longreel.models.engine.passes import SequencePass
from longreel.positions import RotaryTable, Rotation


class ScoredPass(SequencePass):
    """Tokens of one film, batch 1, causal over [memory, themselves]; what stays is settled at the end.

    Args:
        memory, positions, rotation: as for `SequencePass`.
        compressor: gives the scores.
        visual: int64, which of the tokens are visual; None where all but the question's are.
        asked: how many of the last tokens are those of a question; they leave no trace.
    """

    def __init__(
        self,
        memory: list[LayerEntries],
        positions: Tensor,
        rotation: Rotation,
        compressor: AttentionCompressor,
        visual: Tensor | None,
        asked: int = 0,
    ) -> None:
        super().__init__(memory, positions, rotation)
        self._rotation = rotation
        self._compressor = compressor
        self._tokens = positions.shape[-1] - asked
        self._visual = visual
        # Layers come one after the other, and each once.
        self.scores: list[Tensor] = []
        self._held: list[tuple[Tensor, Tensor]] = []

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Attend to the memory and, causally, to the tokens of this pass."""
        here = self._here.rotate(query), self._here.rotate(key)
        segments = self._memory[layer].extended(here[1][0], value[0])
        self._score(*((query, key) if self._compressor.squeeze else here))
        self._hold(key, value)
        return attend(here[0], segments, scale)

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Score and hold the tokens of a layer that attends to nothing."""
        if self._compressor.squeeze:
            self._score(query, key)
        else:
            self._score(self._here.rotate(query), self._here.rotate(key))
        self._hold(key, value)

    def settle(self, kept: Sequence[Tensor], positions: Tensor) -> None:
        """Stage what stays.

        Args:
            kept: int64 ascending, for each layer.
            positions: (m,) or (3, m), where the tokens stand from now on.
        """
        for entries, (key, value), keep in zip(self._memory, self._held, kept, strict=True):
            there = RotaryTable(positions[..., keep].to(entries.device), self._rotation)
            index = keep.to(entries.device)
            entries.stage(there.rotate(key[:, index]), value[:, index])
        self._held.clear()

    def _hold(self, key: Tensor, value: Tensor) -> None:
        self._held.append((key[0, :, : self._tokens], value[0, :, : self._tokens]))

    def _score(self, query: Tensor, key: Tensor) -> None:
        question = query[0, :, self._tokens :] if query.shape[2] > self._tokens else None
        attention = LayerAttention(self._seen(query), self._seen(key), question)
        self.scores.append(self._compressor.scores(attention))

    def _seen(self, part: Tensor) -> Tensor:
        """Those of visual tokens, (heads, n, head_dim)."""
        if self._visual is None:
            return part[0, :, : self._tokens]
        return torch.index_select(part[0], 1, self._visual.to(part.device))
