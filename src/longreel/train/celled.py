"""A trained model whose tokens become a grid of places, seen by the same eyes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerFast

from longreel.models.video_xl.glance_tower import GlanceTowerConfig
from longreel.models.video_xl.modeling import VideoXLModel


@dataclass(frozen=True)
class Grid:
    """What the tokens become.

    cells: rows and columns of a frame. pool: how many of them, along each side, are one token where no
    method pools. frames: of the longest films of training, if their frames had so many tokens.
    ratios: of summary tokens, that training will have. made_up: embeddings of made-up words behind the
    tokenizer's.
    """

    cells: tuple[int, int]
    pool: int
    frames: int
    ratios: Sequence[int] = (1,)
    made_up: int = 0


@torch.no_grad()
def with_cells(
    known: VideoXLModel, tokenizer: PreTrainedTokenizerFast, grid: Grid, *, seed: int
) -> VideoXLModel:
    """The model with a grid, and all that `known` has learned; `known` stays as it is.

    Raises:
        ValueError: it has no eyes that find a thing, or a pool is larger than the grid.
    """
    config = deepcopy(known.config)
    if config.vision_config.get("model_type") != GlanceTowerConfig.model_type:
        raise ValueError("its vision tower is not one that finds the thing in a frame")
    if grid.pool > min(grid.cells):
        raise ValueError(f"a pool of {grid.pool} is larger than a grid of {grid.cells[0]}x{grid.cells[1]}")
    config.vision_config["cells"] = list(grid.cells)
    config.pool, config.trained_frames = grid.pool, grid.frames
    # Those of the known model were chosen by what its frames' tokens are.
    config.evidence_heads = None
    config.text_config.summary_ratios = sorted(grid.ratios)
    config.text_config.vocab_size = len(tokenizer) + grid.made_up
    torch.manual_seed(seed)
    model = VideoXLModel(config)
    _take_over(model, known, len(tokenizer))
    model.eval()
    return model


def _take_over(model: VideoXLModel, known: VideoXLModel, taught: int) -> None:
    """All weights, and random embeddings for words behind the `taught` ones."""
    tied = {name for pair in known._tied_weights_keys.items() for name in pair}
    model.load_state_dict({k: v for k, v in known.state_dict().items() if k not in tied}, strict=False)
    words = model.language_model.model.embed_tokens.weight
    words.normal_(std=words.shape[1] ** -0.5)
    words[:taught] = known.language_model.model.embed_tokens.weight[:taught]
    model.tie_weights()
