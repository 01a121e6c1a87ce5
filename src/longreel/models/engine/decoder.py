"""What prefill and decoding ask of a language model."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from longreel.models.engine.passes import AttentionPass, Slots
from longreel.positions import Rotation


class Decoder(Protocol):
    """A language model whose attention is left to the pass that travels with each call.

    Attributes:
        layer_shapes: (kv_heads, head_dim) of each layer's keys and values.
        rotation: how positions turn queries and keys.
        packed: whether kept entries move together (a position is the number of entries before it), or stay
            where they stood.
        text_beside: whether text behind a film goes on beside it, where its height or width ends, as in
            transformers from 5.3 on, and not behind its last position, as models with three axes learned it.
    """

    @property
    def layer_shapes(self) -> list[tuple[int, int]]: ...
    @property
    def rotation(self) -> Rotation: ...
    @property
    def packed(self) -> bool: ...
    @property
    def text_beside(self) -> bool: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def dtype(self) -> torch.dtype: ...

    def embed(self, ids: Tensor) -> Tensor:
        """Word embeddings of int64 ids (n,), (n, width)."""

    def interleaved(self, raw: Tensor, slots: Slots | None) -> Tensor:
        """Raw tokens (n, width) with the summary tokens' embeddings in their slots."""

    def run(self, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None = None) -> Tensor:
        """All layers over (1, n, width): the normalised hidden states.

        deep: (levels, n, width), what vision adds to the hidden states behind each of the first layers.
        """

    def run_for_memory(
        self, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None = None
    ) -> None:
        """As `run`, for keys and values alone: the last layer attends to nothing."""

    def scores(self, hidden: Tensor) -> Tensor:
        """Logits of normalised hidden states (n, width), float32 (n, vocabulary)."""
