"""Released models built from the numbers in released_models.toml: their outlines, or with random weights."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText

from longreel.models.base import ModelAdapter
from longreel.models.engine.transformers_decoder import ATTENTION, register_attention
from longreel.models.llava_onevision import LlavaOnevisionAdapter
from longreel.models.overrides import Overrides
from longreel.models.published import PublishedAdapter
from longreel.models.qwen_vl import Qwen2VLAdapter, Qwen3VLAdapter, Qwen25VLAdapter
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.models.video_xl.released.config import RELEASED_TYPE, translated
from longreel.models.weights import outline

FACTS = Path(__file__).with_name("released_models.toml")
ADAPTERS: dict[str, type[PublishedAdapter]] = {
    "qwen2_vl": Qwen2VLAdapter,
    "qwen2_5_vl": Qwen25VLAdapter,
    "qwen3_vl": Qwen3VLAdapter,
    "llava_onevision": LlavaOnevisionAdapter,
}


@dataclass(frozen=True)
class Release:
    """What config.json and the video processor's settings of a release say; see released_models.toml."""

    name: str
    kind: str
    text: dict[str, Any]
    vision: dict[str, Any]
    processing: dict[str, Any] = field(default_factory=dict)
    parameters: int | None = None


def releases() -> list[Release]:
    """All of the file, in its order."""
    return [Release(**facts) for facts in tomllib.loads(FACTS.read_text(encoding="utf-8"))["model"]]


def release(name: str) -> Release:
    """That of this name."""
    return next(each for each in releases() if each.name == name)


def published_model(made: Release, dtype: torch.dtype, attention: str = ATTENTION, **more: Any) -> nn.Module:
    """The transformers model of a release with random weights, on the device of the context.

    Args:
        attention: of its decoder.
        more: keys of the config beside text and vision.
    """
    register_attention()
    config = AutoConfig.for_model(made.kind, text_config=made.text, vision_config=made.vision, **more)
    # Newer classes look for this at the top.
    config.tie_word_embeddings = made.text["tie_word_embeddings"]
    chosen = {"text_config": attention, "vision_config": "sdpa"}
    model: nn.Module = AutoModelForImageTextToText.from_config(
        config, dtype=dtype, attn_implementation=chosen
    )
    return model


class CountedWords:
    """Stands for a release's tokenizer where only the number of tokens between frames matters.

    Of the text that tells times, such as "<12.5 seconds>", Qwen's tokenizer makes a token of each digit, word
    and mark.
    """

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        """As many ids as the text has tokens."""
        return {"input_ids": [0 for _ in re.findall(r"\d| ?[a-z]+|[^\s\w]", text)]}

    def convert_tokens_to_ids(self, mark: str) -> int:
        """Any mark is one token."""
        return 0

    def get_vocab(self) -> dict[str, int]:
        """No words."""
        return {}


def outlined(made: Release) -> tuple[ModelAdapter, nn.Module]:
    """The adapter of a release over a model that has shapes but no weights, and that model."""
    if made.kind == RELEASED_TYPE:
        return outlined_video_xl(made.name, translated(made.text, made.vision, Overrides(), FACTS))
    model = outline(lambda: published_model(made, torch.bfloat16))
    return ADAPTERS[made.kind](made.name, model, CountedWords(), made.processing), model


def outlined_video_xl(name: str, config: VideoXLConfig) -> tuple[ModelAdapter, nn.Module]:
    """The same for a Video-XL model."""
    model = outline(lambda: VideoXLModel(config))
    words: Any = CountedWords()
    return VideoXLAdapter(name, model, words), model
