"""Encoded scenes from which films of any length are composed on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from longreel.films.scenes import Film, Scene


@dataclass(frozen=True)
class ComposedFilm:
    """Visual tokens (V, width) and the film they show, for drawing questions."""

    tokens: Tensor
    questions_film: Film


class FeatureBank:
    """Scenes as the model's own eyes saw them.

    Args:
        films: the films that were encoded.
        seconds: per film, times of its sampled frames, float64 (F,).
        tokens: per film, (F, tokens per frame, width), any float type.
    """

    def __init__(self, films: Sequence[Film], seconds: Sequence[Tensor], tokens: Sequence[Tensor]) -> None:
        self._film = films[0]
        self._scenes: list[tuple[Scene, Tensor]] = []
        for film, times, encoded in zip(films, seconds, tokens, strict=True):
            for scene in film.scenes:
                shown = (times >= scene.start) & (times < scene.end)
                if shown.any():
                    self._scenes.append((scene, encoded[shown]))

    def __len__(self) -> int:
        return len(self._scenes)

    def compose(self, generator: np.random.Generator, scenes: int, longest: int | None) -> ComposedFilm:
        """Join randomly chosen scenes; each is cut to at most `longest` consecutive frames."""
        chosen = [self._scenes[i] for i in generator.choice(len(self._scenes), scenes, replace=False)]
        parts, placed, clock = [], [], 0.0
        for scene, tokens in chosen:
            part = _window(generator, tokens, longest)
            end = clock + len(part) / 2
            placed.append(replace(scene, start=clock, end=end))
            parts.append(part.flatten(0, 1).float())
            clock = end
        return ComposedFilm(torch.cat(parts), replace(self._film, seconds=clock, scenes=tuple(placed)))


def _window(generator: np.random.Generator, tokens: Tensor, longest: int | None) -> Tensor:
    if longest is None or len(tokens) <= longest:
        return tokens
    # Never the first frame of a longer scene: it may still show the scene before.
    start = int(generator.integers(1, len(tokens) - longest + 1))
    return tokens[start : start + longest]
