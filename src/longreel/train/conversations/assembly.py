"""A new Video-XL, made of a Qwen2-family language model and a vision tower."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from longreel.errors import ModelError
from longreel.loading import local_folder
from longreel.models.folders import model_folder, read_config
from longreel.models.shards import Shards, require_fit
from longreel.models.video_xl.configuration import SummaryTokenConfig, VideoXLConfig
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.models.video_xl.released.config import sound_config
from longreel.models.video_xl.released.tokenizer import read_tokenizer
from longreel.models.video_xl.released.tower import tower_of
from longreel.models.weights import fill, outline
from longreel.train.conversations.recipe import Assemble


def assembled(
    plan: Assemble, *, seed: int, dtype: torch.dtype
) -> tuple[VideoXLModel, PreTrainedTokenizerBase]:
    """Add a vision tower, a random projector and summary tokens to a Qwen2-family model.

    Summary projections start as copies of each layer's own, the summary embedding as that of the token that
    ends a turn (spec b).

    Raises:
        ModelError: a folder holds no such model, or files are missing or damaged.
    """
    folder, tower_folder = (
        model_folder(local_folder(name)) for name in (plan.language_model, plan.vision_tower)
    )
    tower = tower_of(tower_folder)
    config = _config(plan, folder, tower.settings)
    tokenizer = read_tokenizer(folder, config.text_config.vocab_size)
    config.text_config.eos_token_id = tokenizer.eos_token_id
    with sound_config(folder):
        model = outline(lambda: VideoXLModel(config))
    for shards, names in (
        (Shards.of(folder), dict(_decoder_names(model))),
        (tower.shards, dict(_tower_names(model, tower.prefix))),
    ):
        _require(shards, names, model)
        fill(model, shards.parts(names, dtype=dtype))
    _start(model, seed, dtype)
    model.tie_weights()
    model.eval()
    return model, tokenizer


def _config(plan: Assemble, folder: Path, tower: dict[str, Any]) -> VideoXLConfig:
    told = read_config(folder)
    if told["model_type"] != "qwen2" or told.get("use_sliding_window"):
        raise ModelError(f"{folder} is no language model of the Qwen2 family with full attention: name one")
    with sound_config(folder):
        text = SummaryTokenConfig.from_official(told)
        text.summary_interval = plan.interval
        return VideoXLConfig(
            vision_config=tower,
            text_config=text,
            pool=plan.pool,
            feature_layer=plan.vision_layer,
            frame_fit=plan.frames,
        )


def _decoder_names(model: VideoXLModel) -> Iterator[tuple[str, str]]:
    tied = model.config.text_config.tie_word_embeddings
    for name in model.state_dict():
        theirs = name.removeprefix("language_model.")
        if name != theirs and "summary_" not in name and not (tied and theirs == "lm_head.weight"):
            yield theirs, name


def _tower_names(model: VideoXLModel, prefix: str) -> Iterator[tuple[str, str]]:
    for name in model.state_dict():
        inner = name.removeprefix("vision_tower.vision_model.")
        if name != inner:
            # Releases of transformers differ in whether the tower's own names begin like this.
            yield prefix + inner.removeprefix("vision_model."), name


def _require(shards: Shards, names: dict[str, str], model: VideoXLModel) -> None:
    missing = [name for name in names if name not in shards.stored]
    if missing:
        file = next(iter(shards.stored.values())).file
        raise ModelError(f"{file.parent} lacks the tensor {missing[0]!r}: copy the complete folder")
    require_fit(model.state_dict(), shards.stored, names)


@torch.no_grad()
def _start(model: VideoXLModel, seed: int, dtype: torch.dtype) -> None:
    """Give weights to what no file has."""
    decoder: Any = model.language_model
    for layer in decoder.model.layers:
        for name in ("q_proj", "k_proj", "v_proj"):
            getattr(layer.self_attn, f"summary_{name}").to_empty(device="cpu")
    decoder.summary_embedding = nn.Parameter(torch.zeros(decoder.summary_embedding.shape, dtype=dtype))
    generator = torch.Generator().manual_seed(seed)
    model.projector.to_empty(device="cpu")
    for linear in (each for each in model.projector.modules() if isinstance(each, nn.Linear)):
        # As torch starts such a layer.
        bound = linear.in_features**-0.5
        for parameter in linear.parameters():
            parameter.copy_(_uniform(parameter, bound, generator))
    model.to(dtype=dtype)  # type: ignore[call-arg]
    decoder.initialise_summary_tokens()


def _uniform(like: Tensor, bound: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(like.shape, generator=generator) * 2 - 1) * bound
