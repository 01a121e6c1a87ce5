"""A tiny random checkpoint in the layout of the released Video-XL, written from the spec's section g."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor

MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TAUGHT = "system\nYou are a helpful assistant.\nuser\nassistant\nWhat is it? Who is there?\n"
TOWER = "model.vision_tower.vision_tower.vision_model."
WIDTH, INNER, LAYERS, VOCABULARY = 32, 48, 3, 420
SIGHT, SIGHT_INNER, SIGHT_LAYERS, PATCH, IMAGE = 64, 80, 3, 14, 56

CONFIG: dict[str, Any] = {
    "_name_or_path": "/somewhere/else/Qwen2-7B-Instruct",
    "architectures": ["LlavaQwenForCausalLM"],
    "attention_dropout": 0.0,
    "beacon_accum": True,
    "beacon_attend_prev": True,
    "beacon_attn": "full-coverage",
    "beacon_embed_init": "eos",
    "beacon_parallel_window": 1,
    "beacon_param": ["q", "k", "v"],
    "beacon_pos": "interleave",
    "beacon_ratio": [2, 4, 8],
    "beacon_ratio_mix": "step-random",
    "beacon_sink_size": 0,
    "beacon_stride": 40,
    "beacon_window": 40,
    "bos_token_id": VOCABULARY - 3,
    "enable_beacon": True,
    "eos_token_id": VOCABULARY - 1,
    "freeze_mm_mlp_adapter": False,
    "hidden_act": "silu",
    "hidden_size": WIDTH,
    "image_aspect_ratio": "anyres",
    "image_crop_resolution": None,
    "image_grid_pinpoints": [[336, 672], [672, 336]],
    "image_split_resolution": None,
    "initializer_range": 0.02,
    "intermediate_size": INNER,
    "max_position_embeddings": 32768,
    "max_window_layers": 28,
    "mm_hidden_size": SIGHT,
    "mm_patch_merge_type": "unires",
    "mm_projector_lr": None,
    "mm_projector_type": "mlp2x_gelu",
    "mm_resampler_type": "spatial_pool",
    "mm_spatial_pool_mode": "average",
    "mm_spatial_pool_out_channels": SIGHT,
    "mm_spatial_pool_stride": 2,
    "mm_tunable_parts": "mm_vision_tower,mm_mlp_adapter,mm_language_model",
    "mm_use_im_patch_token": False,
    "mm_use_im_start_end": False,
    "mm_vision_select_feature": "patch",
    "mm_vision_select_layer": -2,
    "mm_vision_tower": "/somewhere/else/clip-vit-large-patch14-336",
    "model_type": "llava_qwen",
    "num_attention_heads": 4,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": 2,
    "pos_skipping_range": 4096,
    "rms_norm_eps": 1e-6,
    "rope_scaling": {"type": "dynamic", "factor": 4.0},
    "rope_theta": 1e6,
    "sliding_window": 131072,
    "tie_word_embeddings": False,
    "tokenizer_model_max_length": 32768,
    "tokenizer_padding_side": "right",
    "torch_dtype": "bfloat16",
    "transformers_version": "4.44.0",
    "unfreeze_mm_vision_tower": True,
    "use_cache": False,
    "use_mm_proj": True,
    "use_pos_skipping": False,
    "use_sliding_window": False,
    "vocab_size": VOCABULARY,
}


@dataclass(frozen=True)
class Released:
    """A checkpoint and what was written into it."""

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, Tensor]


def write_released(
    folder: Path,
    *,
    files: int = 4,
    seed: int = 0,
    dtype: torch.dtype = torch.bfloat16,
    without: str | None = None,
    **changes: Any,
) -> Released:
    """Write a checkpoint.

    Args:
        files: safetensors files; one has no index.
        without: leave out the tensors in whose name this is.
        changes: keys of the config; None removes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    tensors = {
        name: tensor.to(dtype)
        for name, tensor in released_tensors(seed).items()
        if without is None or without not in name
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [VOCABULARY - 1]}))
    write_weights(folder, tensors, files)
    write_tokenizer(folder)
    return Released(folder, config, tensors)


def write_weights(folder: Path, tensors: dict[str, Tensor], files: int) -> None:
    """The weights in one file, or in several with their index."""
    if files == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    places = {}
    for number in range(files):
        file = f"model-{number + 1:05}-of-{files:05}.safetensors"
        part = dict(list(tensors.items())[number::files])
        save_file(part, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def released_tensors(seed: int = 0) -> dict[str, Tensor]:
    """Random tensors under the released names; norms are near one."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator) * 0.2 + ("norm" in name and name.endswith("weight"))
        for name, shape in _shapes()
    }


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "model.embed_tokens.weight", (VOCABULARY, WIDTH)
    yield "model.beacon_embed_tokens.weight", (1, WIDTH)
    for layer in range(LAYERS):
        yield from _decoder_layer(f"model.layers.{layer}")
    yield "model.norm.weight", (WIDTH,)
    yield "lm_head.weight", (VOCABULARY, WIDTH)
    yield from _linear("model.mm_projector.0", SIGHT, WIDTH)
    yield from _linear("model.mm_projector.2", WIDTH, WIDTH)
    yield f"{TOWER}embeddings.class_embedding", (SIGHT,)
    yield f"{TOWER}embeddings.patch_embedding.weight", (SIGHT, 3, PATCH, PATCH)
    yield f"{TOWER}embeddings.position_embedding.weight", ((IMAGE // PATCH) ** 2 + 1, SIGHT)
    yield from _norm(f"{TOWER}pre_layrnorm")
    for layer in range(SIGHT_LAYERS):
        yield from _tower_layer(f"{TOWER}encoder.layers.{layer}")
    yield from _norm(f"{TOWER}post_layernorm")


def _decoder_layer(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for kind in ("", "beacon_"):
        yield from _linear(f"{name}.self_attn.{kind}q_proj", WIDTH, WIDTH)
        yield from _linear(f"{name}.self_attn.{kind}k_proj", WIDTH, WIDTH // 2)
        yield from _linear(f"{name}.self_attn.{kind}v_proj", WIDTH, WIDTH // 2)
    yield f"{name}.self_attn.o_proj.weight", (WIDTH, WIDTH)
    yield f"{name}.mlp.gate_proj.weight", (INNER, WIDTH)
    yield f"{name}.mlp.up_proj.weight", (INNER, WIDTH)
    yield f"{name}.mlp.down_proj.weight", (WIDTH, INNER)
    yield f"{name}.input_layernorm.weight", (WIDTH,)
    yield f"{name}.post_attention_layernorm.weight", (WIDTH,)


def _tower_layer(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        yield from _linear(f"{name}.self_attn.{part}", SIGHT, SIGHT)
    yield from _linear(f"{name}.mlp.fc1", SIGHT, SIGHT_INNER)
    yield from _linear(f"{name}.mlp.fc2", SIGHT_INNER, SIGHT)
    yield from _norm(f"{name}.layer_norm1")
    yield from _norm(f"{name}.layer_norm2")


def _linear(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (SIGHT,)
    yield f"{name}.bias", (SIGHT,)


def write_tokenizer(folder: Path) -> None:
    """The files of Qwen2's slow tokenizer, in which the words of the prompt are one token each."""
    bytewise = _trained()
    bytewise.model.save(str(folder))
    words = bytewise.get_vocab_size()
    added = {mark: words + number for number, mark in enumerate(MARKS)}
    (folder / "added_tokens.json").write_text(json.dumps(added))
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"})
    )
    settings = {
        "added_tokens_decoder": {
            str(number): {
                "content": mark,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for mark, number in added.items()
        },
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "chat_template": "{{ 'not the prompt of the release' }}",
        "eos_token": "<|im_end|>",
        "model_max_length": 32768,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


@cache
def _trained() -> Tokenizer:
    bytewise: Any = Tokenizer(models.BPE())
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(MARKS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=1,
        show_progress=False,
    )
    bytewise.train_from_iterator([_TAUGHT] * 4, trainer)
    return bytewise


def write_tower(folder: Path, *, heads: int, tensors: dict[str, Tensor] | None = None) -> Path:
    """A folder of a whole CLIP model, as the config of the release names one."""
    folder.mkdir(parents=True)
    vision = {
        "hidden_size": SIGHT,
        "image_size": IMAGE,
        "intermediate_size": SIGHT_INNER,
        "num_attention_heads": heads,
        "num_hidden_layers": SIGHT_LAYERS,
        "patch_size": PATCH,
        "projection_dim": 768,
    }
    (folder / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": vision}))
    if tensors is not None:
        own = {
            name.replace(TOWER, "vision_model."): tensor
            for name, tensor in tensors.items()
            if name.startswith(TOWER)
        }
        save_file({**own, "logit_scale": torch.zeros(1)}, folder / "model.safetensors")
    return folder
