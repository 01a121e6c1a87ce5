"""From what the reader gives to the blocks a model encodes: skip, select, align to clips, read ahead."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from longreel.compress.base import Compressor, FilmCompressor, FrameSelector
from longreel.compress.kinds import choosing
from longreel.models.base import ModelAdapter
from longreel.video.frames import Frames

T = TypeVar("T")

_USUAL_BLOCK = 16
_LARGEST_BLOCK = 32
_SMALLEST_BLOCK = 4


@dataclass(frozen=True)
class Block:
    """Frames to encode, beginning on a clip border.

    read: int64 (F,), the number of each among the frames the reader gave of this film.
    """

    frames: Frames
    read: Tensor


def encoder_block(adapter: ModelAdapter, compressor: Compressor | FilmCompressor) -> int:
    """Frames that a model encodes together; see `block_size`."""
    chooser = choosing(compressor)
    if chooser is None:
        return block_size(adapter.clip, adapter.interval / adapter.tokens_per_frame)
    # Intervals may be long, and a part of one will do as well.
    return block_size(adapter.clip, math.gcd(chooser.chunk_frames, _USUAL_BLOCK))


def block_size(clip: int, frames_per_interval: float) -> int:
    """Frames per block: a multiple of `clip`, and a divisor of the frames per interval if there is one.

    With a divisor, a film that is appended on the border of an interval is cut into the same blocks as the
    joined film, and the memories agree to the last bit.
    """
    whole = range(clip, _LARGEST_BLOCK + 1, clip)
    divisors = (frames for frames in whole if frames >= _SMALLEST_BLOCK and frames_per_interval % frames == 0)
    return max(divisors, default=clip * max(1, _USUAL_BLOCK // clip))


class BlockReader:
    """Iterates over one film's blocks of `size` frames; only the last may be smaller.

    Meanwhile `read` counts the frames the reader gave, `seconds` the time that took, and `end` is where the
    last of them is taken to leave the screen, in seconds of the film.

    Args:
        frames: what the reader gives.
        selector: which of them to encode, or None for all.
        before: frames the reader gave of earlier films, for the selector.
        read: frames of this film that the reader leaves out, because they were read before.
        skip: frames of this film that were watched before, at least `read`.
        size: frames per block.
    """

    def __init__(
        self,
        frames: Iterable[Frames],
        selector: FrameSelector | None,
        *,
        before: int,
        skip: int,
        size: int,
        read: int = 0,
    ) -> None:
        self.read = read
        self.seconds = 0.0
        self.end = 0.0
        self._latest = torch.empty(0, dtype=torch.float64)
        self._frames = iter(frames)
        self._selector = selector
        self._before = before
        self._skip = skip
        self._size = size

    def __iter__(self) -> Iterator[Block]:
        waiting: Block | None = None
        while (block := self._next()) is not None:
            waiting = block if waiting is None else _joined(waiting, block)
            while len(waiting.read) >= self._size:
                yield _part(waiting, slice(0, self._size))
                waiting = _part(waiting, slice(self._size, None))
        if waiting is not None and len(waiting.read):
            yield waiting

    def _next(self) -> Block | None:
        started = time.perf_counter()
        frames = next(self._frames, None)
        self.seconds += time.perf_counter() - started
        if frames is None:
            return None
        read = torch.arange(self.read, self.read + len(frames.seconds))
        self.read += len(read)
        self._note_end(frames.seconds)
        block = _part(Block(frames, read), slice(max(0, self._skip - int(read[0])), None))
        return self._selected(block)

    def _note_end(self, times: Tensor) -> None:
        """The last frame is taken to stay as long as the one before it."""
        latest = torch.cat((self._latest, times))[-2:]
        self.end = float(latest[-1] + (latest[-1] - latest[0]))
        self._latest = latest

    def _selected(self, block: Block) -> Block:
        if self._selector is None or not len(block.read):
            return block
        kept = self._selector.select(block.frames.seconds, self._before + int(block.read[0]))
        return _part(block, kept)


def _part(block: Block, part: slice | Tensor) -> Block:
    return Block(Frames(block.frames.pixels[part], block.frames.seconds[part]), block.read[part])


def _joined(first: Block, second: Block) -> Block:
    if not len(first.read):
        return second
    pixels = torch.cat((first.frames.pixels, second.frames.pixels))
    seconds = torch.cat((first.frames.seconds, second.frames.seconds))
    return Block(Frames(pixels, seconds), torch.cat((first.read, second.read)))


def read_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items, the next one being made by another thread while one is worked on."""
    iterator = iter(items)
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="longreel-read") as pool:
        coming = pool.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, iterator, end)
            yield item  # type: ignore[misc]
