"""From the released config.json to ours (spec g)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from longreel.errors import ModelError
from longreel.models.overrides import Overrides
from longreel.models.video_xl.configuration import READ_KEYS, SummaryTokenConfig, VideoXLConfig

RELEASED_TYPE = "llava_qwen"
_PROJECTORS = {"mlp2x_gelu": "mlp", "linear": "linear"}
# Other values mean another model. A key that is missing has the released value.
_RELEASED: dict[str, Any] = {
    "mm_resampler_type": "spatial_pool",
    "mm_spatial_pool_mode": "average",
    "mm_use_im_patch_token": False,
    "mm_use_im_start_end": False,
    "mm_vision_select_feature": "patch",
    "use_sliding_window": False,
}
_READ = (
    READ_KEYS
    | _RELEASED.keys()
    | {
        "enable_beacon",
        "mm_projector_type",
        "mm_spatial_pool_stride",
        "mm_vision_select_layer",
        "mm_vision_tower",
    }
)
# Keys known to say nothing about how a film is watched: training, other uses of the decoder, what other
# keys or the tensors say too. The canvases of single images are always those of the spec.
_WITHOUT_EFFECT = frozenset(
    (
        "_name_or_path",
        "architectures",
        "attention_dropout",
        "beacon_embed_init",
        "beacon_ratio_mix",
        "dtype",
        "image_aspect_ratio",
        "image_crop_resolution",
        "image_grid_pinpoints",
        "image_split_resolution",
        "max_window_layers",
        "mm_hidden_size",
        "mm_patch_merge_type",
        "mm_projector_lr",
        "mm_spatial_pool_out_channels",
        "mm_tunable_parts",
        "mm_vision_tower_lr",
        "model_type",
        "pos_skipping_range",
        "rope_parameters",
        "rope_scaling",
        "sliding_window",
        "tokenizer_model_max_length",
        "tokenizer_padding_side",
        "torch_dtype",
        "transformers_version",
        "use_cache",
        "use_mm_proj",
        "use_pos_skipping",
    )
)
_TRAINING = ("freeze_", "tune_", "unfreeze_")


def require_summary_tokens(config: Mapping[str, Any], folder: Path) -> None:
    """Refuse a model of the same architecture that is not Video-XL.

    Raises:
        ModelError: the config says nothing of summary tokens, or that they are off.
    """
    told = any(key.startswith("beacon_") for key in config)
    if not told or not config.get("enable_beacon", True):
        raise ModelError(
            f"{folder} is a {config['model_type']} model without Video-XL's summary tokens "
            "(enable_beacon and beacon_* in config.json): only Video-XL checkpoints are read"
        )


def translated(
    config: Mapping[str, Any], tower: Mapping[str, Any], overrides: Overrides, folder: Path
) -> VideoXLConfig:
    """Our config for a released one.

    Args:
        tower: `vision_config`, see `tower`.
        folder: where it was read, for errors.

    Raises:
        ModelError: a key is missing or means another model.
    """
    for key, value in _RELEASED.items():
        if config.get(key, value) not in (value, None):
            raise ModelError(
                f"{folder}: {key}={config[key]!r} is not Video-XL's: only {value!r} is supported"
            )
    with sound_config(folder):
        return VideoXLConfig(
            vision_config=dict(tower),
            text_config=SummaryTokenConfig.from_official(config),
            projector=_projector(config, folder),
            pool=int(config.get("mm_spatial_pool_stride") or 2),
            feature_layer=_layer(config, overrides, folder),
            frame_fit=overrides.frames or "crop",
        )


def unknown_keys(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys that neither this package nor the spec knows."""
    known = _READ | _WITHOUT_EFFECT
    return tuple(sorted(key for key in config if key not in known and not key.startswith(_TRAINING)))


@contextmanager
def sound_config(folder: Path) -> Iterator[None]:
    """Turn what a config with senseless values leads to into one line."""
    try:
        yield
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{folder / 'config.json'} does not describe a model ({reason}): copy it again"
        ) from error


def _projector(config: Mapping[str, Any], folder: Path) -> str:
    kind = config.get("mm_projector_type") or "mlp2x_gelu"
    if kind not in _PROJECTORS:
        raise ModelError(
            f"{folder}: mm_projector_type={kind!r} is not supported: known are {', '.join(_PROJECTORS)}"
        )
    return _PROJECTORS[kind]


def _layer(config: Mapping[str, Any], overrides: Overrides, folder: Path) -> int:
    """No default: the release's own scripts use -1 and -2, and the wrong one only makes answers worse."""
    if overrides.vision_layer is not None:
        return overrides.vision_layer
    layer = config.get("mm_vision_select_layer")
    if layer is None:
        raise ModelError(
            f"{folder / 'config.json'} has no mm_vision_select_layer: give the layer of the vision tower "
            "that the weights were trained with, vision_layer=-2 or -1 (longreel convert --vision-layer)"
        )
    return int(layer)
