"""What any method is measured against: everything, frames kept evenly, entries kept at random."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.compress.base import Chunk, exact_fraction, tokens_kept


@dataclass(frozen=True)
class KeepAll:
    """Every entry stays in memory."""

    def slots(self, tokens: int) -> Tensor | None:
        """No summary tokens."""
        return None

    def keep(self, chunk: Chunk) -> Tensor | None:
        """All."""
        return None


@dataclass(frozen=True)
class UniformFrames:
    """Keep frames evenly, the first among them: frame i stays if floor(i * keep) is a new number."""

    keep: float

    def select(self, seconds: Tensor, first: int) -> Tensor:
        """Indices of the frames to keep, int64 ascending."""
        step = exact_fraction(self.keep)
        number = [int(i * step) for i in range(first - 1, first + len(seconds))]
        number[0] = -1 if first == 0 else number[0]
        kept = [i for i in range(len(seconds)) if number[i + 1] > number[i]]
        return torch.tensor(kept, dtype=torch.int64)


@dataclass(frozen=True)
class RandomTokens:
    """Keep a seeded random choice of each chunk's entries, the same in every layer."""

    fraction: float
    seed: int = 0

    def slots(self, tokens: int) -> Tensor | None:
        """No summary tokens."""
        return None

    def keep(self, chunk: Chunk) -> Tensor | None:
        """max(1, floor(keep * n)) of the chunk's n entries."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + chunk.first)
        chosen = torch.randperm(chunk.length, generator=generator)
        return chosen[: tokens_kept(chunk.length, self.fraction)].sort().values
