"""Summary tokens: keep only the learned tokens that condense a chunk (Video-XL, arXiv 2409.14485)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.compress.base import Chunk, ChunkwiseCompressor
from longreel.errors import UsageError

# How far 1 / keep may be from a whole ratio: 0.3333 is meant as 1/3, 0.3 is not.
_RATIO_TOLERANCE = 1e-3


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


def whole_ratio(keep: float) -> int:
    """The ratio r that keeps 1 / r.

    Raises:
        UsageError: 1 / `keep` is no whole number.
    """
    ratio = round(1 / keep)
    if abs(1 / keep - ratio) <= _RATIO_TOLERANCE * ratio:
        return ratio
    below = math.floor(1 / keep)
    raise UsageError(
        f"keep={keep:g} is not 1 / a whole number, as video-xl needs: "
        f"the nearest are {1 / (below + 1):.4g} ({below + 1}x) and {1 / below:.4g} ({below}x)"
    )
