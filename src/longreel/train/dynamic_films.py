"""Films and images cut in training as they are cut when they are watched with dynamic intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.compress.base import FilmFacts, FilmIntervals
from longreel.key_values import Interval
from longreel.models.base import VisualTokens
from longreel.models.engine.cutting import cut_film
from longreel.train.borders import Borders


@dataclass(frozen=True)
class DynamicFilms:
    """Cuts films where their picture changes.

    interval: visual tokens of an interval of equal length, such as images are cut into.
    frame_tokens: visual tokens of a frame.
    """

    borders: Borders
    interval: int
    frame_tokens: int

    def check(self, ratios: Iterable[Sequence[int]]) -> None:
        """Refuse borders that frames of so many tokens cannot have.

        Args:
            ratios: all lists of them that films will be cut for.

        Raises:
            UsageError: naming what contradicts.
        """
        for each in ratios:
            self._rule(max(each), each, 0, is_film=True)

    def cut(
        self, embeddings: Tensor, ratio: int, ratios: Sequence[int], *, is_film: bool = True
    ) -> list[Interval]:
        """The intervals that a film or image has when it is watched with `keep=1 / ratio`.

        No gradient flows through where they end.

        Args:
            embeddings: visual tokens (n, width), those of a frame one behind the other.
            ratio: at most the largest of `ratios`.
            ratios: which intervals may get.
        """
        count = len(embeddings)
        never = torch.zeros(count, dtype=torch.float64)
        tokens = VisualTokens(embeddings.detach(), never, never, torch.arange(count) // self.frame_tokens)
        return cut_film(self._rule(ratio, ratios, count, is_film=is_film), tokens, self.interval)

    def _rule(self, ratio: int, ratios: Sequence[int], tokens: int, *, is_film: bool) -> FilmIntervals:
        facts = FilmFacts("a film", 0, tokens, self.interval, self.frame_tokens, tuple(ratios), is_film)
        return self.borders.condensing(ratio, ratios).of_film(facts)
