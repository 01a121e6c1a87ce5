"""Fill a memory with text and visual chunks, one pass after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.base import CacheCompressor, Chunk
from longreel.compress.context_window import RescaledWindow, rotation_within
from longreel.compress.summary_tokens import SummaryTokens
from longreel.key_values import TEXT, KeyValues, LayerMemory
from longreel.models.base import VisualTokens
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.entries import LayerEntries, Marks
from longreel.models.engine.passes import SequencePass, Slots
from longreel.positions import consecutive


class ChunkPlan(NamedTuple):
    """What happens to the raw tokens of one chunk.

    `slots` says where summary tokens stand (None: nowhere), `keep` which of the interleaved tokens stay
    in memory (None: all), and `tokens` which raw token, counted in the stream of visual tokens, each of
    the interleaved tokens belongs to.
    """

    slots: Slots | None
    keep: Tensor | None
    tokens: Tensor


def plan_chunk(tokens: int, first: int, compressor: CacheCompressor) -> ChunkPlan:
    """Ask a compressor about `tokens` raw tokens, the first of which is number `first` of the stream."""
    chunk = Chunk(tokens, first, compressor.slots(tokens))
    slots = None if chunk.slots is None else Slots.among(chunk.slots, chunk.length)
    return ChunkPlan(slots, compressor.keep(chunk), first + chunk.raw_tokens())


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
        start: a memory to begin with, never changed.
        borrow: read `start` where it lies and do not copy it; such a prefill only takes text.
        window: the rotary table of a memory from its first token on, None for the model's own; not used with
            `start`, which has its own.
    """

    def __init__(
        self,
        model: Decoder,
        start: KeyValues | None = None,
        *,
        borrow: bool = False,
        window: RescaledWindow | None = None,
    ) -> None:
        self._model = model
        self._window = window if start is None else start.window
        self._rotation = rotation_within(self._window, model.rotation)
        self._axes = model.rotation.dimensions
        device, dtype = model.device, model.dtype
        if start is None:
            self._layers = [LayerEntries.empty(shape, device, dtype) for shape in model.layer_shapes]
            none = torch.empty(0, dtype=torch.int64)
            self._marks = [Marks(consecutive(0, 0, self._axes), none)] * len(self._layers)
            self.next_position, self._end, self.visual_tokens = 0, 0, 0
            # Where the present stretch of visual tokens began, and the time of its first; see `KeyValues`.
            self._run: tuple[int, int] | None = None
        else:
            make = LayerEntries.lent if borrow else LayerEntries.of
            self._layers = [make(layer, device, dtype) for layer in start.layers]
            self._marks = _shared([Marks(layer.positions, layer.token) for layer in start.layers])
            self.next_position, self._run = start.next_position, start.run
            self._end = start.next_position if start.end is None else start.end
            self.visual_tokens = start.visual_tokens

    @property
    def length(self) -> int:
        """Entries of the first layer so far."""
        return self._layers[0].length

    def text(self, ids: Tensor) -> Tensor:
        """Add text, kept whole; returns the hidden states (len(ids), width)."""
        if len(ids) == 0:
            return self._model.embed(ids)
        positions = consecutive(self.next_position, len(ids), self._axes)
        attention_pass = SequencePass(self._layers, positions, self._rotation)
        hidden = self._model.run(self._model.embed(ids)[None], attention_pass)
        self._close(attention_pass, Marks(positions, torch.full((len(ids),), TEXT)))
        self.next_position += len(ids)
        self._end = max(self._end, self.next_position)
        self._run = None
        return hidden[0]

    def go_behind(self) -> None:
        """What follows stands behind every position so far."""
        self.next_position = self._end

    def visual(self, tokens: VisualTokens | Tensor, compressor: CacheCompressor) -> None:
        """Add one chunk of visual tokens, or of bare embeddings (n, width); what the compressor says stays.

        Text among them stays always.
        """
        if isinstance(tokens, Tensor):
            tokens = _bare(tokens)
        plan = plan_chunk(len(tokens), self.visual_tokens, compressor)
        chunk = _Laid(self._model, tokens, plan)
        positions = self._placed(chunk, tokens.place)
        keep, settled = chunk.kept(plan.keep), None
        if self._model.packed and keep is not None:
            settled = consecutive(int(positions[0]), len(keep), self._axes)
        attention_pass = SequencePass(self._layers, positions, self._rotation, chunk.slots, keep, settled)
        self._model.run_for_memory(chunk.embeddings[None], attention_pass, chunk.deep)
        marks = Marks(positions, chunk.token)
        if keep is not None:
            marks = marks.at(keep) if settled is None else Marks(settled, chunk.token[keep])
        self._close(attention_pass, marks)
        if settled is not None:
            self.next_position += len(settled) - len(chunk.token)
        if self._model.packed:
            self._end = self.next_position
        self.visual_tokens += len(tokens)
        self._forget(compressor)

    def key_values(self) -> KeyValues:
        """The memory so far, as tensors of its own."""
        layers = tuple(
            LayerMemory(layer.keys.clone(), layer.values.clone(), marks.positions, marks.token)
            for layer, marks in zip(self._layers, self._marks, strict=True)
        )
        end = None if self._end == self.next_position else self._end
        return KeyValues(layers, self.next_position, self.visual_tokens, self._run, end, self._window)

    def _placed(self, chunk: _Laid, place: Tensor | None) -> Tensor:
        """Where the tokens of a chunk stand; the next position moves behind them."""
        if place is None:
            positions = consecutive(self.next_position, len(chunk.token), self._axes)
            self.next_position += len(chunk.token)
            self._run = None
            return positions
        parts = []
        for is_text, count, first in chunk.runs:
            if is_text:
                parts.append(consecutive(self.next_position, count, self._axes))
                self.next_position += count
                self._end = max(self._end, self.next_position)
                self._run = None
            else:
                if self._run is None:
                    self._run = (self.next_position, int(place[0, first]))
                begin, time = self._run
                parts.append(begin + place[:, first : first + count] - torch.tensor([[time], [0], [0]]))
                self._end = max(self._end, int(parts[-1].max()) + 1)
                # The last token of a picture is its lower right corner.
                beside = begin + int(place[1:, first + count - 1].max()) + 1
                self.next_position = beside if self._model.text_beside else self._end
        return torch.cat(parts, dim=1)

    def _forget(self, compressor: CacheCompressor) -> None:
        """Drop what the compressor no longer wants of the memory."""
        done: dict[int, tuple[Tensor | None, Marks]] = {}
        for number, (layer, marks) in enumerate(zip(self._layers, self._marks, strict=True)):
            if id(marks) not in done:
                stays = compressor.remember(marks.token)
                done[id(marks)] = (stays, marks if stays is None else marks.at(stays))
            stays, left = done[id(marks)]
            if stays is not None:
                layer.select(stays.to(layer.device))
                self._marks[number] = left

    def _close(self, attention_pass: SequencePass, more: Marks) -> None:
        attention_pass.commit()
        joined: dict[int, Marks] = {}
        for number, marks in enumerate(self._marks):
            if id(marks) not in joined:
                joined[id(marks)] = marks.followed_by(more)
            self._marks[number] = joined[id(marks)]


class _Laid:
    """A chunk as the decoder gets it: visual and summary tokens, and the text among them.

    embeddings: (m, width). token: int64 (m,), `TEXT` for text. slots, deep: of all m tokens.
    runs: (is text, how many, number of the first visual token) of each stretch of one kind.
    """

    def __init__(self, model: Decoder, tokens: VisualTokens, plan: ChunkPlan) -> None:
        raw = tokens.embeddings.to(model.device, model.dtype)
        self.embeddings = model.interleaved(raw, plan.slots)
        self.slots, self.token, self.deep = plan.slots, plan.tokens, tokens.deep
        self._visual: Tensor | None = None
        self.runs = [(False, len(self.token), 0)]
        if tokens.words:
            self._weave(model, tokens)

    def kept(self, keep: Tensor | None) -> Tensor | None:
        """Which of all m tokens stay, if of the visual ones those at `keep` do."""
        if keep is None or self._visual is None:
            return keep
        stays = self.token == TEXT
        stays[self._visual[keep]] = True
        return stays.nonzero().flatten()

    def _weave(self, model: Decoder, tokens: VisualTokens) -> None:
        """Put the words in; models with words among frames have no summary tokens."""
        if self.slots is not None:
            raise ValueError("summary tokens and text among frames do not go together")
        embeddings, token, runs, begin = [], [], [], 0
        for before, ids in (*tokens.words, (len(tokens), torch.empty(0, dtype=torch.int64))):
            if before > begin:
                embeddings.append(self.embeddings[begin:before])
                token.append(self.token[begin:before])
                runs.append((False, before - begin, begin))
                begin = before
            if len(ids):
                embeddings.append(model.embed(ids))
                token.append(torch.full((len(ids),), TEXT))
                runs.append((True, len(ids), before))
        self.embeddings, self.token, self.runs = torch.cat(embeddings), torch.cat(token), runs
        self._visual = (self.token != TEXT).nonzero().flatten()
        if tokens.deep is not None:
            deep = tokens.deep.new_zeros(len(tokens.deep), *self.embeddings.shape)
            deep[:, self._visual] = tokens.deep
            self.deep = deep


def _bare(embeddings: Tensor) -> VisualTokens:
    times = torch.zeros(len(embeddings), dtype=torch.float64)
    return VisualTokens(embeddings, times, times, torch.zeros(len(embeddings), dtype=torch.int64))


def _shared(marks: list[Marks]) -> list[Marks]:
    """The same object for layers whose marks are the same tensors."""
    first: dict[tuple[int, int], Marks] = {}
    return [first.setdefault((id(one.positions), id(one.token)), one) for one in marks]
