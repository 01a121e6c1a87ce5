"""Fill a memory with text and visual intervals, one pass after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from longreel.compress.base import CacheCompressor, Chunk
from longreel.compress.summary_tokens import SummaryTokens
from longreel.key_values import TEXT, KeyValues, LayerMemory
from longreel.models.video_xl.entries import LayerEntries
from longreel.models.video_xl.passes import SequencePass, Slots

if TYPE_CHECKING:
    from longreel.models.video_xl.language_model import SummaryTokenLM


class IntervalPlan(NamedTuple):
    """What happens to the n raw tokens of one interval.

    `slots` says where summary tokens stand (None: nowhere), `keep` which of the interleaved tokens stay
    in memory (None: all), and `tokens` which raw token, counted in the stream of visual tokens, each kept
    entry belongs to.
    """

    slots: Slots | None
    keep: Tensor | None
    tokens: Tensor


def plan_interval(tokens: int, first: int, compressor: CacheCompressor) -> IntervalPlan:
    """Ask a compressor about `tokens` raw tokens, the first of which is number `first` of the stream."""
    chunk = Chunk(tokens, first, compressor.slots(tokens))
    keep = compressor.keep(chunk)
    followed = first + chunk.raw_tokens()
    return IntervalPlan(
        None if chunk.slots is None else Slots.among(chunk.slots, chunk.length),
        keep,
        followed if keep is None else followed[keep],
    )


def cut(tokens: int, interval: int, ratios: Sequence[int]) -> list[tuple[slice, SummaryTokens]]:
    """Cut `tokens` visual tokens into intervals and give each its ratio.

    Raises:
        ValueError: see `SummaryTokenLM.watch`.
    """
    if interval < 1:
        raise ValueError(f"interval must be at least 1, got {interval}")
    starts = range(0, tokens, interval)
    if len(ratios) not in {1, len(starts)}:
        raise ValueError(f"ratios must hold 1 or {len(starts)} values (one per interval), got {len(ratios)}")
    if any(ratio < 1 for ratio in ratios):
        raise ValueError(f"ratios must be at least 1, got {list(ratios)}")
    each = [SummaryTokens(int(ratio)) for ratio in ratios]
    each = each * len(starts) if len(each) == 1 else each
    return [
        (slice(start, min(start + interval, tokens)), part) for start, part in zip(starts, each, strict=True)
    ]


class Prefill:
    """A memory in the making, for one film and one thread.

    Args:
        model: the language model, read only.
        start: entries to begin with (a reopened memory); copied, never changed.
        room: entries to reserve behind it.
    """

    def __init__(self, model: SummaryTokenLM, start: KeyValues | None = None, room: int = 0) -> None:
        self._model = model
        self._inv_freq = model.inv_freq
        if start is None:
            self._layers = [model.no_entries() for _ in model.model.layers]
            self._tokens = torch.empty(0, dtype=torch.int64)
            self.visual_tokens = 0
        else:
            device, dtype = model.device, model.dtype
            self._layers = [
                LayerEntries(layer.keys.to(device, dtype), layer.values.to(device, dtype), room + 1)
                for layer in start.layers
            ]
            self._tokens = start.layers[0].token
            self.visual_tokens = start.visual_tokens

    @property
    def length(self) -> int:
        """Entries so far, the same in every layer; also the next free position."""
        return self._layers[0].length

    def text(self, ids: Tensor) -> Tensor:
        """Add text, kept whole; returns the hidden states (len(ids), width)."""
        if len(ids) == 0:
            return self._model.embed(ids)
        attention_pass = SequencePass(self._layers, len(ids), self._inv_freq)
        hidden = self._model.run(self._model.embed(ids)[None], attention_pass)
        self._close(attention_pass, torch.full((len(ids),), TEXT))
        return hidden[0]

    def visual(self, embeddings: Tensor, compressor: CacheCompressor) -> None:
        """Add one interval of (n, width) visual embeddings and keep what the compressor says."""
        plan = plan_interval(len(embeddings), self.visual_tokens, compressor)
        inputs = self._model.interleaved(embeddings.to(self._model.device, self._model.dtype), plan.slots)
        attention_pass = SequencePass(self._layers, len(inputs), self._inv_freq, plan.slots, plan.keep)
        self._model.run_for_memory(inputs[None], attention_pass)
        self._close(attention_pass, plan.tokens)
        self.visual_tokens += len(embeddings)

    def key_values(self) -> KeyValues:
        """The memory so far, as tensors of its own."""
        positions = torch.arange(self.length)
        layers = tuple(
            LayerMemory(layer.keys.clone(), layer.values.clone(), positions, self._tokens)
            for layer in self._layers
        )
        return KeyValues(layers=layers, next_position=self.length, visual_tokens=self.visual_tokens)

    def _close(self, attention_pass: SequencePass, tokens: Tensor) -> None:
        attention_pass.commit()
        self._tokens = torch.cat((self._tokens, tokens))
