"""Which vision tower a released checkpoint has, and where its weights are (spec g).

The config names the tower by a path on the machine that trained it. The weights were trained further and
lie in the checkpoint, so all that is needed from elsewhere is the architecture, and the tensors tell it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from longreel.errors import ModelError
from longreel.models.folders import read_config
from longreel.models.overrides import Overrides
from longreel.models.shards import Shards, Stored

PREFIX = "model.vision_tower.vision_tower.vision_model."
# Every published CLIP tower has heads of this width; tensors do not tell it.
_HEAD_WIDTH = 64
_KINDS = {
    "clip": "clip_vision_model",
    "clip_vision_model": "clip_vision_model",
    "siglip": "siglip_vision_model",
    "siglip_vision_model": "siglip_vision_model",
}
_ARCHITECTURE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_channels",
    "image_size",
    "patch_size",
    "hidden_act",
    "layer_norm_eps",
)


class Tower(NamedTuple):
    """A vision tower before its weights are read.

    settings: its architecture, as `VideoXLConfig.vision_config`.
    told_by: what told it, for the report.
    shards, prefix: where its weights lie, and what their names begin with.
    weights: the same for the report.
    """

    settings: dict[str, Any]
    told_by: str
    shards: Shards
    prefix: str
    weights: str


def find_tower(folder: Path, config: Mapping[str, Any], shards: Shards, overrides: Overrides) -> Tower:
    """The tower of the checkpoint in `folder`.

    Its architecture is that of the folder in `overrides`, else of the folder the config names if that is
    there, else what the tensors tell. Its weights are the checkpoint's; only if it has none, those of the
    folder in `overrides`.

    Raises:
        ModelError: there are no weights, or nothing tells the architecture.
    """
    given = None if overrides.vision_tower is None else Path(overrides.vision_tower)
    own = {
        name.removeprefix(PREFIX): stored for name, stored in shards.stored.items() if name.startswith(PREFIX)
    }
    if not own and given is None:
        raise ModelError(
            f"{folder} holds no vision tower ({PREFIX}*): copy the complete checkpoint, or name the folder "
            "of the CLIP model it was trained with, vision_tower=… (longreel convert --vision-tower)"
        )
    named = given or _named(folder, config)
    settings = _of_tensors(folder, own) if named is None else _of_folder(named)
    told_by = "tensors" if named is None else str(named)
    if own or given is None:
        return Tower(settings, told_by, shards, PREFIX, "checkpoint")
    return tower_of(given)


def tower_of(folder: Path) -> Tower:
    """The tower in a folder of a CLIP or SigLIP model, or of its vision model alone.

    Raises:
        ModelError: the folder holds none, or files are missing or damaged.
    """
    settings, shards = _of_folder(folder), Shards.of(folder)
    prefix = "vision_model." if any(name.startswith("vision_model.") for name in shards.stored) else ""
    return Tower(settings, str(folder), shards, prefix, str(folder))


def _named(folder: Path, config: Mapping[str, Any]) -> Path | None:
    """The folder that the config names, relative to its own, if it is there."""
    name = config.get("mm_vision_tower")
    if not isinstance(name, str) or not name:
        return None
    place = folder / name
    return place if (place / "config.json").is_file() else None


def _of_folder(folder: Path) -> dict[str, Any]:
    config = read_config(folder)
    kind = _KINDS.get(config["model_type"])
    if kind is None:
        raise ModelError(
            f"{folder} is a {config['model_type']!r} model: a vision tower is one of {', '.join(_KINDS)}"
        )
    vision = config.get("vision_config") or config
    return {"model_type": kind, **{key: vision[key] for key in _ARCHITECTURE if key in vision}}


def _of_tensors(folder: Path, own: Mapping[str, Stored]) -> dict[str, Any]:
    """The architecture of a CLIP tower from the shapes of its tensors."""
    try:
        width, _, patch, _ = own["embeddings.patch_embedding.weight"].shape
        places, _ = own["embeddings.position_embedding.weight"].shape
        inner, _ = own["encoder.layers.0.mlp.fc1.weight"].shape
    except (KeyError, ValueError) as error:
        raise ModelError(f"{folder} holds a vision tower that is not CLIP's: {_REMEDY}") from error
    side = math.isqrt(places - 1)
    if side * side != places - 1 or width % _HEAD_WIDTH:
        raise ModelError(
            f"{folder} holds a vision tower of width {width} with {places} positions, which does not tell "
            f"its heads or its grid: {_REMEDY}"
        )
    return {
        "model_type": "clip_vision_model",
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": 1 + max(_layer(name) for name in own),
        "num_attention_heads": width // _HEAD_WIDTH,
        "image_size": side * patch,
        "patch_size": patch,
    }


_REMEDY = "name a folder with its config.json, vision_tower=… (longreel convert --vision-tower)"


def _layer(name: str) -> int:
    number = name.removeprefix("encoder.layers.").split(".")[0]
    return int(number) if name.startswith("encoder.layers.") and number.isdecimal() else -1
