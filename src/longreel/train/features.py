"""Scenes as visual tokens, from which films of any length are composed on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from longreel.films.scenes import Film, Scene
from longreel.train.shots import frame_labels

FRAMES_PER_SECOND = 2
_NOISE = 0.03
_SHARE_MISREAD = 0.02


@dataclass(frozen=True)
class ComposedFilm:
    """Visual tokens (V, width) and the film they show, for drawing questions."""

    tokens: Tensor
    film: Film


class FeatureBank:
    """Scenes with the tokens of their sampled frames.

    Args:
        template: a film that lends composed ones its size, style and split.
        scenes: scenes and their tokens, (frames, tokens per frame, width).
    """

    def __init__(self, template: Film, scenes: Sequence[tuple[Scene, Tensor]]) -> None:
        self._template = template
        self._scenes = list(scenes)

    def __len__(self) -> int:
        return len(self._scenes)

    def compose(self, generator: np.random.Generator, scenes: int, longest: int | None) -> ComposedFilm:
        """Join randomly chosen scenes; each is cut to at most `longest` consecutive frames."""
        parts, placed, clock = [], [], 0.0
        for number in generator.choice(len(self._scenes), scenes, replace=False):
            scene, tokens = self._scenes[number]
            part = _window(generator, tokens, longest)
            end = clock + len(part) / FRAMES_PER_SECOND
            placed.append(replace(scene, start=clock, end=end))
            parts.append(part.flatten(0, 1).float())
            clock = end
        return ComposedFilm(torch.cat(parts), replace(self._template, seconds=clock, scenes=tuple(placed)))


def _window(generator: np.random.Generator, tokens: Tensor, longest: int | None) -> Tensor:
    if longest is None or len(tokens) <= longest:
        return tokens
    # Never the first frame of a longer scene: it may still show the scene before.
    start = int(generator.integers(1, len(tokens) - longest + 1))
    return tokens[start : start + longest]


def seen_scenes(film: Film, seconds: Tensor, tokens: Tensor) -> list[tuple[Scene, Tensor]]:
    """Cut an encoded film, tokens (F, tokens per frame, width) at `seconds` (F,), into its scenes."""
    shown = [(scene, (seconds >= scene.start) & (seconds < scene.end)) for scene in film.scenes]
    return [(scene, tokens[frames]) for scene, frames in shown if frames.any()]


def ideal_scenes(film: Film, words: Sequence[Tensor], generator: torch.Generator) -> list[tuple[Scene, Tensor]]:
    """The film's scenes as perfect eyes would see them, but for a little noise and rare misreadings.

    Each frame becomes the word embeddings of its object, colour, place and action. The decoder learns to
    read from these while the eyes are still in training.
    """
    scenes = []
    for scene in film.scenes:
        frames = max(1, round(scene.seconds * FRAMES_PER_SECOND))
        labels = frame_labels(film, [scene.start + 1e-6])[0].repeat(frames, 1)
        sizes = torch.tensor([len(table) for table in words])
        wrong = (torch.rand(labels.shape, generator=generator) * sizes).long()
        misread = torch.rand(labels.shape, generator=generator) < _SHARE_MISREAD
        labels = torch.where(misread, wrong, labels)
        tokens = torch.stack([table[labels[:, k]] for k, table in enumerate(words)], dim=1)
        scenes.append((scene, tokens + _NOISE * torch.randn(tokens.shape, generator=generator)))
    return scenes
