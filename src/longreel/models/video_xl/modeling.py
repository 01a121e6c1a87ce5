"""The whole Video-XL model: vision tower, projector, pooling and the decoder with summary tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from transformers import AutoConfig, AutoModel, PreTrainedModel

from longreel.models.video_xl.clock import Clock
from longreel.models.video_xl.configuration import SummaryTokenConfig, VideoXLConfig
from longreel.models.video_xl.glance_tower import GlanceTower, GlanceTowerConfig
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.models.video_xl.vision import build_tower


class VideoXLModel(PreTrainedModel):
    """Video-XL (arXiv 2409.14485, section 3): frames in, visual embeddings out; the decoder does the rest."""

    config_class = VideoXLConfig
    config: VideoXLConfig
    base_model_prefix = "video_xl"
    main_input_name = "pixels"
    _tied_weights_keys = {  # noqa: RUF012
        "language_model.lm_head.weight": "language_model.model.embed_tokens.weight"
    }

    def __init__(self, config: VideoXLConfig) -> None:
        super().__init__(config)
        self.vision_tower = build_tower(config)
        self.projector = _projector(config.projector, self.vision_tower.width, config.text_config.hidden_size)
        self.clock = Clock(config.text_config.hidden_size) if config.clock else None
        self.language_model = SummaryTokenLM(config.text_config)
        self.post_init()

    @property
    def tokens_per_frame(self) -> int:
        """Visual tokens of one frame after pooling."""
        height, width = self.vision_tower.grid
        return (height // self.config.pool) * (width // self.config.pool)

    def forward(self, pixels: Tensor, seconds: Tensor | None = None, *, unpooled: bool = False) -> Tensor:
        """Encode frames: uint8 (F, 3, height, width) to (F, tokens_per_frame, width of the decoder).

        Pooling is an average over pool x pool cells after the projector (spec a); tokens are row-major. With
        `unpooled`, all tokens of the tower's grid stay. A model with a clock reads `seconds` (F,), when each
        is shown.
        """
        features: Tensor = self.projector(self.vision_tower(pixels))
        features = features if unpooled else self._pooled(features)
        if self.clock is None or seconds is None:
            return features
        told: Tensor = self.clock(seconds)
        return features + told[:, None]

    def _pooled(self, features: Tensor) -> Tensor:
        if self.config.pool == 1:
            return features
        frames, _, width = features.shape
        grid = features.transpose(1, 2).reshape(frames, width, *self.vision_tower.grid)
        return avg_pool2d(grid, self.config.pool).flatten(2).transpose(1, 2)


def _projector(kind: str, inputs: int, outputs: int) -> nn.Module:
    if kind == "linear":
        return nn.Linear(inputs, outputs)
    if kind == "mlp":
        return nn.Sequential(nn.Linear(inputs, outputs), nn.GELU(), nn.Linear(outputs, outputs))
    raise ValueError(f'projector must be "mlp" or "linear", got {kind!r}')


def register_auto_classes() -> None:
    """Make `AutoConfig` and `AutoModel` know this architecture and its parts; safe to call again."""
    for config, model in (
        (VideoXLConfig, VideoXLModel),
        (SummaryTokenConfig, SummaryTokenLM),
        (GlanceTowerConfig, GlanceTower),
    ):
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModel.register(config, model, exist_ok=True)


@torch.no_grad()
def encode_frames(
    model: VideoXLModel, pixels: Tensor, seconds: Tensor | None = None, *, unpooled: bool = False
) -> Tensor:
    """Visual embeddings of frames without gradients, (F, tokens_per_frame, width); see `forward`."""
    features: Tensor = model(pixels, seconds, unpooled=unpooled)
    return features
