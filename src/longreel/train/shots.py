"""Frames of drawn films as the reader would give them, with their truth: what the eyes learn from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from longreel.films.render import FilmRenderer
from longreel.films.scenes import Film, draw_film
from longreel.films.vocabulary import ACTIONS, COLOURS, OBJECTS, PLACES

ATTRIBUTES = (OBJECTS, COLOURS, PLACES, ACTIONS)


@dataclass(frozen=True)
class Shots:
    """One film: pixels uint8 (F, 3, h, w), times float64 (F,), labels int64 (F, 4), -1 where undecided."""

    film: Film
    pixels: Tensor
    seconds: Tensor
    labels: Tensor


def film_shots(seed: int, seconds: float, size: tuple[int, int], folder: Path) -> Shots:
    """Draw film `seed`, or take it from `folder` if an earlier run left it there.

    Only the sampled frames (two a second) are rendered; they go through the same codec as a film file,
    so that the eyes know its artefacts.
    """
    film = draw_film(seed, seconds)
    times = np.arange(0, seconds, 0.5)
    stored = folder / f"{seed}-{seconds:g}-{size[0]}x{size[1]}.npy"
    if not stored.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pixels = _through_codec(_render(film, times), size)
        partial = stored.with_suffix(f".{seed}.tmp")
        with partial.open("wb") as file:
            np.save(file, pixels)
        partial.rename(stored)
    pixels = torch.from_numpy(np.load(stored))
    return Shots(film, pixels, torch.from_numpy(times), frame_labels(film, times))


def _render(film: Film, times: Sequence[float] | np.ndarray) -> list[np.ndarray]:
    renderer = FilmRenderer(film)
    return [renderer.frame(float(time)) for time in times]


def _through_codec(pictures: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Encode as H.264, decode, resize to (height, width) like the reader: uint8 (F, 3, h, w)."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=2, options={"preset": "veryfast", "crf": "23"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    tensor = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    return interpolate(tensor, size, mode="bicubic", antialias=True).numpy()


def frame_labels(film: Film, times: Sequence[float] | np.ndarray) -> Tensor:
    """Index of each attribute's word per frame, int64 (F, 4); -1 for places outside training."""
    starts = [scene.start for scene in film.scenes]
    rows = []
    for time in times:
        scene = film.scenes[max(0, int(np.searchsorted(starts, time, side="right")) - 1)]
        words = (scene.object, scene.colour, scene.place, scene.action)
        rows.append([names.index(w) if w in names else -1 for names, w in zip(ATTRIBUTES, words, strict=True)])
    return torch.tensor(rows)
