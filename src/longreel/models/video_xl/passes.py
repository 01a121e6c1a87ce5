"""One forward pass through the decoder: what its tokens attend to and what of them is kept.

A pass object belongs to one call. It is the only carrier of state, so a model can serve many films,
threads and settings at once.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from longreel.models.video_xl.entries import LayerEntries
from longreel.positions import RotaryTable


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

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention output (B, heads, n, head_dim) for unrotated queries and keys."""

    def record(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Keep what is to be kept of this layer's unrotated keys and values."""


class SequencePass:
    """Tokens of one film, batch 1, causal over [memory, themselves] (spec b: plain causal).

    The tokens stand at positions memory.length … memory.length + n - 1. The entries at `keep` join the
    memory, packed: the j-th at position memory.length + j. Others leave no trace.

    Args:
        memory: entries so far; grown by `commit`, once every layer has been recorded.
        tokens: number n of tokens in this pass, summary slots included.
        inv_freq: float64 rotary frequencies.
        slots: where summary tokens stand, or None.
        keep: int64 ascending indices of the tokens to keep; None keeps all.
    """

    def __init__(
        self,
        memory: list[LayerEntries],
        tokens: int,
        inv_freq: Tensor,
        slots: Slots | None = None,
        keep: Tensor | None = None,
    ) -> None:
        self.slots = slots
        self._memory = memory
        self._keep = keep
        start = memory[0].length
        kept = tokens if keep is None else len(keep)
        device = memory[0].device
        self._here = RotaryTable(torch.arange(start, start + tokens, device=device), inv_freq)
        self._packed = self._here if keep is None else self._table(start, kept, device, inv_freq)
        self._mask = _lower_right_causal(tokens, start, device)

    @staticmethod
    def _table(start: int, kept: int, device: torch.device, inv_freq: Tensor) -> RotaryTable:
        return RotaryTable(torch.arange(start, start + kept, device=device), inv_freq)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend to the memory and, causally, to the tokens of this pass."""
        keys, values = self._memory[layer].extended(self._here.rotate(key)[0], value[0])
        self.record(layer, key, value)
        return scaled_dot_product_attention(
            self._here.rotate(query), keys[None], values[None], attn_mask=self._mask, enable_gqa=True
        )

    def record(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Stage the kept entries, keys rotated once to their packed positions."""
        if self._keep is not None:
            key, value = key[:, :, self._keep], value[:, :, self._keep]
        self._memory[layer].stage(self._packed.rotate(key)[0], value[0])

    def commit(self) -> None:
        """Add the staged entries to the memory: after this the pass is over."""
        for entries in self._memory:
            entries.commit()


def _lower_right_causal(tokens: int, before: int, device: torch.device) -> Tensor | None:
    """Boolean mask (tokens, before + tokens); a single token sees everything and needs none."""
    if tokens == 1:
        return None
    return torch.ones(tokens, before + tokens, dtype=torch.bool, device=device).tril(before)
