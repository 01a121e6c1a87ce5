"""Fill a memory with text and visual chunks, one pass after the other."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple, overload

import torch
from torch import Tensor

from longreel.compress.base import AttentionCompressor, CacheCompressor, Chunk, ChunkCompressor
from longreel.compress.context_window import RescaledWindow, rotation_within
from longreel.compress.kinds import choosing, planning
from longreel.compress.summary_tokens import SummaryTokens
from longreel.key_values import TEXT, KeyValues, LayerMemory
from longreel.models.base import VisualTokens
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.entries import LayerEntries, Marks
from longreel.models.engine.passes import SequencePass, Slots
from longreel.models.engine.placing import Placing, Stretch
from longreel.models.engine.scored_pass import ScoredPass
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


def cut(
    tokens: int, interval: int | Sequence[int], ratios: Sequence[int]
) -> list[tuple[slice, SummaryTokens]]:
    """Cut `tokens` visual tokens into intervals and give each its ratio.

    Raises:
        ValueError: see `SummaryTokenLM.watch`.
    """
    ends = _ends(tokens, interval)
    if len(ratios) not in {1, len(ends)}:
        raise ValueError(f"ratios must hold 1 or {len(ends)} values (one per interval), got {len(ratios)}")
    if any(ratio < 1 for ratio in ratios):
        raise ValueError(f"ratios must be at least 1, got {list(ratios)}")
    each = [SummaryTokens(int(ratio)) for ratio in ratios]
    each = each * len(ends) if len(each) == 1 else each
    parts = [slice(start, end) for start, end in pairwise((0, *ends))]
    return list(zip(parts, each, strict=True))


def _ends(tokens: int, interval: int | Sequence[int]) -> list[int]:
    """Where each interval ends: after so many tokens each, or one after the other as listed."""
    if isinstance(interval, Sequence):
        if any(length < 1 for length in interval) or sum(interval) != tokens:
            raise ValueError(f"intervals of {list(interval)} tokens do not make up {tokens} visual tokens")
        return list(accumulate(interval))
    if interval < 1:
        raise ValueError(f"interval must be at least 1, got {interval}")
    return [min(start + interval, tokens) for start in range(0, tokens, interval)]


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
            self.visual_tokens = 0
        else:
            make = LayerEntries.lent if borrow else LayerEntries.of
            self._layers = [make(layer, device, dtype) for layer in start.layers]
            self._marks = _shared([Marks(layer.positions, layer.token) for layer in start.layers])
            self.visual_tokens = start.visual_tokens
        self._places = Placing(self._axes, beside=model.text_beside, start=start)
        if start is not None and not borrow:
            self._places.go_on(start.squeeze)

    @property
    def length(self) -> int:
        """Entries of the first layer so far."""
        return self._layers[0].length

    def text(self, ids: Tensor) -> Tensor:
        """Add text, kept whole; returns the hidden states (len(ids), width)."""
        if len(ids) == 0:
            return self._model.embed(ids)
        positions = self._places.text(len(ids))
        attention_pass = SequencePass(self._layers, positions, self._rotation)
        hidden = self._model.run(self._model.embed(ids)[None], attention_pass)
        attention_pass.commit()
        self._add([Marks(positions, torch.full((len(ids),), TEXT))] * len(self._layers))
        return hidden[0]

    def go_behind(self) -> None:
        """What follows stands behind every position so far."""
        self._places.go_behind()

    def film_ends(self) -> None:
        """What follows stands where text behind a film does, whatever moved together in it."""
        self._places.film_ends()

    def visual(
        self, tokens: VisualTokens | Tensor, compressor: ChunkCompressor, question: Tensor | None = None
    ) -> None:
        """Add one chunk of visual tokens, or of bare embeddings (n, width); what the compressor says stays.

        Text among them stays always.

        Args:
            question: int64 (q,), ids behind the chunk by which a compressor chooses; they leave no trace.
        """
        if isinstance(tokens, Tensor):
            tokens = _bare(tokens)
        chooser = choosing(compressor)
        if chooser is None:
            plan = planning(compressor)
            self._planned(tokens, plan)
            self._forget(plan)
        else:
            self._chosen(tokens, chooser, question)

    def _planned(self, tokens: VisualTokens, compressor: CacheCompressor) -> None:
        """A chunk of which it is known beforehand what stays, the same in every layer."""
        plan = plan_chunk(len(tokens), self.visual_tokens, compressor)
        chunk = _Laid(self._model, tokens, plan)
        positions = self._places.chunk(chunk.stretches, tokens.place)
        keep, settled = chunk.kept(plan.keep), None
        if self._model.packed and keep is not None:
            settled = consecutive(int(positions[0]), len(keep), self._axes)
            self._places.drop(len(chunk.token) - len(keep))
        attention_pass = SequencePass(self._layers, positions, self._rotation, chunk.slots, keep, settled)
        self._model.run_for_memory(chunk.embeddings[None], attention_pass, chunk.deep)
        attention_pass.commit()
        marks = Marks(positions, chunk.token)
        if keep is not None:
            marks = marks.at(keep) if settled is None else Marks(settled, chunk.token[keep])
        self._add([marks] * len(self._layers))
        self.visual_tokens += len(tokens)

    def _chosen(self, tokens: VisualTokens, compressor: AttentionCompressor, question: Tensor | None) -> None:
        """A chunk of which each layer keeps what it attends to."""
        described = Chunk(len(tokens), self.visual_tokens, pivots=tokens.pivot)
        chunk = _Laid(self._model, tokens, ChunkPlan(None, None, self.visual_tokens + described.raw_tokens()))
        fraction = Fraction(compressor.count(len(tokens)), len(tokens)) if compressor.squeeze else Fraction(1)
        ahead = self._places.copy()
        here = ahead.chunk(chunk.stretches, tokens.place)
        there = self._places.chunk(chunk.stretches, tokens.place, fraction)
        if question is not None:
            ahead.go_behind()
            here = torch.cat((here, ahead.text(len(question))), dim=-1)
            chunk.ask(self._model.embed(question))
        asked = 0 if question is None else len(question)
        scored = ScoredPass(self._layers, here, self._rotation, compressor, chunk.visual, asked)
        self._model.run_for_memory(chunk.embeddings[None], scored, chunk.deep)
        chosen = compressor.choose(described, scored.scores)
        kept = [chunk.kept_with_frames(keep.cpu()) for keep in chosen]
        scored.settle(kept, there)
        scored.commit()
        marks = Marks(there, chunk.token)
        self._add([marks.at(keep) for keep in kept])
        self.visual_tokens += len(tokens)

    def key_values(self) -> KeyValues:
        """The memory so far, as tensors of its own."""
        layers = tuple(
            LayerMemory(layer.keys.clone(), layer.values.clone(), marks.positions, marks.token)
            for layer, marks in zip(self._layers, self._marks, strict=True)
        )
        places = self._places
        begin = places.next if places.squeeze is None else places.behind_film
        end = None if places.end == begin else places.end
        return KeyValues(layers, begin, self.visual_tokens, places.run, end, places.squeeze, self._window)

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

    def _add(self, more: Sequence[Marks]) -> None:
        """Note where new entries of each layer stand; layers that share their marks go on sharing."""
        joined: dict[tuple[int, int], Marks] = {}
        for number, (marks, new) in enumerate(zip(self._marks, more, strict=True)):
            both = id(marks), id(new)
            if both not in joined:
                joined[both] = marks.followed_by(new)
            self._marks[number] = joined[both]


class _Laid:
    """A chunk as the decoder gets it: visual and summary tokens, and the text among them.

    embeddings: (m, width). token: int64 (m,), `TEXT` for text. slots, deep: of all m tokens.
    visual: int64, which of the m tokens are visual; None where all are. stretches: of one kind each.
    stamped: see `VisualTokens`.
    """

    def __init__(self, model: Decoder, tokens: VisualTokens, plan: ChunkPlan) -> None:
        raw = tokens.embeddings.to(model.device, model.dtype)
        self.embeddings = model.interleaved(raw, plan.slots)
        self.slots, self.token, self.deep = plan.slots, plan.tokens, tokens.deep
        self.visual: Tensor | None = None
        self.stamped = frozenset(tokens.stamped)
        self.stretches = [Stretch(False, len(self.token), 0)]
        if tokens.words:
            self._weave(model, tokens)

    @overload
    def kept(self, keep: Tensor) -> Tensor: ...
    @overload
    def kept(self, keep: Tensor | None) -> Tensor | None: ...
    def kept(self, keep: Tensor | None) -> Tensor | None:
        """Which of all m tokens stay, if of the visual ones those at `keep` do."""
        if keep is None or self.visual is None:
            return keep
        stays = self.token == TEXT
        stays[self.visual[keep]] = True
        return stays.nonzero().flatten()

    def kept_with_frames(self, keep: Tensor) -> Tensor:
        """As `kept`, without the times of frames of which nothing stays."""
        if self.visual is None:
            return keep
        stays = torch.zeros(len(self.token), dtype=torch.bool)
        stays[self.visual[keep]] = True
        begin, text = 0, slice(0, 0)
        for is_text, count, first in self.stretches:
            here = slice(begin, begin + count)
            if is_text:
                stays[here] = first not in self.stamped
                text = here
            elif bool(stays[here].any()):
                stays[text] = True
            begin += count
        return stays.nonzero().flatten()

    def ask(self, question: Tensor) -> None:
        """Put the embeddings of a question behind the m tokens; `token` and `stretches` leave it out."""
        self.embeddings = torch.cat((self.embeddings, question))
        if self.deep is not None:
            self.deep = torch.cat((self.deep, self.deep.new_zeros(len(self.deep), *question.shape)), dim=1)

    def _weave(self, model: Decoder, tokens: VisualTokens) -> None:
        """Put the words in; models with words among frames have no summary tokens."""
        if self.slots is not None:
            raise ValueError("summary tokens and text among frames do not go together")
        embeddings, token, stretches, begin = [], [], [], 0
        for before, ids in (*tokens.words, (len(tokens), torch.empty(0, dtype=torch.int64))):
            if before > begin:
                embeddings.append(self.embeddings[begin:before])
                token.append(self.token[begin:before])
                stretches.append(Stretch(False, before - begin, begin))
                begin = before
            if len(ids):
                embeddings.append(model.embed(ids))
                token.append(torch.full((len(ids),), TEXT))
                stretches.append(Stretch(True, len(ids), before))
        self.embeddings, self.token, self.stretches = torch.cat(embeddings), torch.cat(token), stretches
        self.visual = (self.token != TEXT).nonzero().flatten()
        if tokens.deep is not None:
            deep = tokens.deep.new_zeros(len(tokens.deep), *self.embeddings.shape)
            deep[:, self.visual] = tokens.deep
            self.deep = deep


def _bare(embeddings: Tensor) -> VisualTokens:
    times = torch.zeros(len(embeddings), dtype=torch.float64)
    return VisualTokens(embeddings, times, times, torch.zeros(len(embeddings), dtype=torch.int64))


def _shared(marks: list[Marks]) -> list[Marks]:
    """The same object for layers whose marks are the same tensors."""
    first: dict[tuple[int, int], Marks] = {}
    return [first.setdefault((id(one.positions), id(one.token)), one) for one in marks]
