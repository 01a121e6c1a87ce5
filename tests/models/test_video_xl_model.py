"""The whole Video-XL model as a transformers model, with every vision tower."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from longreel.errors import ModelError
from longreel.models.reel_tiny.words import build_tokenizer
from longreel.models.video_xl import SummaryTokenConfig, VideoXLConfig, VideoXLModel, register_auto_classes
from longreel.models.video_xl.modeling import encode_frames
from longreel.models.video_xl.prompt import VideoXLPrompt
from tests.models.conftest import TINY
from tests.shapes import TOWER

TRANSFORMER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
TOWERS: dict[str, dict[str, Any]] = {
    "clip": {"model_type": "clip_vision_model", **TRANSFORMER},
    "siglip": {"model_type": "siglip_vision_model", **TRANSFORMER},
    "glance": TOWER,
}
POOLS = {"clip": 2, "siglip": 2, "glance": 1}


def build(tower: str, **changes: Any) -> VideoXLModel:
    torch.manual_seed(0)
    config = VideoXLConfig(
        vision_config=TOWERS[tower], text_config=dict(TINY), pool=POOLS[tower], feature_layer=-2, **changes
    )
    return VideoXLModel(config).eval()


def frames(model: VideoXLModel, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    size = (count, 3, *model.vision_tower.image_size)
    return torch.randint(256, size, generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("projector", ["mlp", "linear"])
@pytest.mark.parametrize("tower", TOWERS)
def test_frames_become_tokens_of_the_decoders_width(tower: str, projector: str) -> None:
    model = build(tower, projector=projector)
    pixels = frames(model, 8)
    tokens = encode_frames(model, pixels)
    assert tokens.shape == (8, model.tokens_per_frame, 32)
    assert tokens.isfinite().all()
    assert not torch.equal(tokens[0], tokens[1])


@pytest.mark.parametrize("tower", TOWERS)
def test_blocks_that_start_on_clip_borders_change_nothing(tower: str) -> None:
    model = build(tower)
    pixels = frames(model, 11)
    whole = encode_frames(model, pixels)
    parts = torch.cat([encode_frames(model, pixels[:4]), encode_frames(model, pixels[4:])])
    assert torch.allclose(whole, parts, atol=1e-5)


def test_the_clock_tells_every_token_of_a_frame_its_minute_and_second() -> None:
    model = build("glance", clock=True)
    pixels = frames(model, 4)
    assert model.clock is not None
    minute, second = model.clock.minute.weight, model.clock.second.weight
    seconds = torch.tensor([0.0, 0.5, 61.99, 3605.0], dtype=torch.float64)
    told = encode_frames(model, pixels, seconds) - encode_frames(model, pixels)
    expected = torch.stack(
        (minute[0] + second[0], minute[0] + second[0], minute[1] + second[1], minute[0] + second[5])
    )
    assert torch.allclose(told, expected[:, None].expand_as(told), atol=1e-6)
    without = build("glance")
    assert torch.equal(encode_frames(without, pixels, seconds), encode_frames(without, pixels))


def test_pooling_is_the_mean_of_neighbouring_cells() -> None:
    model = build("clip")
    pixels = frames(model, 2)
    features = model.projector(model.vision_tower(pixels)).view(2, 4, 4, 32)
    expected = [
        features[0, row : row + 2, column : column + 2].mean((0, 1)) for row in (0, 2) for column in (0, 2)
    ]
    assert torch.allclose(model(pixels)[0], torch.stack(expected), atol=1e-6)


@pytest.mark.parametrize("tower", TOWERS)
def test_saved_and_loaded_by_the_auto_classes(tower: str, tmp_path: Path) -> None:
    register_auto_classes()
    register_auto_classes()
    model = build(tower)
    model.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), VideoXLConfig)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(loaded, VideoXLModel)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    pixels = frames(model, 5)
    assert torch.equal(encode_frames(model, pixels), encode_frames(loaded, pixels))
    decoder = SummaryTokenConfig.from_dict(loaded.config.text_config.to_dict())
    assert decoder.summary_interval == 12


@pytest.mark.parametrize("part", ["language_model", "vision_tower.vision_model"])
def test_parts_are_saved_and_loaded_by_the_auto_classes(part: str, tmp_path: Path) -> None:
    register_auto_classes()
    model = build("glance").get_submodule(part)
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert type(loaded) is type(model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name


def test_tokens_say_what_the_tower_saw() -> None:
    """Each token holds its own attribute's shares, and all of them as its context; unseen things shrink."""
    model = build("glance")
    tower = model.vision_tower.vision_model
    pixels = frames(model, 4)[None]
    tokens, sight = tower(pixels), tower.see(pixels)
    shares = [logits.softmax(-1) for logits in sight.words]
    shown = sight.shown.sigmoid()[..., None]
    context = torch.cat((shares[0] * shown, shares[1] * shown, shares[2], shares[3]), dim=-1)
    assert tokens.shape == (1, 4, 4, 32)
    for number, (start, size) in enumerate(((0, 8), (8, 3), (11, 3), (14, 2))):
        assert torch.allclose(tokens[:, :, number, 16:], context)
        own = tokens[:, :, number, :16].clone()
        assert torch.allclose(own[..., start : start + size], context[..., start : start + size])
        own[..., start : start + size] = 0
        assert not own.any()


def test_unknown_towers_and_starts_are_refused() -> None:
    with pytest.raises(ModelError, match="resnet"):
        VideoXLModel(VideoXLConfig(vision_config={"model_type": "resnet"}, text_config=dict(TINY)))
    with pytest.raises(ValueError, match="summary_start"):
        SummaryTokenConfig(**TINY, summary_start="zero")


def test_the_prompt_is_cut_where_the_film_stands_and_nowhere_else() -> None:
    prompt = VideoXLPrompt(
        build_tokenizer(["keep", "the", "film", "in", "mind", "it"]), closed_vocabulary=True
    )
    plain, odd = prompt.before("keep it"), prompt.before("keep the <film> in mind")
    assert len(odd) > len(plain)
    assert prompt.unknown_words("keep <|im_start|>it <|im_end|>") == ["<|im_start|>", "<|im_end|>"]


def test_marks_of_the_chat_are_never_shown() -> None:
    tokenizer = build_tokenizer(["red", "snow"])
    prompt = VideoXLPrompt(tokenizer, closed_vocabulary=True)
    ids = tokenizer.convert_tokens_to_ids(["red", "<|im_start|>", "snow", "<|im_end|>"])
    assert prompt.decode(ids) == "Red snow"


def test_only_so_many_earlier_turns_are_remembered() -> None:
    tokenizer = build_tokenizer(["red", "snow", "it"])
    prompt = VideoXLPrompt(tokenizer, closed_vocabulary=True, remembered_turns=1)
    last = [("it", "red"), ("snow", None)]
    assert prompt.after([("red", "snow"), *last]).tolist() == prompt.after(last).tolist()
    assert len(prompt.after(last)) > len(prompt.after(last[1:]))
