"""Several texts behind one memory at once: the memory is read once for all of them.

They lie one behind the other in one run of tokens. Each attends to the memory and to itself, and stands where
it would stand alone; so the results are those of one after the other, up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longreel.compress.context_window import rotation_within
from longreel.key_values import KeyValues
from longreel.models.engine.attend import Segment, attend_unseen, shares_of_attention
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.passes import Slots
from longreel.models.engine.placing import Placing
from longreel.positions import RotaryTable, consecutive


class _Own:
    """What the texts left so far: keys and values of each layer, and the number of the text of each entry."""

    def __init__(self, memory: KeyValues, device: torch.device, dtype: torch.dtype) -> None:
        self.lent = [
            Segment(held.keys.to(device, dtype), held.values.to(device, dtype)) for held in memory.layers
        ]
        self.entries = [Segment(lent.keys[:, :0], lent.values[:, :0]) for lent in self.lent]
        self.text = torch.empty(0, dtype=torch.int64, device=device)

    def add(self, layer: int, key: Tensor, value: Tensor) -> None:
        held = self.entries[layer]
        self.entries[layer] = Segment(torch.cat((held.keys, key), 1), torch.cat((held.values, value), 1))

    def segments(self, layer: int) -> list[Segment]:
        """The memory, if it holds anything, and what the texts left."""
        lent = self.lent[layer]
        return [lent, self.entries[layer]] if lent.keys.shape[1] else [self.entries[layer]]


class _SidePass:
    """New tokens of several texts, batch 1; see `AttentionPass`.

    Args:
        own: grown by this pass, which is for one use.
        text: int64 (n,), the number of the text of each token; in each text tokens are in order.
        watched: per text, indices of tokens whose attention to the memory is noted.
    """

    slots: Slots | None = None

    def __init__(self, own: _Own, text: Tensor, table: RotaryTable, watched: Sequence[Tensor] = ()) -> None:
        self._own, self._table, self._watched = own, table, watched
        before = len(own.text)
        own.text = torch.cat((own.text, text))
        ahead = torch.ones(len(text), len(own.text), dtype=torch.bool, device=text.device).triu(before + 1)
        self._unseen = ahead | (own.text[None] != text[:, None])
        self.shares: list[list[Tensor]] = [[] for _ in watched]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Attend to the memory and to what was said before in the same text."""
        self.record(layer, query, key, value)
        segments, turned = self._own.segments(layer), self._table.rotate(query)
        for noted, tokens in zip(self.shares, self._watched, strict=True):
            shares = shares_of_attention(turned[0, :, tokens], segments, self._unseen[tokens], scale)
            noted.append(shares[..., : self._own.lent[layer].keys.shape[1]])
        return attend_unseen(turned, segments, self._unseen, scale)

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Add the entries of this layer."""
        self._own.add(layer, self._table.rotate(key)[0], value[0])


@torch.no_grad()
def decode_side_by_side(
    model: Decoder, memory: KeyValues, questions: Sequence[Tensor], max_new_tokens: int, eos: frozenset[int]
) -> list[list[int]]:
    """Greedy answers to questions, int64 (n,) each, as `decode` gives them one after the other."""
    own = _Own(memory, model.device, model.dtype)
    rotation = rotation_within(memory.window, model.rotation)
    places = [Placing(rotation.dimensions, beside=model.text_beside, start=memory) for _ in questions]
    new: list[list[int]] = [[] for _ in questions]
    open_texts = dict(enumerate(questions))
    for _ in range(max_new_tokens):
        if not open_texts:
            break
        positions = torch.cat([places[text].text(len(ids)) for text, ids in open_texts.items()], dim=-1)
        side = _SidePass(
            own, _numbers(open_texts, model.device), RotaryTable(positions.to(model.device), rotation)
        )
        hidden = model.run(model.embed(torch.cat(list(open_texts.values())))[None], side)[0]
        last = torch.tensor([len(ids) for ids in open_texts.values()]).cumsum(0) - 1
        tokens = model.scores(hidden[last.to(hidden.device)]).argmax(-1).tolist()
        for text, token in zip(list(open_texts), tokens, strict=True):
            places[text].go_behind()
            if token in eos:
                del open_texts[text]
            else:
                new[text].append(token)
                open_texts[text] = torch.tensor([token])
    return new


@torch.no_grad()
def attention_side_by_side(
    model: Decoder, memory: KeyValues, texts: Sequence[Tensor], counts: Sequence[int]
) -> list[list[Tensor]]:
    """For each text, int64 (n,), what `attention_on_memory` gives of its last tokens, `counts` of them."""
    own = _Own(memory, model.device, model.dtype)
    rotation = rotation_within(memory.window, model.rotation)
    ends = torch.tensor([len(ids) for ids in texts]).cumsum(0).tolist()
    watched = [
        torch.arange(end - count, end, device=model.device) for end, count in zip(ends, counts, strict=True)
    ]
    positions = [consecutive(memory.next_position, len(ids), rotation.dimensions) for ids in texts]
    table = RotaryTable(torch.cat(positions, dim=-1).to(model.device), rotation)
    side = _SidePass(own, _numbers(dict(enumerate(texts)), model.device), table, watched)
    model.run(model.embed(torch.cat(list(texts)))[None], side)
    return side.shares


def _numbers(texts: dict[int, Tensor], device: torch.device) -> Tensor:
    numbers = [torch.full((len(ids),), number) for number, ids in texts.items()]
    return torch.cat(numbers).to(device)
