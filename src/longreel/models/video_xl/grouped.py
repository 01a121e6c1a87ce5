"""All intervals of a batch of films in one forward pass: the training form.

Mathematically the interval-by-interval loop of `Prefill`, layer by layer instead of interval by
interval: at a given layer the summaries of all intervals are made at once, then every interval attends
to those of the intervals before it. One ratio holds for the whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from longreel.compress.summary_tokens import SummaryTokens
from longreel.models.engine.entries import LayerEntries
from longreel.models.engine.passes import SequencePass, Slots
from longreel.positions import RotaryTable

if TYPE_CHECKING:
    from longreel.models.video_xl.language_model import SummaryTokenLM


class FilmMemories(NamedTuple):
    """Memories of B films: per layer (B, kv_heads, M, head_dim), which entries are real (B, M), how many."""

    keys: list[Tensor]
    values: list[Tensor]
    valid: Tensor
    lengths: Tensor


def watch_films(
    model: SummaryTokenLM,
    prefix_ids: Tensor,
    visual: Tensor,
    lengths: Tensor,
    *,
    interval: int,
    ratio: int,
) -> FilmMemories:
    """Watch B films at once, differentiably.

    Args:
        prefix_ids: int64 (p,), p >= 1, shared by the films.
        visual: (B, V, width), V a multiple of `interval`; padding behind each film's end is ignored.
        lengths: int64 (B,), visual tokens per film.
        interval: visual tokens condensed together.
        ratio: visual tokens per summary token; 1 keeps the raw tokens.
    """
    prefix = [LayerEntries.empty(shape, model.device, model.dtype) for shape in model.layer_shapes]
    text = SequencePass(prefix, torch.arange(len(prefix_ids)), model.rotation)
    model.run(model.embed(prefix_ids)[None], text)
    text.commit()
    group = _IntervalGroup(model, prefix, visual.shape[0], visual.shape[1] // interval, interval, ratio)
    model.run_for_memory(_interleaved(model, visual, group), group)
    kept = group.kept_of(lengths)
    valid = torch.arange(group.memory_length, device=lengths.device)[None] < (kept + len(prefix_ids))[:, None]
    return FilmMemories(group.keys, group.values, valid, kept + len(prefix_ids))


def _interleaved(model: SummaryTokenLM, visual: Tensor, group: _IntervalGroup) -> Tensor:
    """(B, V, width) to (B * W, interval with its summary slots, width)."""
    return model.interleaved(visual.reshape(-1, group.interval, visual.shape[-1]), group.slots)


class _IntervalGroup:
    """The pass of B films x W intervals; see `AttentionPass`."""

    def __init__(
        self,
        model: SummaryTokenLM,
        prefix: list[LayerEntries],
        films: int,
        windows: int,
        interval: int,
        ratio: int,
    ) -> None:
        summaries = SummaryTokens(ratio).slots(interval)
        self.slots = None if summaries is None else Slots.among(summaries, interval + len(summaries))
        self.interval, self.ratio = interval, ratio
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self._films, self._windows, self._prefix = films, windows, prefix
        self._kept = interval // ratio
        tokens = interval + (0 if self.slots is None else self._kept)
        self._here = self._table(tokens, model)
        self._packed = self._table(self._kept, model)

    def _table(self, count: int, model: SummaryTokenLM) -> RotaryTable:
        """Positions of `count` tokens behind the memory before each interval."""
        before = self._prefix[0].length + torch.arange(self._windows)[:, None] * self._kept
        places = (before + torch.arange(count)).repeat(self._films, 1)[:, None]
        return RotaryTable(places.to(self._prefix[0].device), model.rotation)

    @property
    def memory_length(self) -> int:
        """Entries of one film's memory, prefix included."""
        return self._prefix[0].length + self._windows * self._kept

    def kept_of(self, lengths: Tensor) -> Tensor:
        """Summaries of films of the given lengths: n // r of every interval, the last one short."""
        full, tail = lengths // self.interval, lengths % self.interval
        return full * self._kept + tail // self.ratio

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Gather what every interval keeps into (B, kv_heads, M, head_dim), prefix first."""
        if self.slots is not None:
            key, value = key[:, :, self.slots.summary], value[:, :, self.slots.summary]
        entries = self._prefix[layer]
        self.keys.append(self._join(entries.keys, self._packed.rotate(key)))
        self.values.append(self._join(entries.values, value))

    def _join(self, prefix: Tensor, kept: Tensor) -> Tensor:
        heads, head_dim = kept.shape[1], kept.shape[3]
        films = kept.view(self._films, self._windows, heads, self._kept, head_dim).transpose(1, 2)
        films = films.reshape(self._films, heads, -1, head_dim)
        return torch.cat((prefix[None].expand(self._films, -1, -1, -1), films), dim=2)

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Every interval attends to [the memory before it | itself]."""
        self.record(layer, query, key, value)
        query, key = (self._by_window(self._here.rotate(part)) for part in (query, key))
        value = self._by_window(value)
        # One fused call per interval: no scores are computed for memory that lies in its future.
        outputs = [self._attend_window(layer, w, query[w], key[w], value[w]) for w in range(self._windows)]
        return torch.stack(outputs, dim=1).flatten(0, 1)

    def _by_window(self, part: Tensor) -> Tensor:
        return part.view(self._films, self._windows, *part.shape[1:]).transpose(0, 1)

    def _attend_window(self, layer: int, window: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        before = self._prefix[0].length + window * self._kept
        return scaled_dot_product_attention(
            query,
            torch.cat((self.keys[layer][:, :, :before], key), dim=2),
            torch.cat((self.values[layer][:, :, :before], value), dim=2),
            attn_mask=torch.ones(
                key.shape[2], before + key.shape[2], dtype=torch.bool, device=key.device
            ).tril(before),
            enable_gqa=True,
        )


class _TextRows:
    """The pass of rows of text, each after the memory of its film; see `AttentionPass`."""

    slots: Slots | None = None

    def __init__(self, model: SummaryTokenLM, memories: FilmMemories, rows: int, tokens: int) -> None:
        self._memories, self._rows = memories, rows
        films, device = len(memories.lengths), memories.lengths.device
        places = memories.lengths[:, None, None] + torch.arange(tokens, device=device).expand(rows, tokens)
        self._here = RotaryTable(places.reshape(films, 1, rows * tokens), model.rotation)
        self._beyond = ~memories.valid[:, None, None]
        self._later = torch.ones(tokens, tokens, dtype=torch.bool, device=device).triu(1)

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Text of a question is not kept."""

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """One softmax over [the film's memory | the row itself, causally].

        The two parts of the scores are made apart: no row is ever compared with another.
        """
        query, key = self._here.rotate(query) * query.shape[-1] ** -0.5, self._here.rotate(key)
        groups = query.shape[1] // key.shape[1]
        key, value, seen, told = (
            part.repeat_interleave(groups, dim=1)
            for part in (key, value, self._memories.keys[layer], self._memories.values[layer])
        )
        query, key, value = (part.unflatten(2, (self._rows, -1)) for part in (query, key, value))
        of_film = query.flatten(2, 3) @ seen.transpose(-1, -2)
        of_row = (query @ key.transpose(-1, -2)).masked_fill(self._later, -torch.inf).flatten(2, 3)
        scores = torch.cat((of_film.masked_fill(self._beyond, -torch.inf), of_row), dim=-1)
        shares = scores.softmax(-1).to(value.dtype).split((seen.shape[2], of_row.shape[-1]), dim=-1)
        from_film, from_row = (share.contiguous() for share in shares)
        said: Tensor = from_row.unflatten(2, (self._rows, -1)) @ value
        attended: Tensor = from_film @ told + said.flatten(2, 3)
        return attended


def read_rows(model: SummaryTokenLM, memories: FilmMemories, ids: Tensor) -> Tensor:
    """Hidden states of text rows, each read after its film's memory and independently of the others.

    Args:
        ids: int64 (B, Q, L), Q rows of L tokens for each film, padded at the end.

    Returns:
        (B, Q, L, width).
    """
    films, rows, tokens = ids.shape
    text = _TextRows(model, memories, rows, tokens)
    hidden = model.run(model.embed(ids.reshape(films, rows * tokens)), text)
    return hidden.view(films, rows, tokens, -1)
