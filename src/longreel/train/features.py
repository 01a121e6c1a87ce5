"""Scenes as the eyes see them, from which films of any length are composed on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from longreel.films.renderer import card_pose
from longreel.films.scenes import Film, Scene
from longreel.train.shots import ATTRIBUTES, frame_labels

FRAMES_PER_SECOND = 2
_SHARE_MISREAD = 0.03
_MOST_DOUBT = 0.3
# How much of a doubted thing's share is left to it.
_SURE = (0.3, 0.9)


@dataclass(frozen=True)
class ComposedFilm:
    """What the eyes make of a film's frames, shares (F, all words), and the film, for drawing questions.

    seconds: float64 (F,), the time of each frame.
    boxes: (F, 3), where the thing is, as in `Sight`; None where nobody asks.
    """

    shares: Tensor
    seconds: Tensor
    film: Film
    boxes: Tensor | None = None

    def unseen(self) -> ComposedFilm:
        """The same film, of which no frame is shown."""
        boxes = None if self.boxes is None else self.boxes[:0]
        return replace(self, shares=self.shares[:0], seconds=self.seconds[:0], boxes=boxes)


class FeatureBank:
    """Scenes with what the eyes make of their sampled frames.

    Args:
        template: a film that lends composed ones its size, style and split.
        scenes: scenes and the shares of all words in their frames, (frames, all words).
        doubt: the share of composed scenes whose thing is read with doubts, as things are in colours and
            places that training never shows them in.
        boxes: of the frames of each scene, (frames, 3), where the eyes take the thing to be.
    """

    def __init__(
        self,
        template: Film,
        scenes: Sequence[tuple[Scene, Tensor]],
        doubt: float = 0.0,
        boxes: Sequence[Tensor] | None = None,
    ) -> None:
        self._template = template
        self._scenes = list(scenes)
        self._doubt = doubt
        self._boxes = boxes

    def compose(
        self,
        generator: np.random.Generator,
        scenes: int,
        longest: int | None,
        begin: float = 0.0,
        things: int | None = None,
    ) -> ComposedFilm:
        """Join randomly chosen scenes; each is cut to at most `longest` consecutive frames.

        The first is shown at `begin` seconds. All are of so many `things` (None: of any), as far as there are
        scenes of these.
        """
        parts, boxes, placed, clock = [], list[Tensor](), [], begin
        numbers = np.arange(len(self._scenes)) if things is None else self._of_few(generator, things)
        for number in generator.choice(numbers, min(scenes, len(numbers)), replace=False):
            scene, shares = self._scenes[number]
            window = _window(generator, len(shares), longest)
            part = shares[window].float()
            if self._boxes is not None:
                boxes.append(self._boxes[number][window])
            if generator.random() < self._doubt:
                part = _doubted(generator, part)
            end = clock + len(part) / FRAMES_PER_SECOND
            placed.append(replace(scene, start=clock, end=end))
            parts.append(part)
            clock = end
        shares = torch.cat(parts)
        seconds = begin + torch.arange(len(shares), dtype=torch.float64) / FRAMES_PER_SECOND
        film = replace(self._template, seconds=clock, scenes=tuple(placed))
        return ComposedFilm(shares, seconds, film, torch.cat(boxes) if boxes else None)

    def _of_few(self, generator: np.random.Generator, things: int) -> np.ndarray:
        """The numbers of all scenes of so many things."""
        names = np.array([scene.object for scene, _ in self._scenes])
        return np.flatnonzero(np.isin(names, generator.permutation(np.unique(names))[:things]))


def _window(generator: np.random.Generator, frames: int, longest: int | None) -> slice:
    if longest is None or frames <= longest:
        return slice(0, frames)
    # Never the first frame of a longer scene: it may still show the scene before.
    start = int(generator.integers(1, frames - longest + 1))
    return slice(start, start + longest)


def _doubted(generator: np.random.Generator, shares: Tensor) -> Tensor:
    """Frames (F, all words) in which a part of what the thing is taken for is one other thing, or nothing."""
    things = len(ATTRIBUTES[0])
    sure = float(generator.uniform(*_SURE)) + torch.from_numpy(generator.uniform(-0.15, 0.15, len(shares)))
    sure = sure.clamp(0.0, 1.0).to(shares.dtype)
    taken_for = int(generator.integers(things))
    mixed = shares.clone()
    mixed[:, :things] *= sure[:, None]
    lost = shares[:, :things].sum(-1) * (1 - sure)
    mixed[:, taken_for] += lost * float(generator.uniform(0.2, 1.0))
    return mixed


def seen_scenes(film: Film, seconds: Tensor, shares: Tensor) -> list[tuple[Scene, Tensor]]:
    """Cut an encoded film, shares (F, all words), or boxes, at `seconds` (F,), into its scenes."""
    shown = [(scene, (seconds >= scene.start) & (seconds < scene.end)) for scene in film.scenes]
    return [(scene, shares[frames]) for scene, frames in shown if frames.any()]


def ideal_scenes(film: Film, generator: torch.Generator) -> list[tuple[Scene, Tensor]]:
    """The film's scenes as almost perfect eyes would see them: a little unsure, and rarely wrong.

    The decoder learns to read from these while the eyes are still in training.
    """
    scenes = []
    for scene in film.scenes:
        times = _times(scene)
        frames = len(times)
        labels = frame_labels(film, [scene.start + 1e-6])[0]
        shares = [
            _unsure(int(label), len(names), frames, generator)
            for label, names in zip(labels, ATTRIBUTES, strict=True)
        ]
        shown = torch.tensor([[card_pose(film, scene, time) is not None] for time in times])
        scenes.append((scene, torch.cat([shares[0] * shown, shares[1] * shown, *shares[2:]], dim=-1)))
    return scenes


def ideal_boxes(film: Film) -> list[Tensor]:
    """Where the thing is in the frames of each of `ideal_scenes`, (frames, 3); any place while it is away."""
    width, height = film.size
    boxes = []
    for scene in film.scenes:
        poses = [card_pose(film, scene, time) for time in _times(scene)]
        rows = [(0.5,) * 3 if at is None else (at.x / width, at.y / height, at.side / height) for at in poses]
        boxes.append(torch.tensor(rows))
    return boxes


def _times(scene: Scene) -> list[float]:
    frames = max(1, round(scene.seconds * FRAMES_PER_SECOND))
    return [scene.start + frame / FRAMES_PER_SECOND for frame in range(frames)]


def _unsure(label: int, words: int, frames: int, generator: torch.Generator) -> Tensor:
    """Shares (frames, words): most of it on the label, rarely on another word."""
    wrong = torch.randint(words, (frames,), generator=generator)
    misread = torch.rand(frames, generator=generator) < _SHARE_MISREAD
    said = torch.where(misread, wrong, label)
    doubt = torch.rand(frames, 1, generator=generator) * _MOST_DOUBT
    shares = torch.zeros(frames, words).scatter_(1, said[:, None], 1.0 - doubt)
    return shares.scatter_add_(1, torch.randint(words, (frames, 1), generator=generator), doubt)
