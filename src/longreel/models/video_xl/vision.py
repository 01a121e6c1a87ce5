"""Vision towers behind one call: uint8 frames to a grid of features per frame."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel, SiglipVisionConfig, SiglipVisionModel

from longreel.errors import ModelError
from longreel.models.clip_pixels import CLIP_MEAN, CLIP_STD
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.glance_tower import GlanceTower, GlanceTowerConfig


class VisionTower(Protocol):
    """What the model asks of a tower. `is_grid` tells whether the cells of `grid` are places in a picture."""

    is_grid: bool
    clip: int
    image_size: tuple[int, int]
    width: int
    grid: tuple[int, int]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Uint8 (F, 3, height, width) to features (F, grid height * grid width, width)."""


class ClipTower(nn.Module):
    """A CLIP or SigLIP vision model, read at one hidden layer; frames are independent."""

    is_grid = True
    clip = 1

    def __init__(self, model: CLIPVisionModel | SiglipVisionModel, config: VideoXLConfig) -> None:
        super().__init__()
        self.vision_model: Any = model
        vision = model.config
        image, patch = vision.image_size, vision.patch_size
        if not isinstance(image, int) or not isinstance(patch, int):
            raise ModelError(
                f"vision tower with image_size {image} and patch_size {patch}: both must be one number"
            )
        self.image_size = (image, image)
        self.width = vision.hidden_size
        side = image // patch
        self.grid = (side, side)
        self._layer = _checked_layer(config.feature_layer, vision.num_hidden_layers)
        # CLIP puts a class token before the patches, SigLIP does not.
        self._skip = 1 if isinstance(model, CLIPVisionModel) else 0
        siglip = not self._skip
        self._mean = config.pixel_mean or ([0.5] * 3 if siglip else list(CLIP_MEAN))
        self._std = config.pixel_std or ([0.5] * 3 if siglip else list(CLIP_STD))

    def forward(self, pixels: Tensor) -> Tensor:
        """See `VisionTower`."""
        weights = next(self.vision_model.parameters())
        mean = torch.tensor(self._mean, device=weights.device)[:, None, None]
        std = torch.tensor(self._std, device=weights.device)[:, None, None]
        scaled = (pixels.to(weights.device).float() / 255 - mean) / std
        states = self.vision_model(scaled.to(weights.dtype), output_hidden_states=True).hidden_states
        features: Tensor = states[self._layer][:, self._skip :]
        return features


def _checked_layer(layer: int, layers: int) -> int:
    """A layer that exists: 0 is what enters the first, `layers` or -1 what leaves the last."""
    if not -layers - 1 <= layer <= layers:
        raise ModelError(
            f"vision layer {layer} of a tower of {layers}: give one from {-layers - 1} to {layers}"
        )
    return layer


class ClipwiseTower(nn.Module):
    """The small convolutional tower, fed clip by clip.

    Its tokens are the attributes of one thing, or the cells of a grid if it has one.
    """

    def __init__(self, model: GlanceTower) -> None:
        super().__init__()
        self.vision_model = model
        config = model.config
        self.clip = config.clip
        height, width = config.image_size
        self.image_size = (height, width)
        self.width = config.hidden_size
        self.is_grid = config.cells is not None
        self.grid = (1, config.num_tokens) if config.cells is None else (config.cells[0], config.cells[1])

    def forward(self, pixels: Tensor) -> Tensor:
        """See `VisionTower`; a last clip may be shorter."""
        return torch.cat([self.vision_model(clips).flatten(0, 1) for clips in self.clips(pixels)])

    def clips(self, pixels: Tensor) -> list[Tensor]:
        """Frames (F, 3, height, width) as clips (n, T, 3, height, width): the whole ones, then the rest."""
        pixels = pixels.to(self.vision_model.device)
        whole = len(pixels) // self.clip * self.clip
        parts = (pixels[:whole].unflatten(0, (-1, self.clip)), pixels[whole:][None])
        return [part for part in parts if part.numel()]


def build_tower(config: VideoXLConfig) -> ClipTower | ClipwiseTower:
    """Build the tower a config names, with random weights.

    Raises:
        ModelError: the architecture is not supported.
    """
    settings = dict(config.vision_config)
    kind = settings.pop("model_type", None)
    if kind == "clip_vision_model":
        return ClipTower(CLIPVisionModel(CLIPVisionConfig(**settings)), config)
    if kind == "siglip_vision_model":
        return ClipTower(SiglipVisionModel(SiglipVisionConfig(**settings, vision_use_head=False)), config)
    if kind == "longreel_glance_tower":
        return ClipwiseTower(GlanceTower(GlanceTowerConfig(**settings)))
    raise ModelError(
        f"vision tower {kind!r} is not supported: "
        "use clip_vision_model, siglip_vision_model or longreel_glance_tower"
    )
