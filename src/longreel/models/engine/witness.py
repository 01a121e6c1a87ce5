"""Where the tokens of an answer look: their attention over the memory, layer by layer and head by head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longreel.compress.context_window import rotation_within
from longreel.key_values import KeyValues
from longreel.models.engine.attend import shares_of_attention
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.entries import LayerEntries
from longreel.models.engine.passes import SequencePass
from longreel.positions import Rotation, consecutive


class WitnessPass(SequencePass):
    """A pass of text that notes what share of its last tokens' attention each entry of the memory gets.

    Args:
        memory, positions, rotation: as for `SequencePass`.
        count: how many tokens, from the last one back, are watched.
    """

    def __init__(self, memory: list[LayerEntries], positions: Tensor, rotation: Rotation, count: int) -> None:
        super().__init__(memory, positions, rotation)
        self._count = count
        self.shares: list[Tensor] = []

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Attend as any text does, and note it."""
        before = self._memory[layer].length
        attended = super().attend(layer, query, key, value, scale)
        segments = self._memory[layer].extended(self._here.rotate(key)[0], value[0])
        watched = self._here.rotate(query)[0, :, -self._count :]
        own = segments[-1].keys.shape[1]
        ahead = torch.ones(self._count, own, dtype=torch.bool, device=query.device)
        shares = shares_of_attention(watched, segments, ahead.triu(own - self._count + 1), scale)
        self.shares.append(shares[:, :before])
        return attended


@torch.no_grad()
def attention_on_memory(model: Decoder, memory: KeyValues, ids: Tensor, count: int) -> list[Tensor]:
    """How the last `count` tokens of the text `ids` (n,) attend to a memory.

    Returns:
        Per layer float32 (heads, entries): means over those tokens. What is missing to one went to the text.
    """
    layers = [LayerEntries.lent(layer, model.device, model.dtype) for layer in memory.layers]
    positions = consecutive(memory.next_position, len(ids), model.rotation.dimensions)
    witness = WitnessPass(layers, positions, rotation_within(memory.window, model.rotation), count)
    model.run(model.embed(ids)[None], witness)
    return witness.shares


def text_of_answer(ids: Tensor, new_ids: Sequence[int]) -> Tensor:
    """The text (n,) whose last tokens chose the answer: each is chosen at the place before its own."""
    return torch.cat((ids, torch.tensor(list(new_ids[:-1]), dtype=ids.dtype)))
