"""VideoMemory: a watched film."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from longreel.compress.context_window import RescaledWindow
from longreel.errors import MemoryFileError
from longreel.header import Header
from longreel.key_values import TEXT, Interval, KeyValues, LayerMemory, Squeeze
from longreel.pieces import piece_of_token, pieces_of
from longreel.report import MemoryReport
from longreel.timeline import Timeline

if TYPE_CHECKING:
    from longreel.models.base import ModelAdapter


@dataclass(frozen=True, eq=False, repr=False)
class VideoMemory:
    """What a model keeps of one or several films. Asking reads it and never changes it.

    It ends before the text that follows a film, so any number of questions can be put to it, from any
    number of threads.

    layers: per layer keys, values, positions and visual tokens of the kept entries. Of an opened memory a
        layer is read, and its hash checked, when it is first touched.
    timeline: the times of frames and visual tokens.
    header: everything else.
    dense: the layers of the same film for a closer look, of a memory with two levels; else None.
    """

    layers: Sequence[LayerMemory]
    timeline: Timeline
    header: Header
    dense: Sequence[LayerMemory] | None = None

    @property
    def key_values(self) -> KeyValues:
        """All layers, as a language model takes them; of both levels if there are two."""
        held = _held(self.layers, self.header)
        return held if self.dense is None else replace(held, dense=_held(self.dense, self.header.of_dense()))

    @property
    def window(self) -> RescaledWindow | None:
        """The rotary table of its entries, and of what is asked of it; None for the model's own."""
        return _window(self.header)

    @property
    def complete(self) -> bool:
        """False for a memory left by an interruption: `model.watch(…, resume=memory)` goes on with it."""
        return self.header.complete

    @property
    def nbytes(self) -> int:
        """Bytes of the layers' tensors, of both levels."""
        return self.header.nbytes

    def __repr__(self) -> str:
        films = ", ".join(source.name for source in self.header.sources)
        return f"VideoMemory({films}: {self.header.kept[0]} entries, {self.nbytes} bytes)"

    def seconds(self, layer: int = 0) -> Tensor:
        """When the film showed what each entry of a layer stands for.

        Returns float64 (n, 2), start and end on the memory's timeline; NaN for text. A summary token
        stands for the tokens it condenses. An image is shown at one moment.
        """
        token = self.layers[layer].token.cpu()
        shown = token != TEXT
        first, last = self.tokens_shown(layer)
        spans = torch.full((len(token), 2), torch.nan, dtype=torch.float64)
        spans[shown, 0] = self.timeline.first[self.timeline.run_of(first)]
        ends, run = self._run_ends(), self.timeline.run_of(last)
        pieces = pieces_of(self.header, self.timeline)
        still = torch.tensor([piece.image is not None for piece in pieces])[piece_of_token(pieces, last)]
        spans[shown, 1] = torch.where(still, self.timeline.last[run], ends[run])
        return spans

    def tokens_shown(self, layer: int = 0) -> tuple[Tensor, Tensor]:
        """The first and the last visual token that each entry of a layer stands for; text is left out."""
        token = self.layers[layer].token.cpu()
        last = token[token != TEXT]
        return (last - self._condensed(last) + 1).clamp(min=0), last

    def _condensed(self, token: Tensor) -> Tensor:
        """How many visual tokens the entries stand for of which these are the last."""
        if not self.header.intervals:
            return torch.full_like(token, int(self.header.method["cache"].get("ratio", 1)))
        tokens, ratios = torch.tensor(self.header.intervals).unbind(1)
        return ratios[torch.searchsorted(tokens.cumsum(0), token, right=True)]

    def _run_ends(self) -> Tensor:
        """When each run of tokens leaves the screen: when the next frame comes or its film ends."""
        last, frames = self.timeline.last, self.timeline.frames
        following = torch.cat((frames, frames.new_tensor([torch.inf])))
        next_frame = following[torch.searchsorted(frames, last, right=True)]
        until = frames.new_tensor([source.until for source in self.header.sources])
        offsets = frames.new_tensor([source.offset for source in self.header.sources])
        source = torch.searchsorted(offsets, last, right=True) - 1
        return torch.minimum(next_frame, until[source.clamp(min=0)]).maximum(last)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one file, atomically: the path holds the old file or the whole new one, never a part.

        Raises:
            MemoryFileError: it cannot be written; nothing is left behind.
        """
        from longreel.memory_file import write_memory

        write_memory(self, path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> VideoMemory:
        """Open a saved memory without reading its layers; the film is not needed.

        Raises:
            MemoryFileError: there is no such file, or it is damaged, changed, or of another version.
        """
        from longreel.memory_file import read_memory

        return read_memory(path)

    def verify(self) -> None:
        """Read every layer, which checks its hash.

        Raises:
            MemoryFileError: a tensor of the file was changed.
        """
        tuple(self.layers)
        tuple(self.dense or ())

    def report(self) -> MemoryReport:
        """What was watched, how, and what it cost; print it, or take its `to_dict()`."""
        return MemoryReport(self.header)

    def require_shapes(self, adapter: ModelAdapter) -> None:
        """Refuse layers that the model cannot have made; reads them.

        Raises:
            MemoryFileError: they have other shapes.
        """
        shapes = _shapes(self.layers)
        same = self.dense is None or (_shapes(self.dense) == shapes and self._levels_fit(self.dense))
        table = self.header.window.inv_freq if self.header.window else adapter.rotation.inv_freq
        if not same or shapes != list(adapter.layer_shapes) or len(table) != len(adapter.rotation.inv_freq):
            raise MemoryFileError(
                f"this memory has layers of other shapes than {adapter.name!r} makes: watch the film again"
            )

    def _levels_fit(self, dense: Sequence[LayerMemory]) -> bool:
        """Whether there is the same text in both, and both are of a model with one position axis."""
        text = {int((layer.token == TEXT).sum()) for layer in (*self.layers, *dense)}
        return len(text) == 1 and all(layer.positions.ndim == 1 for layer in (*self.layers, *dense))

    def require_model(self, adapter: ModelAdapter, what: str = "this memory") -> None:
        """Refuse a model other than the one that watched.

        Raises:
            MemoryFileError: identities differ.
        """
        identity: Mapping[str, str] = adapter.identity()
        different = [part for part in sorted(identity) if self.header.identity.get(part) != identity[part]]
        if different or len(identity) != len(self.header.identity):
            raise MemoryFileError(
                f"{what} was made by the model {self.header.model!r} in {self.header.dtype}, and this is "
                f"{adapter.name!r} ({', '.join(different) or 'identity'} differ): load that model, or watch "
                "the film again"
            )


def _held(layers: Sequence[LayerMemory], header: Header) -> KeyValues:
    return KeyValues(
        tuple(layers),
        header.next_position,
        header.visual_tokens,
        header.run,
        header.end,
        None if header.squeeze is None else Squeeze(*header.squeeze),
        _window(header),
        None if header.intervals is None else tuple(Interval(*each) for each in header.intervals),
    )


def _window(header: Header) -> RescaledWindow | None:
    return None if header.window is None else RescaledWindow(**header.window.model_dump())


def _shapes(layers: Sequence[LayerMemory]) -> list[tuple[int, int]]:
    return [(layer.keys.shape[0], layer.keys.shape[2]) for layer in layers]
