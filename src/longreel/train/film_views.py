"""How films of a lesson become visual tokens: a token for each attribute, or cells that are pooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from longreel.compress.progressive_pooling import ProgressivePooling, tokens_per_frame
from longreel.models.video_xl.cells import coverage
from longreel.train.features import ComposedFilm
from longreel.train.made_up import Names

# A scene of fewer frames is not asked about, and hardly any has more.
_FEWEST, _MOST = 2, 16


class FilmView(Protocol):
    """How the films of a batch are seen.

    longest: the most frames of a scene, None for all.
    """

    @property
    def longest(self) -> int | None: ...

    def expected(self, scenes: int) -> int:
        """About how many tokens a film of so many scenes becomes."""

    def tokens(self, names: Names, film: ComposedFilm) -> Tensor:
        """The visual tokens (L, width) of a film, under names for its things."""


@dataclass(frozen=True)
class AttributeView:
    """Four tokens a frame; see `FilmView`."""

    longest: int | None

    def expected(self, scenes: int) -> int:
        """See `FilmView`."""
        return scenes * (20 if self.longest is None else 2 * (1 + self.longest))

    def tokens(self, names: Names, film: ComposedFilm) -> Tensor:
        """See `FilmView`."""
        return names.look(film.shares, film.seconds)


@dataclass(frozen=True)
class PooledFilms:
    """How frames become cells, and those fewer.

    cells: rows and columns. size: height and width of the pictures. pools: drawn from for each batch.
    """

    cells: tuple[int, int]
    size: tuple[int, int]
    pools: tuple[ProgressivePooling, ...]

    def draw(self, generator: np.random.Generator, scene_tokens: int, longest: int | None) -> PooledView:
        """How a batch is seen whose scenes may become about so many tokens.

        How long scenes are at most is drawn, too: in what becomes many tokens, each is seen briefly.
        """
        pooling = self.pools[int(generator.integers(len(self.pools)))]
        group = max(1, pooling.group)
        fits = group * scene_tokens // _count(group, pooling, self.cells)
        most = max(_FEWEST, min(fits, _MOST if longest is None else longest))
        return PooledView(self.cells, self.size, pooling, int(generator.integers(_FEWEST, most + 1)))


@dataclass(frozen=True)
class PooledView:
    """Cells, pooled as they are when a film is watched; see `PooledFilms` and `FilmView`."""

    cells: tuple[int, int]
    size: tuple[int, int]
    pooling: ProgressivePooling
    longest: int

    def expected(self, scenes: int) -> int:
        """The most there can be; see `FilmView`."""
        return _count(scenes * self.longest, self.pooling, self.cells)

    def tokens(self, names: Names, film: ComposedFilm) -> Tensor:
        """See `FilmView`."""
        assert film.boxes is not None, "cells are made of boxes"
        covered = coverage(film.boxes, self.cells, self.size)
        return self.pooling.shrink(names.look_at_cells(film.shares, covered, film.seconds), self.cells)


def _count(frames: int, pooling: ProgressivePooling, cells: tuple[int, int]) -> int:
    return int(tokens_per_frame(frames, cells, pooling.group, pooling.strides).sum())
