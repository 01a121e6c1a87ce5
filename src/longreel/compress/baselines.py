"""What any method is measured against: everything, frames kept evenly, entries kept at random."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.compress.base import Chunk, ChunkwiseCompressor, FrameSelector, exact_fraction, tokens_kept
from longreel.errors import UsageError
from longreel.key_values import TEXT


@dataclass(frozen=True)
class KeepAll(ChunkwiseCompressor):
    """Every entry stays in memory."""

    def keep(self, chunk: Chunk) -> Tensor | None:
        """All."""
        return None


@dataclass(frozen=True)
class UniformFrames:
    """Keep frames evenly, the first among them: frame i stays if floor(i * keep) is a new number."""

    keep: float

    def fitted(self, frames: int | None, tokens_of: Callable[[int], int]) -> FrameSelector:
        """The same for every film."""
        return self

    def select(self, seconds: Tensor, first: int) -> Tensor:
        """Indices of the frames to keep, int64 ascending."""
        step = exact_fraction(self.keep)
        number = [int(i * step) for i in range(first - 1, first + len(seconds))]
        number[0] = -1 if first == 0 else number[0]
        kept = [i for i in range(len(seconds)) if number[i + 1] > number[i]]
        return torch.tensor(kept, dtype=torch.int64)


@dataclass(frozen=True)
class FramesWithin:
    """Keep so many frames of each film, evenly, that they become at most `tokens` visual tokens."""

    tokens: int

    def fitted(self, frames: int | None, tokens_of: Callable[[int], int]) -> FrameSelector:
        """Even frames of this film."""
        if frames is None:
            raise UsageError(
                "a budget of visual tokens needs a film of known length: give end=, or keep= in its place"
            )
        fitting = bisect_right(range(frames + 1), self.tokens, key=tokens_of) - 1
        if fitting < 1:
            raise UsageError(
                f"a budget of {self.tokens} visual tokens holds no frame of {tokens_of(1)}: give more"
            )
        return UniformFrames(min(1.0, fitting / max(1, frames)))

    def select(self, seconds: Tensor, first: int) -> Tensor:
        """Not before it is known what fits: see `fitted`."""
        raise TypeError("a budget is fitted to a film before frames are selected")


@dataclass(frozen=True)
class RandomTokens(ChunkwiseCompressor):
    """Keep a seeded random choice of each chunk's entries, the same in every layer."""

    fraction: float
    seed: int = 0

    def keep(self, chunk: Chunk) -> Tensor | None:
        """max(1, floor(keep * n)) of the chunk's n entries."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + chunk.first)
        chosen = torch.randperm(chunk.length, generator=generator)
        return chosen[: tokens_kept(chunk.length, self.fraction)].sort().values


@dataclass(frozen=True)
class RecentWindow(ChunkwiseCompressor):
    """Keep the last `tokens` visual tokens of the film, and forget those before them (text stays).

    What was forgotten was seen all the same by what followed it. Positions stay as they were.
    """

    tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise UsageError(f"a window of {self.tokens} visual tokens remembers nothing: give at least 1")

    def keep(self, chunk: Chunk) -> Tensor | None:
        """At most the last `tokens` of the chunk."""
        if chunk.length <= self.tokens:
            return None
        return torch.arange(chunk.length - self.tokens, chunk.length)

    def remember(self, token: Tensor) -> Tensor | None:
        """All text, and the last `tokens` others."""
        visual = (token != TEXT).nonzero().flatten()
        if len(visual) <= self.tokens:
            return None
        stays = token == TEXT
        stays[visual[-self.tokens :]] = True
        return stays.nonzero().flatten()
