"""Configurations of the Video-XL architecture (arXiv 2409.14485)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedConfig, Qwen2Config

from longreel.errors import ModelError
from longreel.models.overrides import FrameFit

# Keys of a released Video-XL config.json that describe its Qwen2 decoder; all others are ignored.
_DECODER_KEYS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "initializer_range",
    "rms_norm_eps",
    "tie_word_embeddings",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)
_RELEASED_ROPE_THETA = 1_000_000.0
# The options of the released code that mean this mechanism (spec b); others mean another one.
_RELEASED_MECHANISM: dict[str, Any] = {
    "beacon_attn": "full-coverage",
    "beacon_pos": "interleave",
    "beacon_sink_size": 0,
    "beacon_attend_prev": True,
    "beacon_accum": True,
    "beacon_parallel_window": 1,
    "beacon_param": ["q", "k", "v"],
}
# Every key that `SummaryTokenConfig.from_official` reads.
READ_KEYS = frozenset(
    (*_DECODER_KEYS, *_RELEASED_MECHANISM, "beacon_window", "beacon_stride", "beacon_ratio", "rope_theta")
)


class SummaryTokenConfig(Qwen2Config):
    """A Qwen2 decoder with visual summary tokens.

    `summary_interval` is the number of visual tokens condensed together and `summary_ratios` are the
    ratios the weights were trained for (paper section 3.2). `summary_start` is what a summary token enters
    the first layer as: "learned", one vector for all (the paper), or "mean", that vector plus the mean of
    the raw tokens since the last summary token.

    Raises:
        ValueError: `summary_start` is neither.
    """

    model_type = "longreel_summary_token_lm"

    def __init__(
        self,
        summary_interval: int = 1440,
        summary_ratios: list[int] | None = None,
        summary_start: str = "learned",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.summary_interval = summary_interval
        if summary_start not in {"learned", "mean"}:
            raise ValueError(f'summary_start must be "learned" or "mean", got {summary_start!r}')
        self.summary_start = summary_start
        self.summary_ratios = [2, 4, 8] if summary_ratios is None else list(summary_ratios)

    @property
    def rope_theta(self) -> float:
        """Base of the rotary frequencies."""
        parameters: Any = self.rope_parameters or {}
        return float(parameters.get("rope_theta") or _RELEASED_ROPE_THETA)

    @classmethod
    def from_official(cls, config: Mapping[str, Any]) -> SummaryTokenConfig:
        """Translate the config.json of a released Video-XL checkpoint.

        Unknown keys are ignored and rope scaling is switched off, as that release needs.

        Raises:
            ModelError: a key that shapes the decoder is missing, or the attention is not Video-XL's.
        """
        for key in (
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
        ):
            if config.get(key) is None:
                raise ModelError(
                    f"config of the Video-XL checkpoint has no {key!r}: use its original config.json"
                )
        _require_known_mechanism(config)
        rope = config.get("rope_parameters") or {}
        theta = config.get("rope_theta") or rope.get("rope_theta") or _RELEASED_ROPE_THETA
        decoder = {key: config[key] for key in _DECODER_KEYS if config.get(key) is not None}
        return cls(
            summary_interval=int(config.get("beacon_window") or 1440),
            summary_ratios=[int(ratio) for ratio in config.get("beacon_ratio") or (2, 4, 8)],
            rope_parameters={"rope_type": "default", "rope_theta": float(theta)},
            **decoder,
        )


def _require_known_mechanism(config: Mapping[str, Any]) -> None:
    """Refuse the variants of the released code's options that mean another mechanism (spec b)."""
    for key, value in _RELEASED_MECHANISM.items():
        if config.get(key, value) not in (value, None):
            raise ModelError(
                f"{key}={config[key]!r} is not Video-XL's mechanism: only {value!r} is supported"
            )
    if config.get("beacon_stride", config.get("beacon_window")) != config.get("beacon_window"):
        raise ModelError("beacon_stride differs from beacon_window: only equal values are supported")


class VideoXLConfig(PreTrainedConfig):
    """Vision tower, projector and decoder of a Video-XL model.

    `vision_config` names its architecture by `model_type` (clip_vision_model, siglip_vision_model or
    longreel_glance_tower). `feature_layer` is the hidden layer read from CLIP and SigLIP towers, `pool` the
    side of the average pooling after the projector, `projector` "mlp" (Linear, GELU, Linear) or "linear".
    `pixel_mean` and `pixel_std` are per channel, of values in 0…1; None leaves scaling to the tower.
    `closed_vocabulary`, `taught_words` and `remembered_turns` are those of `Prompt`.
    `frame_fit` is "crop" or "whole", see `framing`.
    `default_fps` is the sampling the weights were trained for, in frames per second, and `trained_frames` the
    number of frames of the longest films they were trained on (the release: 128). `evidence_heads` are the
    (layer, head) pairs whose attention tells where in the film an answer comes from; None for all. With
    `clock`, every frame's tokens are told its minute and second.
    """

    model_type = "longreel_video_xl"
    sub_configs = {"text_config": SummaryTokenConfig}  # noqa: RUF012

    def __init__(
        self,
        vision_config: dict[str, Any] | None = None,
        text_config: dict[str, Any] | SummaryTokenConfig | None = None,
        projector: str = "mlp",
        pool: int = 2,
        feature_layer: int = -2,
        pixel_mean: list[float] | None = None,
        pixel_std: list[float] | None = None,
        frame_fit: FrameFit = "whole",
        default_fps: float = 1.0,
        closed_vocabulary: bool = False,
        taught_words: list[str] | None = None,
        remembered_turns: int | None = None,
        evidence_heads: list[list[int]] | None = None,
        clock: bool = False,
        trained_frames: int = 128,
        **kwargs: Any,
    ) -> None:
        self.vision_config = vision_config or {"model_type": "clip_vision_model"}
        if not isinstance(text_config, SummaryTokenConfig):
            text_config = SummaryTokenConfig(**(text_config or {}))
        self.text_config = text_config
        self.projector = projector
        self.pool = pool
        self.feature_layer = feature_layer
        self.pixel_mean = pixel_mean
        self.pixel_std = pixel_std
        if frame_fit not in {"crop", "whole"}:
            raise ValueError(f'frame_fit must be "crop" or "whole", got {frame_fit!r}')
        self.frame_fit: FrameFit = frame_fit
        self.default_fps = default_fps
        self.closed_vocabulary = closed_vocabulary
        self.taught_words = taught_words
        self.remembered_turns = remembered_turns
        self.evidence_heads = evidence_heads
        self.clock = clock
        self.trained_frames = trained_frames
        super().__init__(**kwargs)
