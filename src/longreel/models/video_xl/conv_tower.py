"""A small convolutional vision tower for clips: the eyes of the embedded default model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from transformers import PreTrainedConfig, PreTrainedModel


class ConvTowerConfig(PreTrainedConfig):
    """Shape of a `ConvTower`.

    `image_size` is (height, width) in pixels, `channels` the widths of the strided stages,
    `num_tokens` the tokens per frame, `clip` the number of frames that share temporal context.
    """

    model_type = "longreel_conv_tower"

    def __init__(
        self,
        image_size: tuple[int, int] | list[int] = (64, 96),
        channels: tuple[int, ...] | list[int] = (24, 48, 96, 160),
        hidden_size: int = 128,
        num_tokens: int = 4,
        clip: int = 8,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = list(image_size)
        self.channels = list(channels)
        self.hidden_size = hidden_size
        self.num_tokens = num_tokens
        self.clip = clip


class _Stage(nn.Module):
    """Halve the resolution, then refine with one residual convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.down_norm = nn.BatchNorm2d(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.down_norm(self.down(x)))
        return relu(x + self.refine_norm(self.refine(x)))


class ConvTower(PreTrainedModel):
    """Frames to a few tokens each; motion is seen by mixing neighbouring frames inside a clip.

    Clips are encoded independently, so results depend on where clips start but not on how many are
    encoded at once.
    """

    config_class = ConvTowerConfig
    config: ConvTowerConfig
    main_input_name = "pixels"

    def __init__(self, config: ConvTowerConfig) -> None:
        super().__init__(config)
        first, *rest = config.channels
        width = config.channels[-1]
        height_cells, width_cells = (size // 2 ** len(config.channels) for size in config.image_size)
        self.stem = nn.Conv2d(3, first, 5, stride=2, padding=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(first)
        self.stages = nn.ModuleList(
            [_Stage(a, b) for a, b in zip([first, *rest[:-1]], rest, strict=True)]
        )
        self.attention = nn.Conv2d(width, config.num_tokens, 1)
        self.layout = nn.Linear(24 * height_cells * width_cells, config.hidden_size)
        self.layout_reduce = nn.Conv2d(width, 24, 1)
        self.motion_near = nn.Conv1d(config.hidden_size, config.hidden_size, 3, padding=1)
        self.motion_far = nn.Conv1d(config.hidden_size, config.hidden_size, 3, padding=1)
        self.appearance_out = nn.Linear(width, config.hidden_size * config.num_tokens)
        self.motion_out = nn.Linear(config.hidden_size, config.hidden_size * config.num_tokens)
        self.post_init()

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode clips.

        Args:
            pixels: uint8 (clips, T, 3, height, width), T at most `config.clip`.

        Returns:
            (clips, T, num_tokens, hidden_size).
        """
        clips, frames = pixels.shape[:2]
        x = pixels.flatten(0, 1).to(self.dtype).div_(255.0).sub_(0.5)
        x = relu(self.stem_norm(self.stem(x.contiguous(memory_format=torch.channels_last))))
        for stage in self.stages:
            x = stage(x)
        tokens = self._appearance(x) + self._motion(x, clips, frames)
        return tokens.view(clips, frames, self.config.num_tokens, -1)

    def _appearance(self, x: Tensor) -> Tensor:
        """Each token looks at its own part of the picture: (F, num_tokens * hidden_size)."""
        weights = self.attention(x).flatten(2).softmax(-1)
        pooled = torch.einsum("ftp,fcp->ftc", weights, x.flatten(2))
        tokens = self.config.num_tokens
        matrices = self.appearance_out.weight.view(tokens, -1, pooled.shape[-1])
        biases = self.appearance_out.bias.view(tokens, -1)
        return (torch.einsum("ftc,tdc->ftd", pooled, matrices) + biases).flatten(1)

    def _motion(self, x: Tensor, clips: int, frames: int) -> Tensor:
        """Where things are in this frame and its neighbours: (F, num_tokens * hidden_size)."""
        layout = relu(self.layout(self.layout_reduce(x).flatten(1)))
        over_time = layout.view(clips, frames, -1).transpose(1, 2)
        mixed = relu(self.motion_near(over_time))
        mixed = mixed + relu(self.motion_far(mixed))
        return self.motion_out(mixed.transpose(1, 2).flatten(0, 1))
