"""A new Video-XL out of a language model of the Qwen2 family and a vision tower."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
)

import longreel
from longreel.errors import ModelError
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.train import run
from longreel.train.conversations.assembly import assembled
from longreel.train.conversations.recipe import Assemble
from tests.families.checkpoints import family_tokenizer
from tests.shapes import DECODER
from tests.train.conversations.make import write_media

VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}
RECIPE = """
train = ["projector", "language_model", "summary_tokens"]
[assemble]
language_model = "{words}"
vision_tower = "{tower}"
interval = 8
[[data]]
file = "{data}/all.jsonl"
[summaries]
ratios = [2, 4]
per = "film"
[learning]
learning_rate = 1e-3
batch = 2
steps = 2
"""


def write_words(folder: Path, *, tied: bool) -> Path:
    tokenizer = family_tokenizer("llava_onevision")
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer) + 5, tie_word_embeddings=tied, max_position_embeddings=4096, **DECODER
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_tower(folder: Path, kind: str) -> Path:
    torch.manual_seed(2)
    if kind == "clip":
        text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
        model: Any = CLIPModel(CLIPConfig(vision_config=VISION, text_config=text, projection_dim=8))
    else:
        model = SiglipVisionModel(SiglipVisionConfig(**VISION))
    model.save_pretrained(folder)
    return folder


@pytest.fixture(params=[("clip", False), ("siglip", True)], ids=["clip", "siglip-tied"])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    kind, tied = request.param
    return write_words(tmp_path / "words", tied=tied), write_tower(tmp_path / "tower", kind)


def made(folders: tuple[Path, Path], seed: int = 0) -> VideoXLModel:
    plan = Assemble(language_model=str(folders[0]), vision_tower=str(folders[1]), interval=8)
    return assembled(plan, seed=seed, dtype=torch.float32)[0]


def test_the_parts_are_those_of_the_folders(folders: tuple[Path, Path]) -> None:
    model = made(folders)
    words: Any = Qwen2ForCausalLM.from_pretrained(folders[0])
    for name, tensor in words.state_dict().items():
        assert torch.equal(model.language_model.state_dict()[name], tensor), name
    pixels = torch.randint(0, 256, (2, 3, 56, 56), dtype=torch.uint8)
    assert model(pixels).shape == (2, 4, DECODER["hidden_size"])
    assert not any(parameter.is_meta for parameter in model.parameters())


def test_summary_tokens_start_as_copies(folders: tuple[Path, Path]) -> None:
    decoder: Any = made(folders).language_model
    for layer in decoder.model.layers:
        for name in ("q_proj", "k_proj", "v_proj"):
            own, copy = getattr(layer.self_attn, name), getattr(layer.self_attn, f"summary_{name}")
            assert torch.equal(own.weight, copy.weight)
            assert torch.equal(own.bias, copy.bias)
            assert own.weight is not copy.weight
    end = decoder.config.eos_token_id
    assert torch.equal(decoder.summary_embedding[0], decoder.model.embed_tokens.weight[end])


def test_the_projector_is_decided_by_the_seed(folders: tuple[Path, Path]) -> None:
    first, again, other = (made(folders, seed).projector.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)
    assert 0.5 < first["0.weight"].std() * 3**0.5 * 32**0.5 < 1.5


def test_a_stage_trains_it_into_a_model_that_loads(folders: tuple[Path, Path], tmp_path: Path) -> None:
    write_media(tmp_path)
    path = tmp_path / "recipe.toml"
    told = {"words": folders[0], "tower": folders[1], "data": tmp_path}
    text = RECIPE
    for name, value in told.items():
        text = text.replace("{" + name + "}", str(value))
    path.write_text(text)
    model = longreel.load(run(path, tmp_path / "out")["model"], keep=1 / 4)
    memory = model.watch(tmp_path / "film.mp4")
    before = len(model.adapter.dialogue.before(None))
    assert memory.header.kept[0] == before + memory.header.visual_tokens // 4
    assert model.adapter.interval == 8


def test_other_folders_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    words, tower = folders
    with pytest.raises(ModelError, match="Qwen2 family"):
        made((tower, tower))
    with pytest.raises(ModelError, match="vision tower"):
        made((words, words))
    (tower / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        made((words, tower))
