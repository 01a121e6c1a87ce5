"""Fewer tokens for each picture, between the vision tower and the language model, and in a film's plan."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from longreel.compress.base import TokenShrinker
from longreel.models.base import FilmTokens, ModelAdapter, TokenGrid, VisualTokens


def shrunk(tokens: VisualTokens, shrinker: TokenShrinker, frame: int) -> VisualTokens:
    """What a shrinker makes of the tokens of whole pictures, and of what is added to deep layers with them.

    A token keeps the times of its picture, and text stays before the picture it stood before. On three axes
    it keeps the time of its picture too; rows and columns are those of the new grid, so that the picture
    stands as one of that size would. It is of a keyframe where the cell in its middle is.

    Args:
        tokens: with their `grid`.
        frame: frames of the film before the first of these.
    """
    assert tokens.grid is not None, "only tokens on a grid can be shrunk"
    rows, columns, frames = tokens.grid
    cells, first = rows * columns, frame // frames
    pictures = len(tokens) // cells
    grids = shrinker.grids(pictures, (rows, columns), first)
    counts = grids.prod(1)
    begin = counts.cumsum(0) - counts
    picture = torch.arange(pictures).repeat_interleave(counts)
    origin = picture * cells

    def less(features: Tensor) -> Tensor:
        return shrinker.shrink(features.unflatten(0, (pictures, cells)), (rows, columns), first)

    number = torch.arange(len(picture)) - begin[picture]
    down, across = grids[picture].unbind(1)
    row, column = number // across, number % across
    place, pivot = tokens.place, tokens.pivot
    if place is not None:
        place = place[:, origin] + torch.stack((torch.zeros_like(row), row, column))
    if pivot is not None:
        middle = (2 * row + 1) * rows // (2 * down) * columns + (2 * column + 1) * columns // (2 * across)
        pivot = pivot[origin + middle]
    begins = [*begin.tolist(), len(picture)]
    return replace(
        tokens,
        embeddings=less(tokens.embeddings),
        start=tokens.start[origin],
        end=tokens.end[origin],
        frame=tokens.frame[origin],
        words=tuple((begins[before // cells], ids) for before, ids in tokens.words),
        stamped=tuple(begins[before // cells] for before in tokens.stamped),
        place=place,
        pivot=pivot,
        deep=None if tokens.deep is None else torch.stack([less(level) for level in tokens.deep]),
        grid=None,
    )


class PlanningModel:
    """What a plan asks of a model whose tokens a method may make fewer.

    Args:
        adapter: the model. shrinker: of the method; None for none.
    """

    def __init__(self, adapter: ModelAdapter, shrinker: TokenShrinker | None) -> None:
        self._adapter = adapter
        self._shrinker = shrinker

    def film_tokens(self, seconds: Tensor, height: int, width: int, film: int = 0) -> FilmTokens:
        """See `ModelAdapter`; as many as reach the language model."""
        return self._adapter.film_tokens(seconds, height, width, film, self._shrinker)

    def visual_tokens(self, frames: int, size: tuple[int, int]) -> int:
        """What so many frames of this size become, however long they are shown."""
        adapter = self._adapter
        if self._shrinker is not None:
            return int(shrunk_grids(self._shrinker, self.grid(size), frames).prod(1).sum())
        clips, rest = divmod(frames, adapter.clip)
        of_clip = adapter.film_tokens(_times(adapter.clip), *size).visual
        of_rest = adapter.film_tokens(_times(rest), *size).visual if rest else 0
        return clips * of_clip + of_rest

    def grid(self, size: tuple[int, int]) -> TokenGrid:
        """Of frames of this size, before they are shrunk."""
        grid = self._adapter.film_tokens(_times(self._adapter.clip), *size).grid
        assert grid is not None, "only tokens on a grid can be shrunk"
        return grid

    def check(self, size: tuple[int, int]) -> None:
        """Refuse frames of a size that the shrinker cannot work on.

        Raises:
            UsageError: see `TokenShrinker.check`.
        """
        if self._shrinker is not None:
            self._shrinker.check(self.grid(size)[:2])

    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """See `ModelAdapter`: the largest frames that stay within `max_tokens` once they are shrunk."""
        size = self._adapter.frame_size(height, width, frames, max_tokens)
        if self._shrinker is None or frames is None or max_tokens is None:
            return size
        native = PlanningModel(self._adapter, None)
        least = max_tokens
        most = native.visual_tokens(frames, self._adapter.frame_size(height, width, frames))
        while least < most:
            middle = (least + most + 1) // 2
            larger = self._adapter.frame_size(height, width, frames, middle)
            if self.visual_tokens(frames, larger) <= max_tokens:
                size, least = larger, middle
            else:
                most = middle - 1
        return size


def shrunk_grids(shrinker: TokenShrinker, grid: TokenGrid, frames: int) -> Tensor:
    """Rows and columns of each picture of a film of so many frames, int64 (pictures, 2)."""
    return shrinker.grids(-(-frames // grid.frames), grid[:2], 0)


def _times(frames: int) -> Tensor:
    return torch.arange(frames, dtype=torch.float64)
