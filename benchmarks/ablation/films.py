"""The scenes that lessons are composed of, as the eyes of the model in the package see them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from longreel.files import atomic_file
from longreel.films.scenes import Film, Scene, draw_film
from longreel.identity import hash_tensors
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback, StageClock
from longreel.train.features import FRAMES_PER_SECOND, FeatureBank, ideal_scenes, seen_scenes
from longreel.train.recipe import FilmsToSee
from longreel.train.shots import film_shots


class Films:
    """Banks of scenes; what the eyes see is kept in `folder`, film by film.

    Args:
        seed: of what ideal eyes see.
        eyes: the model whose vision tower looks.
        shots: folder of frames that an earlier `longreel train` left, which are drawn if they are not there;
            None to draw them and leave nothing.
    """

    def __init__(
        self,
        films: FilmsToSee,
        eyes: VideoXLModel,
        folder: Path,
        seed: int,
        *,
        shots: Path | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._films, self._tower, self._shots, self._progress = films, eyes.vision_tower, shots, progress
        self._seed, self._banks = seed, dict[tuple[str, float], FeatureBank]()
        self.eyes = hash_tensors(eyes.vision_tower.state_dict())
        self._folder = folder / f"seen-{self.eyes[:12]}"

    def bank(self, eyes: str, doubt: float = 0.0) -> FeatureBank:
        """Scenes as "ideal" eyes see them, or as the "trained" ones do; see `FeatureBank`."""
        if (eyes, doubt) not in self._banks:
            scenes = self._ideal() if eyes == "ideal" else self._seen()
            self._banks[eyes, doubt] = FeatureBank(self._drawn(self._films.first_seed), scenes, doubt)
        return self._banks[eyes, doubt]

    def _ideal(self) -> list[tuple[Scene, Tensor]]:
        dice = torch.Generator().manual_seed(self._seed)
        return [scene for seed in self._seeds for scene in ideal_scenes(self._drawn(seed), dice)]

    def _seen(self) -> list[tuple[Scene, Tensor]]:
        times = torch.arange(0, self._films.seconds, 1 / FRAMES_PER_SECOND, dtype=torch.float64)
        clock, scenes = StageClock(self._progress, "see films", self._films.count), []
        for number, seed in enumerate(self._seeds, start=1):
            scenes += seen_scenes(self._drawn(seed), times, self._shares(seed))
            clock.report(number)
        return scenes

    @property
    def _seeds(self) -> range:
        return range(self._films.first_seed, self._films.first_seed + self._films.count)

    def _drawn(self, seed: int) -> Film:
        return draw_film(seed, self._films.seconds, max_scene=self._films.longest_scene)

    def _shares(self, seed: int) -> Tensor:
        """What the eyes make of a film, half precision (F, all words)."""
        path = self._folder / f"{seed}-{self._films.seconds:g}-{self._films.longest_scene:g}.npy"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as file:
                np.save(file, self._look(seed).numpy())
        return torch.from_numpy(np.load(path))

    @torch.no_grad()
    def _look(self, seed: int) -> Tensor:
        height, width = self._tower.vision_model.config.image_size
        longest = self._films.longest_scene
        with tempfile.TemporaryDirectory() as nowhere:
            shots = film_shots(
                seed,
                self._films.seconds,
                (height, width),
                self._shots or Path(nowhere),
                longest_scene=longest,
            )
        tokens: Tensor = self._tower(shots.pixels)
        # The second half of any token is the whole frame's shares.
        return tokens[:, 0, tokens.shape[-1] // 2 :].half()
