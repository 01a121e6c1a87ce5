"""Watch at two ratios side by side, and put one memory together of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.compress.base import FilmCompressor
from longreel.compress.context_window import RescaledWindow, rotation_within
from longreel.compress.two_levels import TwoLevels, TwoRatios, interval_of
from longreel.key_values import TEXT, KeyValues, LayerMemory
from longreel.models.base import VisualTokens
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.watcher import ChunkWatcher
from longreel.positions import RotaryTable, Rotation


class TwoLevelWatcher:
    """Two memories of the same visual tokens, each as if there were no other; see `Watcher`.

    In both, an interval sees the summaries that its own level has of those before it (Video-X2L,
    arXiv 2506.21184): the language model reads every interval twice, the vision tower every frame once.

    Args:
        model, prefix_ids, interval, window: see `ChunkWatcher`.
        resume: a memory with both levels.
    """

    def __init__(
        self,
        model: Decoder,
        prefix_ids: Tensor,
        compressor: TwoLevels,
        interval: int,
        resume: KeyValues | None = None,
        *,
        window: RescaledWindow | None = None,
    ) -> None:
        dense = None if resume is None else resume.dense
        self._dense = ChunkWatcher(model, prefix_ids, compressor, interval, dense, window=window)
        self._sparse = ChunkWatcher(model, prefix_ids, compressor, interval, resume, window=window)
        self._both = (self._dense, self._sparse)

    @property
    def closed_tokens(self) -> int:
        """The same in both."""
        return self._sparse.closed_tokens

    def push(self, tokens: VisualTokens) -> None:
        """See `Watcher`."""
        for level in self._both:
            level.push(tokens)

    def look_back(self, tokens: VisualTokens) -> None:
        """See `Watcher`."""
        for level in self._both:
            level.look_back(tokens)

    def text(self, ids: Tensor) -> None:
        """See `Watcher`."""
        for level in self._both:
            level.text(ids)

    def begin_film(self, compressor: FilmCompressor, held: int = 0) -> None:
        """See `Watcher`."""
        if not isinstance(compressor, TwoRatios):
            raise TypeError(f"{type(compressor).__name__} has not two ratios")
        for level, ratio in zip(self._both, compressor.levels, strict=True):
            level.begin_film(ratio, held)

    def end_film(self) -> None:
        """See `Watcher`."""
        for level in self._both:
            level.end_film()

    def checkpoint(self) -> KeyValues:
        """See `Watcher`."""
        return replace(self._sparse.checkpoint(), dense=self._dense.checkpoint())

    def finish(self) -> KeyValues:
        """See `Watcher`."""
        return replace(self._sparse.finish(), dense=self._dense.finish())


def with_dense(held: KeyValues, chosen: Tensor, rotation: Rotation) -> KeyValues:
    """A memory of one level: dense summaries of the chosen intervals, sparse ones of the others.

    Everything stands in the order of the film, and the position of an entry is the number of entries before
    it, as if the film had been condensed so; keys are turned to there. Text between intervals is that of the
    level that the interval before it is taken from.

    Args:
        held: both levels, of a model with one position axis that keeps the same in every layer; left as it
            is.
        chosen: int64, numbers of intervals. With all of them it is the dense level, bit for bit, and with
            none the sparse one.
        rotation: of the model.
    """
    dense = held.dense
    assert dense is not None
    assert dense.intervals is not None
    assert held.intervals is not None
    closer = torch.zeros(len(held.intervals), dtype=torch.bool)
    closer[chosen] = True
    pick = _Pick.of(held.layers[0], dense.layers[0], [each.tokens for each in held.intervals], closer)
    positions = torch.arange(len(pick.order))
    moved = positions - pick(held.layers[0].positions, dense.layers[0].positions)
    # Whatever keys were multiplied by when they were rotated, they have been.
    turn = replace(rotation_within(held.window, rotation), factor=1.0)
    table = RotaryTable(moved.to(held.layers[0].keys.device), turn)
    token = pick(held.layers[0].token, dense.layers[0].token)
    layers = tuple(
        LayerMemory(
            table.rotate(pick.entries(mine.keys, theirs.keys)),
            pick.entries(mine.values, theirs.values),
            positions,
            token,
        )
        for mine, theirs in zip(held.layers, dense.layers, strict=True)
    )
    pairs = zip(closer.tolist(), dense.intervals, held.intervals, strict=True)
    intervals = tuple(fine if is_closer else coarse for is_closer, fine, coarse in pairs)
    return replace(held, layers=layers, next_position=len(positions), intervals=intervals, dense=None)


class _Pick(NamedTuple):
    """Which entries of two levels make up one: int64 indices into each, then their order in the film."""

    sparse: Tensor
    dense: Tensor
    order: Tensor

    @classmethod
    def of(cls, sparse: LayerMemory, dense: LayerMemory, lengths: Sequence[int], closer: Tensor) -> _Pick:
        """closer: bool, one for each interval, whether it is taken from the dense level."""
        in_dense = _intervals_so_far(dense.token, lengths)
        in_sparse = _intervals_so_far(sparse.token, lengths)
        # An interval may be too short for a sparse summary: text knows its place by the dense ones.
        in_sparse[sparse.token == TEXT] = in_dense[dense.token == TEXT]
        # What is before the first interval is the same in both.
        taken = torch.cat((torch.tensor([False]), closer))
        from_sparse, from_dense = ~taken[in_sparse + 1], taken[in_dense + 1]
        slots = torch.cat((in_sparse[from_sparse], in_dense[from_dense]))
        order = slots.argsort(stable=True)
        return cls(from_sparse.nonzero().flatten(), from_dense.nonzero().flatten(), order)

    def __call__(self, sparse: Tensor, dense: Tensor) -> Tensor:
        """What belongs to the entries, (n,)."""
        return torch.cat((sparse[self.sparse], dense[self.dense]))[self.order]

    def entries(self, sparse: Tensor, dense: Tensor) -> Tensor:
        """Their keys or values, (kv_heads, n, head_dim)."""
        mine, theirs, order = (index.to(sparse.device) for index in self)
        return torch.cat((sparse[:, mine], dense[:, theirs]), dim=1)[:, order]


def _intervals_so_far(token: Tensor, lengths: Sequence[int]) -> Tensor:
    """For each entry the number of its interval, int64; for text that of the last before it, or -1."""
    found = interval_of(token, lengths)
    found[token == TEXT] = -1
    return found.cummax(0).values if len(found) else found
