"""Attention of a whole conversation in one pass: the training form of watching and asking.

Interval by interval, a film would pass through all layers before the next interval could; here each layer
takes all intervals at once, each attending to what that layer kept of those before it. The numbers are the
same. Every layer is called once and leaves no trace, so that a layer may be recomputed for its gradient, and
wrapped by whatever shares out weights and gradients among processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from longreel.models.engine.attend import Segment, attend
from longreel.models.engine.passes import Slots
from longreel.positions import RotaryTable, Rotation
from longreel.train.conversations.layout import Layout, Stretch


class WholePass:
    """See `AttentionPass`.

    Args:
        layout: of the conversation.
        rotation: by which its queries and keys are turned.
        truncate: an interval's gradient flows back into so many condensed intervals before it; None for all.
            That of text flows into all of them.
    """

    def __init__(
        self, layout: Layout, rotation: Rotation, device: torch.device, truncate: int | None = None
    ) -> None:
        self._stretches = [_moved(stretch, device) for stretch in layout.stretches]
        self._condensed, self._truncate = _numbers(layout.stretches), truncate
        self._here = RotaryTable(layout.positions.to(device), rotation)
        self._there = [
            None if stretch.settled is None else RotaryTable(stretch.settled, rotation)
            for stretch in self._stretches
        ]
        self.slots = layout.slots
        if layout.slots is not None:
            self.slots = Slots(layout.slots.raw.to(device), layout.slots.summary.to(device))

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Nothing is kept beyond the layer."""

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """Each stretch attends to what was kept of those before it and, causally, to itself."""
        turned = self._here.rotate(key)
        query = self._here.rotate(query)
        memory: list[Segment] = []
        attended = []
        for number, stretch in enumerate(self._stretches):
            here = slice(stretch.begin, stretch.end)
            own = Segment(turned[0, :, here], value[0, :, here])
            seen = [*self._remembered(number, memory), own]
            read = Segment(*(torch.cat(parts, dim=1) for parts in zip(*seen, strict=True)))
            attended.append(attend(query[:, :, here], [read], scale))
            memory.append(self._kept(number, own, key, value))
        return torch.cat(attended, dim=2)

    def _remembered(self, number: int, memory: Sequence[Segment]) -> Iterator[Segment]:
        """What was kept of the stretches before, without gradient where that ends."""
        reader = self._condensed[number]
        for earlier, kept in zip(self._condensed, memory, strict=False):
            if reader is None or earlier is None or self._truncate is None:
                far = False
            else:
                far = reader - earlier > self._truncate
            yield Segment(kept.keys.detach(), kept.values.detach()) if far else kept

    def _kept(self, number: int, own: Segment, key: Tensor, value: Tensor) -> Segment:
        """What stays of a stretch; condensed keys are rotated once, to where they will stand."""
        kept, there = self._stretches[number].kept, self._there[number]
        if kept is None or there is None:
            return own
        return Segment(there.rotate(key[0, :, kept]), value[0, :, kept])


def _moved(stretch: Stretch, device: torch.device) -> Stretch:
    if stretch.kept is None or stretch.settled is None:
        return stretch
    return stretch._replace(kept=stretch.kept.to(device), settled=stretch.settled.to(device))


def _numbers(stretches: Sequence[Stretch]) -> list[int | None]:
    """Condensed intervals counted through; None for stretches that stay whole."""
    counted, numbers = 0, []
    for stretch in stretches:
        numbers.append(None if stretch.kept is None else counted)
        counted += stretch.kept is not None
    return numbers
