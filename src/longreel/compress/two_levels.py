"""Two-level memory: every interval condensed twice, and the finer ones read where a question looks.

Video-X2L (arXiv 2506.21184) keeps two compressions of each interval by Video-XL's summary tokens, a dense and
a sparse one, and answers from the dense summaries of the intervals that matter and the sparse ones of all
others. Which these are it leaves to a relevance oracle; here it is the question's attention to the sparse
level that tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.compress.base import FilmFacts
from longreel.compress.interval_ratios import OneRatio, checked_ratios
from longreel.errors import UsageError


@dataclass(frozen=True)
class TwoLevels:
    """Condense each interval by a large ratio for what is always read, and by a small one for a closer look.

    dense: ratio of the closer look, one that the model was trained for; 1 keeps the visual tokens.
    sparse: the larger one, any as with `SummaryTokens`.

    Raises:
        UsageError: one is no ratio, or `sparse` is not above `dense`.
    """

    dense: int
    sparse: int

    def __post_init__(self) -> None:
        checked_ratios((self.dense, self.sparse))
        if self.sparse <= self.dense:
            raise UsageError(
                f"dense={self.dense} is to keep more than the {self.sparse}x kept of everything: give a "
                "smaller ratio, or a smaller keep="
            )

    @property
    def lookback(self) -> int:
        """No frames."""
        return 0

    def check(self, ratios: Sequence[int]) -> None:
        """The dense ratio has to be one of the model's, or 1."""
        if self.dense != 1 and self.dense not in ratios:
            raise UsageError(
                f"dense={self.dense} is no ratio that the model was trained for: give one of "
                f"{', '.join(map(str, ratios))}, or 1 for the visual tokens themselves"
            )

    def of_film(self, film: FilmFacts) -> TwoRatios:
        """The same for every film, whose end ends an interval."""
        return TwoRatios(self.dense, self.sparse)


@dataclass(frozen=True)
class TwoRatios(OneRatio):
    """A film of which every interval is condensed twice; see `FilmIntervals`.

    What is asked of it as of one film is answered for the dense level, which takes up most.
    """

    sparse: int

    @property
    def levels(self) -> tuple[OneRatio, OneRatio]:
        """The dense and the sparse one, each a film by itself."""
        return OneRatio(self.ratio), OneRatio(self.sparse)


def interval_of(token: Tensor, lengths: Sequence[int]) -> Tensor:
    """The number of the interval that each visual token lies in, int64 (n,).

    Args:
        token: int64 (n,), indices in the stream of visual tokens. lengths: of all intervals.
    """
    return torch.searchsorted(torch.tensor(lengths).cumsum(0), token, right=True)


def most_attended(
    shares: Sequence[Tensor], token: Sequence[Tensor], lengths: Sequence[int], most: int
) -> Tensor:
    """The intervals whose summaries get most attention, over all layers; ties: the earliest first.

    Args:
        shares: per layer float (n,), what each entry gets.
        token: per layer int64 (n,), the visual token of each entry; below 0 for text.
        lengths: visual tokens of each interval.
        most: how many intervals.

    Returns:
        int64 ascending, `most` numbers of intervals or as many as there are.
    """
    total = torch.zeros(len(lengths), dtype=torch.float64)
    for share, tokens in zip(shares, token, strict=True):
        shown = tokens >= 0
        total.index_add_(0, interval_of(tokens[shown], lengths), share.double()[shown])
    return total.sort(descending=True, stable=True).indices[:most].sort().values
