"""Models with random weights watching noise: our engine, and the unmodified model in one pass."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longreel.methods import named_method
from longreel.model import Model
from longreel.models.engine.transformers_decoder import ATTENTION
from longreel.models.published import PublishedAdapter
from released_models import ADAPTERS, Release, outlined, published_model, release

sys.path.append(str(Path(__file__).parents[1]))

from tests.families.checkpoints import family_tokenizer, placeholder_ids

FPS = 2.0
# Watches so many frames of noise and returns the entries of a layer of the memory.
Watching = Callable[[int], int]
_TEXT = {
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": False,
    "bos_token_id": None,
    "eos_token_id": None,
}
_ROPE = {"rope_type": "default", "rope_theta": 1e6}
# 36 visual tokens of two frames, and 16 of one.
SMALL = {
    "qwen2_5_vl": Release(
        "small Qwen2.5-VL",
        "qwen2_5_vl",
        text={**_TEXT, "rope_parameters": {**_ROPE, "mrope_section": [4, 6, 6]}},
        vision={
            "depth": 2,
            "hidden_size": 128,
            "intermediate_size": 256,
            "out_hidden_size": 256,
            "num_heads": 4,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        processing={"min_pixels": 168 * 168, "max_pixels": 168 * 168},
    ),
    "llava_onevision": Release(
        "small LLaVA-OneVision",
        "llava_onevision",
        text={**_TEXT, "model_type": "qwen2", "rope_parameters": _ROPE},
        vision={
            "model_type": "siglip_vision_model",
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 112,
            "patch_size": 14,
            "vision_use_head": False,
        },
    ),
}
REAL = release("Qwen2.5-VL-7B")


def random_adapter(made: Release, device: str, dtype: torch.dtype, chunk: int | None) -> PublishedAdapter:
    """Our adapter over random weights; chunk: visual tokens prefilled together, None for the usual."""
    tokenizer = family_tokenizer(made.kind)
    model = _random_model(made, device, dtype, ATTENTION)
    adapter = ADAPTERS[made.kind](made.name, model, tokenizer, made.processing)
    if chunk is not None:
        adapter.interval = chunk
    return adapter


def with_longreel(made: Release, device: str, dtype: torch.dtype, chunk: int | None) -> Watching:
    """Our way, from arrays to a memory with nothing compressed."""
    adapter = random_adapter(made, device, dtype, chunk)
    model = Model(adapter, named_method("keep-all"))
    size = adapter.frame_size(360, 360)

    def watch(frames: int) -> int:
        return model.watch(noise(frames, size), fps=FPS).header.kept[0]

    return watch


def with_transformers(made: Release, device: str, dtype: torch.dtype, chunk: int | None) -> Watching:
    """The unmodified model over the same frames at once, as `generate` begins; it has no chunks."""
    model = _random_model(made, device, dtype, "sdpa")
    adapter, _ = outlined(made)
    assert isinstance(adapter, PublishedAdapter)
    size = adapter.frame_size(360, 360)

    @torch.no_grad()
    def prefill(frames: int) -> int:
        pictures = np.stack([picture for picture, _ in noise(frames, size)])
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        given = _inputs(model, adapter, made.kind, pixels)
        moved = {name: tensor.to(device) for name, tensor in given.items()}
        out = model(**moved, use_cache=True, logits_to_keep=1)
        return int(out.past_key_values.get_seq_length())

    return prefill


WAYS = {"longreel": with_longreel, "transformers": with_transformers}


def noise(frames: int, size: tuple[int, int]) -> Iterator[tuple[np.ndarray, float]]:
    """Pictures (H, W, 3) and their seconds, made one by one."""
    rng = np.random.default_rng(0)
    for number in range(frames):
        yield rng.integers(0, 256, (*size, 3), dtype=np.uint8), number / FPS


def _random_model(made: Release, device: str, dtype: torch.dtype, attention: str) -> Any:
    torch.manual_seed(0)
    ids = placeholder_ids(made.kind, family_tokenizer(made.kind))
    with torch.device(device):
        return published_model(made, dtype, attention, **ids).eval()


def _inputs(model: Any, adapter: Any, kind: str, pixels: Tensor) -> dict[str, Tensor]:
    """What the unmodified model takes for a film, frames uint8 (F, 3, h, w)."""
    prompt = type(adapter).prompt(adapter, family_tokenizer(kind))
    before = prompt.before(None)
    film = int(model.config.video_token_id)
    if kind == "llava_onevision":
        # One more for the new line that ends a film.
        count = len(pixels) * adapter.tokens_per_frame + 1
        more = {"pixel_values_videos": (pixels.float() / 255 - 0.5)[None] / 0.5}
    else:
        patches, grid = adapter.patches(pixels)
        before = torch.cat((before, torch.tensor(prompt.opening())))
        count = len(patches) // adapter.model.config.vision_config.spatial_merge_size**2
        more = {"pixel_values_videos": patches, "video_grid_thw": torch.tensor([grid])}
        more["second_per_grid_ts"] = torch.tensor([adapter.clip / FPS])
    ids = torch.cat((before, torch.full((count,), film)))[None]
    if kind != "llava_onevision":
        more["mm_token_type_ids"] = 2 * (ids == film).int()
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **more}
