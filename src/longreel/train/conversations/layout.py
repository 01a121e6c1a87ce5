"""Where everything of a conversation stands when all of it passes through the decoder at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.summary_tokens import SummaryTokens
from longreel.key_values import Interval
from longreel.models.engine.passes import Slots


class Block(NamedTuple):
    """Visual tokens that come in one stream, cut into intervals.

    before: number of the text token they stand before.
    """

    before: int
    intervals: tuple[Interval, ...]


class Stretch(NamedTuple):
    """Tokens `begin` to `end` that attend to the memory before them and, causally, to themselves.

    kept: int64, which of all tokens of the conversation stay in memory; None for all of this stretch, at
        the positions where they stood.
    settled: int64, positions of the kept ones in memory.
    """

    begin: int
    end: int
    kept: Tensor | None = None
    settled: Tensor | None = None


class Part(NamedTuple):
    """A piece of the row of tokens: text tokens `begin` to `end`, or visual ones of block number `block`.

    slots: where summary tokens stand among them, None for nowhere.
    """

    begin: int
    end: int
    block: int | None = None
    slots: Slots | None = None


@dataclass(frozen=True)
class Layout:
    """parts: in order. stretches: in order. positions: int64 (n,). text: int64, where each text token stands.

    slots: where summary tokens stand in the whole row, None if there are none.
    """

    parts: list[Part]
    stretches: list[Stretch]
    positions: Tensor
    text: Tensor
    slots: Slots | None


def lay_out(text: int, blocks: Sequence[Block]) -> Layout:
    """Lay out `text` text tokens with blocks of visual tokens among them.

    As when a film is watched (spec b): every token stands behind the entries of memory before it; of an
    interval at ratio r, n // r summary tokens stay, packed; text, and intervals at ratio 1, stay whole.
    """
    row, said = _Row(), 0
    for number, block in enumerate(blocks):
        row.text(said, block.before)
        said, begin = block.before, 0
        for count, ratio in block.intervals:
            row.interval(number, begin, count, ratio)
            begin += count
    row.text(said, text)
    return row.finished()


@dataclass
class _Row:
    """A layout in the making. length: of the row so far; memory: entries kept of it."""

    length: int = 0
    memory: int = 0
    open_since: int = 0
    parts: list[Part] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    positions: list[Tensor] = field(default_factory=list)
    told: list[Tensor] = field(default_factory=list)
    summaries: list[Tensor] = field(default_factory=list)

    def text(self, begin: int, end: int) -> None:
        """Text tokens `begin` to `end`."""
        if end > begin:
            self.told.append(torch.arange(self.length, self.length + end - begin))
            self._whole(Part(begin, end))

    def interval(self, block: int, begin: int, count: int, ratio: int) -> None:
        """An interval of a block at a ratio."""
        summaries = SummaryTokens(ratio).slots(count)
        if summaries is None:
            self._whole(Part(begin, begin + count, block))
            return
        self._close()
        tokens, kept = count + len(summaries), len(summaries)
        slots = Slots.among(summaries, tokens)
        settled = torch.arange(self.memory, self.memory + kept)
        self.stretches.append(Stretch(self.length, self.length + tokens, self.length + summaries, settled))
        self.summaries.append(self.length + summaries)
        self._add(Part(begin, begin + count, block, slots), tokens)
        self.memory += kept
        self.open_since = self.length

    def finished(self) -> Layout:
        """What has been laid."""
        self._close()
        none = torch.empty(0, dtype=torch.int64)
        slots = Slots.among(torch.cat(self.summaries), self.length) if self.summaries else None
        return Layout(
            self.parts,
            self.stretches,
            torch.cat([none, *self.positions]),
            torch.cat([none, *self.told]),
            slots,
        )

    def _whole(self, part: Part) -> None:
        count = part.end - part.begin
        self._add(part, count)
        self.memory += count

    def _add(self, part: Part, tokens: int) -> None:
        self.parts.append(part)
        self.positions.append(torch.arange(self.memory, self.memory + tokens))
        self.length += tokens

    def _close(self) -> None:
        """End the stretch of tokens that all stay."""
        if self.length > self.open_since:
            self.stretches.append(Stretch(self.open_since, self.length))
        self.open_since = self.length
