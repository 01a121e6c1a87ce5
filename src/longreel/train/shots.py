"""Frames of drawn films as the reader would give them, with their truth: what the eyes learn from."""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from longreel.files import atomic_file
from longreel.films.encode import REPEATABLE_H264
from longreel.films.render import FilmRenderer
from longreel.films.renderer import card_pose
from longreel.films.scenes import Film, Scene, draw_film
from longreel.films.vocabulary import ACTIONS, COLOURS, OBJECTS, PLACES

ATTRIBUTES = (OBJECTS, COLOURS, PLACES, ACTIONS)


@dataclass(frozen=True)
class Shots:
    """One film as its sampled frames.

    pixels: uint8 (F, 3, h, w).
    seconds: float64 (F,).
    labels: int64 (F, 4), index of each attribute's word; -1 where the frame does not show it.
    boxes: float32 (F, 3), the card's middle x and y and its side, as shares of width, height and height;
        not a number where no card, or more than one, is seen.
    shown: float32 (F,), 1 where a card is seen, 0 where it has blinked away, not a number inside crossfades.
    """

    film: Film
    pixels: Tensor
    seconds: Tensor
    labels: Tensor
    boxes: Tensor
    shown: Tensor


def film_shots(
    seed: int, seconds: float, size: tuple[int, int], folder: Path, *, longest_scene: float = 8.0
) -> Shots:
    """Draw film `seed`, or take it from `folder` if an earlier run left it there.

    Only the sampled frames (two a second) are rendered; they go through the same codec as a film file,
    so that the eyes know its artefacts. Frames inside a crossfade, which show two scenes, have no labels.
    """
    film = draw_film(seed, seconds, max_scene=longest_scene)
    times = np.arange(0, seconds, 0.5)
    stored = folder / f"{seed}-{seconds:g}-{longest_scene:g}-{size[0]}x{size[1]}.npy"
    if not stored.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(stored) as file:
            np.save(file, _through_codec(_render(film, times), size))
    pixels = torch.from_numpy(np.load(stored))
    labels, boxes = frame_labels(film, times), _boxes(film, times)
    shown = (~boxes[:, 0].isnan()).float()
    faded = _inside_fade(film, times)
    labels[shown == 0, :2] = -1
    labels[faded] = -1
    labels[_alone(film, times), 3] = -1
    boxes[faded], shown[faded] = torch.nan, torch.nan
    return Shots(film, pixels, torch.from_numpy(times), labels, boxes, shown)


def _alone(film: Film, times: np.ndarray) -> Tensor:
    """Boolean (F,): the only sampled frame of its scene, which tells no movement."""
    shown = np.array([scene_at(film, float(time)).start for time in times])
    same = shown[1:] == shown[:-1]
    return torch.from_numpy(~(np.append(same, False) | np.append(False, same)))


def _boxes(film: Film, times: np.ndarray) -> Tensor:
    width, height = film.size
    rows = []
    for time in times:
        pose = card_pose(film, scene_at(film, float(time)), float(time))
        rows.append([math.nan] * 3 if pose is None else [pose.x / width, pose.y / height, pose.side / height])
    return torch.tensor(rows)


def _inside_fade(film: Film, times: np.ndarray) -> Tensor:
    """Boolean (F,): frames where a crossfade is under way."""
    inside = np.zeros(len(times), dtype=bool)
    for scene in film.scenes:
        inside |= np.abs(times - scene.start) < scene.look.fade / 2
    return torch.from_numpy(inside)


def _render(film: Film, times: Sequence[float] | np.ndarray) -> list[np.ndarray]:
    renderer = FilmRenderer(film)
    return [renderer.frame(float(time)) for time in times]


def _through_codec(pictures: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Encode as H.264, decode, resize to (height, width) like the reader: uint8 (F, 3, h, w)."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=2, options=dict(REPEATABLE_H264))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    tensor = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    return interpolate(tensor, size, mode="bicubic", antialias=True).numpy()


def frame_labels(film: Film, times: Sequence[float] | np.ndarray) -> Tensor:
    """Index of each attribute's word per frame, int64 (F, 4); -1 for places outside training."""
    rows = []
    for time in times:
        scene = scene_at(film, float(time))
        words = (scene.object, scene.colour, scene.place, scene.action)
        rows.append(
            [names.index(w) if w in names else -1 for names, w in zip(ATTRIBUTES, words, strict=True)]
        )
    return torch.tensor(rows)


def scene_at(film: Film, time: float) -> Scene:
    """The scene shown at `time` seconds."""
    return film.scenes[max(0, bisect_right(film.scenes, time, key=attrgetter("start")) - 1)]
