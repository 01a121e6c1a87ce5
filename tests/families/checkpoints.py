"""Tiny random checkpoints of published families, written in the layout of their releases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

QWEN_MARKS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
LLAVA_MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>")

QWEN_CHAT = """{% for message in messages %}\
{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}{% else %}\
{% for part in message['content'] %}\
{% if part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>\
{% elif part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>\
{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
# As released: images before films, in whatever order they are given.
LLAVA_CHAT = """{% for message in messages %}<|im_start|>{{ message['role'] }} \
{% for part in message['content'] if part['type'] == 'image' %}<image>
{% endfor %}{% for part in message['content'] if part['type'] == 'video' %}<video>
{% endfor %}{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}\
<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": False,
}
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "llava_onevision")


def write_checkpoint(family: str, folder: Path, pieces: Sequence[str] = ()) -> Path:
    """A checkpoint of the family with random weights, ready for `longreel.load`.

    pieces: tokens of several letters; what is left of each without its last letter is one too, or a letter.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = family_tokenizer(family, pieces)
    model = _MODELS[family](tokenizer)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in sorted(model.named_parameters()):
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.8 / parameter[0].numel() ** 0.5, generator=generator)
        elif not name.endswith("norm.weight"):
            torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    model.generation_config.eos_token_id = [tokenizer.convert_tokens_to_ids("<|im_end|>")]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(_PROCESSORS[family]))
    return folder


def family_tokenizer(family: str, pieces: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """Bytes, pieces of several, the family's marks and its way of writing a chat."""
    if family == "llava_onevision":
        return _tokenizer(LLAVA_MARKS, LLAVA_CHAT, pieces)
    return _tokenizer(QWEN_MARKS, QWEN_CHAT, pieces)


def placeholder_ids(family: str, tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """Keys of the family's config for the marks of its tokenizer."""
    return _llava_ids(tokenizer) if family == "llava_onevision" else _qwen_ids(tokenizer)


def _tokenizer(marks: tuple[str, ...], chat: str, pieces: Sequence[str]) -> PreTrainedTokenizerFast:
    """Bytes and marks: any text can be written."""
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *sorted(pieces, key=len)]
    merges = [(piece[:-1], piece[-1]) for piece in sorted(pieces, key=len)]
    backend = Tokenizer(BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=chat
    )


def _qwen_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    return {key: tokenizer.convert_tokens_to_ids(mark) for key, mark in names.items()}


def _llava_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    names = {"image_token_index": "<image>", "video_token_index": "<video>"}
    return {key: tokenizer.convert_tokens_to_ids(mark) for key, mark in names.items()}


def _text(tokenizer: PreTrainedTokenizerFast, section: list[int] | None, **more: Any) -> dict[str, Any]:
    rope = {"rope_type": "default", "rope_theta": 1e6}
    if section is not None:
        rope["mrope_section"] = section  # type: ignore[assignment]
    return {**_TEXT, "vocab_size": len(tokenizer), "rope_parameters": rope, **more}


def _qwen2_vl(tokenizer: PreTrainedTokenizerFast) -> Any:
    vision = {
        "depth": 2,
        "embed_dim": 32,
        "hidden_size": 64,
        "num_heads": 2,
        "mlp_ratio": 2,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }
    config = Qwen2VLConfig(
        text_config=_text(tokenizer, [2, 3, 3]), vision_config=vision, **_qwen_ids(tokenizer)
    )
    return Qwen2VLForConditionalGeneration(config)


def _qwen2_5_vl(tokenizer: PreTrainedTokenizerFast) -> Any:
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "out_hidden_size": 64,
        "num_heads": 2,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "tokens_per_second": 2,
        "window_size": 56,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=_text(tokenizer, [2, 3, 3]), vision_config=vision, **_qwen_ids(tokenizer)
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def _qwen3_vl(tokenizer: PreTrainedTokenizerFast) -> Any:
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "out_hidden_size": 64,
        "num_heads": 2,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 2],
    }
    config = Qwen3VLConfig(
        text_config=_text(tokenizer, [4, 2, 2], head_dim=16), vision_config=vision, **_qwen_ids(tokenizer)
    )
    return Qwen3VLForConditionalGeneration(config)


def _llava_onevision(tokenizer: PreTrainedTokenizerFast) -> Any:
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 42,
        "patch_size": 14,
        "vision_use_head": False,
    }
    config = LlavaOnevisionConfig(
        text_config={"model_type": "qwen2", **_text(tokenizer, None)},
        vision_config=vision,
        **_llava_ids(tokenizer),
        image_grid_pinpoints=[[42, 42], [42, 84], [84, 42], [126, 84]],
        vision_aspect_ratio="anyres_max_2",
        tie_word_embeddings=False,
    )
    return LlavaOnevisionForConditionalGeneration(config)


_MODELS: dict[str, Callable[[PreTrainedTokenizerFast], Any]] = {
    "qwen2_vl": _qwen2_vl,
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "llava_onevision": _llava_onevision,
}
_CLIP = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
_HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
_PROCESSORS: dict[str, dict[str, Any]] = {
    "qwen2_vl": {**_CLIP, "min_pixels": 56 * 56, "max_pixels": 84 * 112},
    "qwen2_5_vl": {**_CLIP, "min_pixels": 56 * 56, "max_pixels": 84 * 112},
    "qwen3_vl": {**_HALF, "size": {"shortest_edge": 64 * 64, "longest_edge": 12 * 96 * 128}},
    "llava_onevision": {
        **_HALF,
        "size": {"height": 42, "width": 42},
        "image_grid_pinpoints": [[42, 42], [42, 84], [84, 42], [126, 84]],
    },
}
