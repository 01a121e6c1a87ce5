"""Films cut into intervals of any lengths and ratios, in one forward pass: the training form of dynamic ones.

The same as `SummaryTokenLM.watch` on each film with its own intervals. As those differ, every interval is
laid out alike: room for the most visual tokens, then room for the most summaries. Where each of them stands,
and what it sees, follows from its place in the interval as it would be interleaved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from longreel.key_values import Interval
from longreel.models.engine.entries import LayerEntries
from longreel.models.engine.passes import SequencePass, Slots
from longreel.models.video_xl.grouped import FilmMemories
from longreel.positions import RotaryTable

if TYPE_CHECKING:
    from longreel.models.video_xl.language_model import SummaryTokenLM


def watch_cut_films(
    model: SummaryTokenLM, prefix_ids: Tensor, visual: Tensor, intervals: Sequence[Sequence[Interval]]
) -> FilmMemories:
    """Watch B films at once, differentiably, each cut into intervals of its own.

    Args:
        prefix_ids: int64 (p,), p >= 1, shared by the films.
        visual: (B, V, width); what is behind a film's last interval is ignored.
        intervals: for each film the lengths and ratios of its intervals, at least one in all.

    Raises:
        ValueError: intervals are longer than `visual`, or one has no tokens or a ratio below 1.
    """
    _check(visual, intervals)
    prefix = [LayerEntries.empty(shape, model.device, model.dtype) for shape in model.layer_shapes]
    text = SequencePass(prefix, torch.arange(len(prefix_ids)), model.rotation)
    model.run(model.embed(prefix_ids)[None], text)
    text.commit()
    layout = _Layout(intervals, model.device)
    group = _CutIntervals(model, prefix, layout)
    model.run_for_memory(layout.inputs(model, visual.to(model.device, model.dtype)), group)
    kept = layout.kept.sum(1) + len(prefix_ids)
    stays = torch.ones(len(intervals), len(prefix_ids), dtype=torch.bool, device=model.device)
    return FilmMemories(group.keys, group.values, torch.cat((stays, layout.stays.flatten(1)), dim=1), kept)


def _check(visual: Tensor, intervals: Sequence[Sequence[Interval]]) -> None:
    if len(visual) != len(intervals) or not any(intervals):
        raise ValueError(f"intervals of {len(intervals)} films for {len(visual)}")
    if any(tokens < 1 or ratio < 1 for film in intervals for tokens, ratio in film):
        raise ValueError("an interval has at least one token, and a ratio of at least 1")
    if max(sum(tokens for tokens, _ in film) for film in intervals) > visual.shape[1]:
        raise ValueError(f"intervals are longer than the {visual.shape[1]} visual tokens there are")


class _Layout:
    """Where everything stands in B films of W intervals, filled up with empty ones.

    kept: int64 (B, W), entries that stay. stays: bool (B, W, K), which of the most there are room for.
    raw_room, summary_room: R and S, of the R + S places in an interval.
    rank: int64 (B, W, R + S), the place in the interval as it is interleaved; behind all others for padding.
    real: bool (B, W, R + S). source: int64 (B, W, K), the place of each entry that stays.
    """

    def __init__(self, intervals: Sequence[Sequence[Interval]], device: torch.device) -> None:
        most = max(map(len, intervals))
        filled = [[*film, *[Interval(0, 1)] * (most - len(film))] for film in intervals]
        self.tokens, self.ratios = torch.tensor(filled, device=device).unbind(-1)
        self.kept = self.tokens // self.ratios
        summaries = self.kept * (self.ratios > 1)
        self.raw_room, self.summary_room = int(self.tokens.max()), int(summaries.max())
        raw = torch.arange(self.raw_room, device=device)
        summary = torch.arange(self.summary_room, device=device)
        ratio = self.ratios[..., None]
        of_raw = raw + raw // ratio * (ratio > 1)
        of_summary = (summary + 1) * ratio + summary
        self.real = torch.cat((raw < self.tokens[..., None], summary < summaries[..., None]), dim=-1)
        behind = 2 * self.raw_room
        self.rank = torch.cat((of_raw, of_summary), dim=-1).masked_fill(~self.real, behind)
        entry = torch.arange(int(self.kept.max()), device=device)
        self.stays = entry < self.kept[..., None]
        places = self.raw_room + self.summary_room
        self.source = (entry + self.raw_room * (ratio > 1)).clamp(max=places - 1)

    @property
    def slots(self) -> Slots | None:
        """Where the summaries are, the same in every interval."""
        if not self.summary_room:
            return None
        places = torch.arange(self.raw_room + self.summary_room, device=self.tokens.device)
        return Slots(places[: self.raw_room], places[self.raw_room :])

    def inputs(self, model: SummaryTokenLM, visual: Tensor) -> Tensor:
        """(B, V, width) to (B * W, R + S, width)."""
        begin = self.tokens.cumsum(1) - self.tokens
        places = begin[..., None] + torch.arange(self.raw_room, device=visual.device)
        real = self.real[..., : self.raw_room]
        index = places.masked_fill(~real, 0).flatten(1)[..., None].expand(-1, -1, visual.shape[2])
        raw = visual.gather(1, index).unflatten(1, real.shape[1:]) * real[..., None]
        return torch.cat((raw, self._summaries(model, raw)), dim=2).flatten(0, 1)

    def _summaries(self, model: SummaryTokenLM, raw: Tensor) -> Tensor:
        """What each summary enters the first layer as, (B, W, S, width)."""
        learned = model.summary_embedding.to(raw.dtype)
        told = learned.expand(*raw.shape[:2], self.summary_room, -1)
        if model.config.summary_start != "mean" or not self.summary_room:
            return told
        ratio = self.ratios[..., None]
        group = torch.arange(self.raw_room, device=raw.device) // ratio
        condensed = (group < self.kept[..., None]) & (ratio > 1)
        index = group.masked_fill(~condensed, 0)[..., None].expand_as(raw)
        sums = torch.zeros_like(told).scatter_add(2, index, raw * condensed[..., None])
        return told + sums / ratio[..., None]


class _CutIntervals:
    """The pass of B films x W intervals; see `AttentionPass`."""

    def __init__(self, model: SummaryTokenLM, prefix: list[LayerEntries], layout: _Layout) -> None:
        self.slots = layout.slots
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self._prefix, self._layout = prefix, layout
        before = prefix[0].length + layout.kept.cumsum(1) - layout.kept
        packed = before[..., None] + torch.arange(layout.stays.shape[2], device=before.device)
        self._here = RotaryTable((before[..., None] + layout.rank).flatten(0, 1)[:, None], model.rotation)
        self._packed = RotaryTable(packed.flatten(0, 1)[:, None], model.rotation)

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Gather what every interval keeps into (B, kv_heads, M, head_dim), prefix first."""
        entries, source = self._prefix[layer], self._layout.source.flatten(0, 1)
        index = source[:, None, :, None].expand(-1, key.shape[1], -1, key.shape[3])
        self.keys.append(self._join(entries.keys, self._packed.rotate(key.gather(2, index))))
        self.values.append(self._join(entries.values, value.gather(2, index)))

    def _join(self, prefix: Tensor, kept: Tensor) -> Tensor:
        films, windows = self._layout.kept.shape
        joined = kept.unflatten(0, (films, windows)).transpose(1, 2).flatten(2, 3)
        return torch.cat((prefix[None].expand(films, -1, -1, -1), joined), dim=2)

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Every interval attends to [the memory before it | itself]."""
        self.record(layer, query, key, value)
        films, windows = self._layout.kept.shape
        query, key = self._here.rotate(query), self._here.rotate(key)
        parts = [part.unflatten(0, (films, windows)).unbind(1) for part in (query, key, value)]
        outputs = [
            self._attend_window(layer, w, *window) for w, window in enumerate(zip(*parts, strict=True))
        ]
        return torch.stack(outputs, dim=1).flatten(0, 1)

    def _attend_window(self, layer: int, window: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        before = self._prefix[0].length + window * self._layout.stays.shape[2]
        return scaled_dot_product_attention(
            query,
            torch.cat((self.keys[layer][:, :, :before], key), dim=2),
            torch.cat((self.values[layer][:, :, :before], value), dim=2),
            attn_mask=self._seen(window)[:, None],
            enable_gqa=True,
        )

    def _seen(self, window: int) -> Tensor:
        """What each token of an interval sees: bool (B, R + S, entries before it + R + S)."""
        layout = self._layout
        rank, real = layout.rank[:, window], layout.real[:, window]
        inside = (rank[:, None] <= rank[:, :, None]) & real[:, None]
        text = real.new_ones(len(real), self._prefix[0].length)
        before = torch.cat((text, layout.stays[:, :window].flatten(1)), dim=1)
        return torch.cat((before[:, None].expand(-1, rank.shape[1], -1), inside), dim=2)
