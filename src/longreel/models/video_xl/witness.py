"""Where the tokens of an answer look: their attention over the memory, layer by layer and head by head."""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.key_values import KeyValues
from longreel.models.video_xl.entries import LayerEntries
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.models.video_xl.passes import SequencePass


class WitnessPass(SequencePass):
    """A pass of text that notes what share of its last tokens' attention each entry of the memory gets.

    Args:
        memory, tokens, inv_freq: as for `SequencePass`.
        count: how many tokens, from the last one back, are watched.
    """

    def __init__(self, memory: list[LayerEntries], tokens: int, inv_freq: Tensor, count: int) -> None:
        super().__init__(memory, tokens, inv_freq)
        self._count = count
        self._before = memory[0].length
        self.shares: list[Tensor] = []

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend as any text does, and note it."""
        attended = super().attend(layer, query, key, value)
        keys, _ = self._memory[layer].extended(self._here.rotate(key)[0], value[0])
        watched = self._here.rotate(query)[0, :, -self._count :]
        keys = keys.repeat_interleave(len(watched) // len(keys), dim=0)
        scores = (watched @ keys.transpose(1, 2)).float() * watched.shape[-1] ** -0.5
        if self._mask is not None:
            scores = scores.masked_fill(~self._mask[-self._count :], -torch.inf)
        self.shares.append(scores.softmax(-1)[..., : self._before].mean(1))
        return attended


@torch.no_grad()
def attention_on_memory(model: SummaryTokenLM, memory: KeyValues, ids: Tensor, count: int) -> Tensor:
    """How the last `count` tokens of the text `ids` (n,) attend to a memory.

    Returns:
        float32 (layers, heads, entries): means over those tokens. What is missing to one went to the text.
    """
    device, dtype = model.device, model.dtype
    layers = [
        LayerEntries(layer.keys.to(device, dtype), layer.values.to(device, dtype), len(ids) + 1)
        for layer in memory.layers
    ]
    witness = WitnessPass(layers, len(ids), model.inv_freq, count)
    model.run(model.embed(ids)[None], witness)
    return torch.stack(witness.shares)
