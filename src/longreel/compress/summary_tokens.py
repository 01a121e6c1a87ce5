"""Summary tokens: keep only the learned tokens that condense a chunk (Video-XL, arXiv 2409.14485)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.compress.base import Chunk, ChunkwiseCompressor
from longreel.errors import UsageError


@dataclass(frozen=True)
class SummaryTokens(ChunkwiseCompressor):
    """One summary token after every `ratio` raw tokens; the raw ones are dropped.

    Ratio 1 inserts nothing and keeps the raw tokens. Of n raw tokens n // ratio summaries stay, and a
    ragged tail is summarised by none (as released).
    """

    ratio: int = 16

    def __post_init__(self) -> None:
        if self.ratio < 1:
            raise UsageError(f"ratio {self.ratio} is below 1: a summary token follows at least one token")

    def slots(self, tokens: int) -> Tensor | None:
        """Summary tokens stand at r, 2r + 1, 3r + 2, … (indices with i mod (r + 1) = r)."""
        if self.ratio == 1:
            return None
        return torch.arange(1, tokens // self.ratio + 1) * (self.ratio + 1) - 1

    def keep(self, chunk: Chunk) -> Tensor | None:
        """The summary tokens, or everything at ratio 1."""
        return chunk.slots
