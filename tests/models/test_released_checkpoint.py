"""The released Video-XL checkpoint, made small: one test for each fact of the spec's sections g and j."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import PreTrainedTokenizerFast, Qwen2Tokenizer

import longreel
from longreel.errors import ModelError, UsageError
from longreel.models.base import FilmPart
from longreel.models.video_xl import SummaryTokenLM, VideoXLModel, register_auto_classes
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.released.checkpoint import open_checkpoint
from longreel.models.video_xl.released.convert import convert
from longreel.models.video_xl.released.loading import load_adapter
from longreel.video.frames import Frames
from tests.cli import tiny
from tests.fakes import assert_same
from tests.oracles import released_vision as oracle
from tests.released import (
    CONFIG,
    IMAGE,
    PATCH,
    TOWER,
    VOCABULARY,
    Released,
    write_released,
    write_tower,
    write_weights,
)

SAMPLED: dict[str, Any] = {"max_new_tokens": 8, "temperature": 1.0, "seed": 1}
QUESTION = "What is it?"


def film(frames: int = 23, seed: int = 0) -> list[tuple[np.ndarray, float]]:
    """Noise wider than high, so that cropping shows; at one frame per second, 4 visual tokens each."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, 256, (56, 100, 3), dtype=np.uint8), float(i)) for i in range(frames)]


def adapter_of(model: longreel.Model) -> VideoXLAdapter:
    assert isinstance(model.adapter, VideoXLAdapter)
    return model.adapter


def pixels_of(arrays: list[tuple[np.ndarray, float]]) -> torch.Tensor:
    return torch.stack([torch.from_numpy(array).permute(2, 0, 1) for array, _ in arrays])


def encoded(adapter: VideoXLAdapter, pixels: torch.Tensor) -> torch.Tensor:
    tokens = adapter.encode(
        Frames(pixels, torch.arange(len(pixels), dtype=torch.float64)), FilmPart()
    ).embeddings
    return tokens.unflatten(0, (len(pixels), -1))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return write_released(tmp_path_factory.mktemp("released") / "VideoXL_weight_8")


@pytest.fixture(scope="module")
def model(released: Released) -> longreel.Model:
    return longreel.load(released.folder, keep=1 / 8)


def test_a_film_is_watched_and_asked_about(model: longreel.Model, tmp_path: Path) -> None:
    memory = model.watch(film())
    # Two whole windows of 40 tokens and one of 12, each an eighth of itself, after 14 tokens of text.
    assert memory.layers[0].keys.shape[1] == 14 + 5 + 5 + 1
    answer = model.ask(memory, QUESTION, **SAMPLED)
    assert answer.text
    memory.save(tmp_path / "film.memory")
    assert model.ask(model.open(tmp_path / "film.memory"), QUESTION, **SAMPLED).text == answer.text


def test_the_decoder_is_that_of_from_official(model: longreel.Model, released: Released) -> None:
    loaded = adapter_of(model).model.language_model
    tensors = {name: tensor.float() for name, tensor in released.tensors.items()}
    official = SummaryTokenLM.from_official(released.config, tensors)
    assert loaded.state_dict().keys() == official.state_dict().keys()
    for name, tensor in official.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    prefix, visual = torch.tensor([1, 2, 3]), torch.randn(90, 32)
    memories = [lm.watch(prefix, visual, interval=40, ratios=[8]) for lm in (loaded, official)]
    asked = torch.tensor([7, 8, 9])
    assert torch.equal(loaded.logits(memories[0], asked), official.logits(memories[1], asked))


def test_embeddings_and_head_are_not_tied(model: longreel.Model, released: Released) -> None:
    lm = adapter_of(model).model.language_model
    assert torch.equal(lm.lm_head.weight, released.tensors["lm_head.weight"].float())
    assert torch.equal(lm.model.embed_tokens.weight, released.tensors["model.embed_tokens.weight"].float())


@pytest.mark.parametrize("layer", [-1, -2, 1])
def test_frames_are_seen_by_the_fine_tuned_tower(layer: int, tmp_path: Path) -> None:
    """The tower of the shards, at the layer the config names, its middle crop, projector and pooling."""
    made = write_released(tmp_path, dtype=torch.float32, mm_vision_select_layer=layer)
    adapter = load_adapter(made.folder)
    frames = pixels_of(film(3))
    tower = oracle.tower(made.tensors, TOWER, 1, IMAGE, PATCH)
    expected = oracle.visual_tokens(tower, made.tensors, frames[..., 22 : 22 + IMAGE], layer)
    assert expected.shape == (3, 4, 32)
    assert torch.allclose(encoded(adapter, frames), expected, atol=1e-4)


def test_the_vision_layer_can_be_overridden(released: Released, tmp_path: Path) -> None:
    other = write_released(tmp_path, mm_vision_select_layer=-1)
    frames = pixels_of(film(2))
    by_config = encoded(load_adapter(other.folder), frames)
    by_hand = encoded(load_adapter(released.folder, overrides=longreel.Overrides(vision_layer=-1)), frames)
    assert torch.equal(by_config, by_hand)
    assert not torch.allclose(by_config, encoded(load_adapter(released.folder), frames))
    with pytest.raises(ModelError, match="-9"):
        load_adapter(released.folder, overrides=longreel.Overrides(vision_layer=-9))


def test_a_config_without_the_vision_layer_needs_one(tmp_path: Path) -> None:
    """The release's scripts use -1 and -2 (section j, 14): neither is a safe guess."""
    made = write_released(tmp_path, mm_vision_select_layer=None)
    with pytest.raises(ModelError, match="vision_layer"):
        longreel.load(made.folder)
    longreel.load(made.folder, overrides=longreel.Overrides(vision_layer=-2))


def test_frames_are_cropped_unless_they_shall_be_whole(model: longreel.Model, released: Released) -> None:
    whole = longreel.load(released.folder, keep=1 / 8, overrides=longreel.Overrides(frames="whole"))
    assert adapter_of(model).frame_size(1080, 1920) == (56, 99)
    assert adapter_of(whole).frame_size(1080, 1920) == (56, 56)
    seen = model.watch(film(4))
    edges = [(array.copy(), seconds) for array, seconds in film(4)]
    for array, _ in edges:
        array[:, :22], array[:, 78:] = 0, 0
    assert_same_tensors(seen, model.watch(edges))
    assert not torch.equal(whole.watch(film(4)).layers[1].values, whole.watch(edges).layers[1].values)
    with pytest.raises(longreel.MemoryFileError):
        whole.ask(seen, QUESTION)


def assert_same_tensors(one: longreel.VideoMemory, other: longreel.VideoMemory) -> None:
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)


def test_the_model_may_lie_one_folder_deeper(released: Released, tmp_path: Path) -> None:
    shutil.copytree(released.folder, tmp_path / "VideoXL_weight_8")
    (tmp_path / "pretrain_weights").mkdir()
    (tmp_path / "pretrain_weights" / "mm_projector.bin").write_bytes(b"not read")
    found = longreel.load(tmp_path)
    assert found.adapter.name == "VideoXL_weight_8"
    write_tower(tmp_path / "clip", heads=1)
    with pytest.raises(ModelError, match="several models"):
        longreel.load(tmp_path)


def test_the_tower_that_the_config_names_is_not_needed(model: longreel.Model) -> None:
    report = adapter_of(model).report
    assert report is not None
    assert (report.tower, report.tower_weights) == ("tensors", "checkpoint")


def test_a_named_tower_tells_its_heads_and_not_its_weights(tmp_path: Path) -> None:
    made = write_released(tmp_path / "model", dtype=torch.float32)
    strange = {name: tensor * 3 for name, tensor in made.tensors.items()}
    named = write_tower(tmp_path / "clip", heads=2, tensors=strange)
    adapter = load_adapter(made.folder, overrides=longreel.Overrides(vision_tower=named))
    frames = pixels_of(film(2))[..., :IMAGE]
    tower = oracle.tower(made.tensors, TOWER, 2, IMAGE, PATCH)
    expected = oracle.visual_tokens(tower, made.tensors, frames, -2)
    assert torch.allclose(encoded(adapter, frames), expected, atol=1e-4)
    by_config = load_adapter(
        write_released(tmp_path / "named", dtype=torch.float32, mm_vision_tower="../clip").folder
    )
    assert torch.equal(encoded(by_config, frames), encoded(adapter, frames))
    assert by_config.report is not None
    assert by_config.report.tower.endswith("clip")


def test_a_checkpoint_without_its_tower_takes_that_of_a_named_folder(
    tmp_path: Path, released: Released
) -> None:
    made = write_released(tmp_path / "model", without="vision_tower")
    with pytest.raises(ModelError, match="vision_tower=") as refused:
        longreel.load(made.folder)
    assert str(made.folder) in str(refused.value)
    named = write_tower(tmp_path / "clip", heads=1, tensors=released.tensors)
    adapter = load_adapter(made.folder, overrides=longreel.Overrides(vision_tower=named))
    frames = pixels_of(film(2))
    assert torch.equal(encoded(adapter, frames), encoded(load_adapter(released.folder), frames))
    assert adapter.report is not None
    assert adapter.report.tower_weights == str(named)


def test_the_prompt_is_the_released_one(model: longreel.Model) -> None:
    """Fourteen tokens before the film, whatever template lies beside the tokenizer (sections a and j, 13)."""
    dialogue: Any = model.adapter.dialogue
    tokens = adapter_of(model)._tokenizer
    before, after = dialogue.before(None), dialogue.after([(QUESTION, None)])
    assert len(before) == 14
    assert tokens.decode(before) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    )
    assert tokens.decode(after) == f"\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    assert tokens.decode(dialogue.before("Be brief.")).startswith("<|im_start|>system\nBe brief.<|im_end|>\n")
    assert tokens.eos_token == "<|im_end|>"


def test_the_vocabulary_is_not_enlarged(model: longreel.Model) -> None:
    """Section j, 10: the release adds a random row, so that a meaningless word can be said."""
    lm = adapter_of(model).model.language_model
    assert lm.config.vocab_size == len(lm.model.embed_tokens.weight) == len(lm.lm_head.weight) == VOCABULARY
    assert lm.summary_embedding.shape == (1, 32)


def test_one_tokenizer_file_does_for_two(released: Released, model: longreel.Model, tmp_path: Path) -> None:
    folder = shutil.copytree(released.folder, tmp_path / "model")
    Qwen2Tokenizer.from_pretrained(folder).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    assert (folder / "tokenizer.json").is_file()
    dialogue, other = longreel.load(folder).adapter.dialogue, model.adapter.dialogue
    turns = [("What was it? Ünïcode, 42!", "A  cat."), (QUESTION, None)]
    assert torch.equal(dialogue.after(turns), other.after(turns))


def test_unknown_keys_and_tensors_are_ignored_and_reported(released: Released, tmp_path: Path) -> None:
    made = write_released(tmp_path, quantum_flux=3, freeze_mm_anything=True)
    extra = {**made.tensors, "model.mm_extra.weight": torch.zeros(2)}
    extra[f"{TOWER}embeddings.position_ids"] = torch.arange(17)[None]
    write_weights(tmp_path, extra, 4)
    report = load_adapter(tmp_path).report
    assert report is not None
    assert report.ignored_keys == ("quantum_flux",)
    assert report.ignored_tensors == ("model.mm_extra.weight",)
    stock = load_adapter(released.folder).report
    assert stock is not None
    assert stock.ignored_keys == stock.ignored_tensors == ()


def test_rope_scaling_is_off(model: longreel.Model) -> None:
    lm = adapter_of(model).model.language_model
    assert lm.config.rope_theta == 1e6
    assert lm.config.rope_parameters == {"rope_type": "default", "rope_theta": 1e6}


@pytest.mark.parametrize(
    "missing", ["beacon_", "layers.1.self_attn.beacon_k_proj.bias", "beacon_embed_tokens"]
)
def test_summary_weights_are_never_made_up(missing: str, tmp_path: Path) -> None:
    """Section g: the official loader silently starts them again from q, k and v."""
    write_released(tmp_path, without=missing)
    with pytest.raises(ModelError, match=r"lacks \d+ tensors.*beacon_"):
        longreel.load(tmp_path)


def test_a_relative_without_summary_tokens_is_refused(tmp_path: Path) -> None:
    keys = (key for key in CONFIG if "beacon" in key)
    plain = write_released(tmp_path / "plain", **dict.fromkeys(keys, None))
    off = write_released(tmp_path / "off", enable_beacon=False)
    for made in (plain, off):
        with pytest.raises(ModelError, match="summary tokens") as refused:
            longreel.load(made.folder)
        assert str(made.folder) in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        {"beacon_pos": "append"},
        {"beacon_accum": False},
        {"beacon_attend_prev": False},
        {"beacon_param": ["q", "k", "v", "o"]},
        {"beacon_parallel_window": 4},
        {"mm_projector_type": "resampler"},
        {"mm_resampler_type": "perceiver"},
        {"mm_spatial_pool_mode": "max"},
        {"mm_use_im_start_end": True},
        {"mm_vision_select_feature": "cls_patch"},
        {"use_sliding_window": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_settings_of_another_model_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    write_released(tmp_path, **change)
    with pytest.raises(ModelError, match=next(iter(change))):
        longreel.load(tmp_path)


def test_a_second_film_is_watched_as_if_it_were_the_first(model: longreel.Model, released: Released) -> None:
    """Section j, 1: the release answers about the first film again."""
    first, second = model.watch(film(12)), model.watch(film(12, seed=1))
    fresh = longreel.load(released.folder, keep=1 / 8).watch(film(12, seed=1))
    assert_same(second, fresh)
    assert not torch.equal(first.layers[1].values, second.layers[1].values)


def test_the_ratio_is_not_drawn_at_random(model: longreel.Model, released: Released) -> None:
    """Section j, 2 and 11: one ratio, asked for, in every window."""
    assert_same(model.watch(film()), model.watch(film()))
    half = longreel.load(released.folder, keep=1 / 2).watch(film())
    assert half.layers[0].keys.shape[1] == 14 + 20 + 20 + 6


@pytest.mark.parametrize("files", [1, 2, 7])
def test_any_number_of_files_is_one_model(files: int, released: Released, tmp_path: Path) -> None:
    made = write_released(tmp_path, files=files)
    assert load_adapter(made.folder).identity() == load_adapter(released.folder).identity()


def test_numbers_become_the_type_that_is_asked_for(released: Released, model: longreel.Model) -> None:
    assert {weight.dtype for weight in adapter_of(model).model.parameters()} == {torch.float32}
    half = longreel.load(released.folder, dtype="bfloat16", keep=1 / 8)
    assert {weight.dtype for weight in adapter_of(half).model.parameters()} == {torch.bfloat16}
    memory = half.watch(film(10))
    assert memory.layers[0].keys.dtype is torch.bfloat16
    assert half.ask(memory, QUESTION, **SAMPLED).usage.prompt_tokens > 0


class Copies(TorchDispatchMode):
    """Counts the bytes that are copied from one tensor to another."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.clone.default):
            self.bytes += made.nbytes
        return made


def test_weights_are_in_memory_once(released: Released) -> None:
    checkpoint = open_checkpoint(released.folder)
    assert all(weight.is_meta for weight in checkpoint.model.parameters())
    with Copies() as made:
        adapter = load_adapter(released.folder, dtype=torch.float32)
    weights = sum(weight.nbytes for weight in adapter.model.parameters())
    assert weights <= made.bytes < 1.01 * weights


def test_a_loaded_model_does_not_hang_on_its_files(tmp_path: Path) -> None:
    """A mapped file that is cut short kills the process that reads it."""
    made = write_released(tmp_path, dtype=torch.float32)
    adapter = load_adapter(made.folder, dtype=torch.float32)
    before = adapter.identity()
    for file in made.folder.glob("*.safetensors"):
        file.write_bytes(b"")
    adapter._identity = None
    assert adapter.identity() == before


def test_converted_it_is_the_same_model(model: longreel.Model, released: Released, tmp_path: Path) -> None:
    result = convert(released.folder, tmp_path / "converted")
    converted = longreel.load(tmp_path / "converted", keep=1 / 8)
    assert adapter_of(converted).report is None
    assert converted.adapter.identity() == model.adapter.identity()
    memory = model.watch(film())
    assert_same_tensors(converted.watch(film()), memory)
    memory.save(tmp_path / "film.memory")
    asked = converted.open(tmp_path / "film.memory")
    assert converted.ask(asked, QUESTION, **SAMPLED).text == model.ask(memory, QUESTION, **SAMPLED).text
    written = [load_file(file) for file in sorted((tmp_path / "converted").glob("*.safetensors"))]
    assert len(written) == result["files"] == 4
    assert {tensor.dtype for part in written for tensor in part.values()} == {torch.bfloat16}
    assert sum(len(part) for part in written) == result["tensors"] == len(released.tensors)
    assert len({file.stat().st_mode for file in (tmp_path / "converted").iterdir()}) == 1


def test_converted_it_is_read_by_the_auto_classes(released: Released, tmp_path: Path) -> None:
    register_auto_classes()
    convert(released.folder, tmp_path / "converted")
    read = VideoXLModel.from_pretrained(tmp_path / "converted", dtype=torch.float32)
    expected = load_adapter(released.folder, dtype=torch.float32).model.state_dict()
    for name, tensor in read.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_converting_makes_overrides_the_models_own(released: Released, tmp_path: Path) -> None:
    overrides = longreel.Overrides(vision_layer=-1, frames="whole")
    convert(released.folder, tmp_path / "converted", overrides=overrides)
    mine, theirs = load_adapter(released.folder, overrides=overrides), longreel.load(tmp_path / "converted")
    assert {**mine.identity(), "weights": ""} == {**theirs.adapter.identity(), "weights": ""}


def test_a_single_file_stays_one(tmp_path: Path) -> None:
    convert(write_released(tmp_path / "model", files=1).folder, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").is_file()
    assert not (tmp_path / "out" / "model.safetensors.index.json").exists()
    longreel.load(tmp_path / "out")


def test_models_of_this_package_take_overrides_too(tmp_path: Path) -> None:
    convert(write_released(tmp_path / "model").folder, tmp_path / "out")
    changed = longreel.load(tmp_path / "out", overrides=longreel.Overrides(vision_layer=-1, frames="whole"))
    assert adapter_of(changed).frame_size(90, 160) == (56, 56)
    with pytest.raises(UsageError, match="vision_tower"):
        longreel.load(tmp_path / "out", overrides=longreel.Overrides(vision_tower=tmp_path))
    with pytest.raises(UsageError, match="built-in"):
        longreel.load(overrides=longreel.Overrides(frames="whole"))
    small = tiny.save_model(tmp_path / "tiny")
    with pytest.raises(UsageError, match="vision_layer"):
        longreel.load(small, overrides=longreel.Overrides(vision_layer=-1))


@pytest.mark.parametrize("wrong", [{"frames": "stretched"}, {"vision_layer": "last"}, {"vision_layer": True}])
def test_overrides_that_cannot_work(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        longreel.Overrides(**wrong)


def truncated(made: Released) -> str:
    shard = made.folder / "model-00002-of-00004.safetensors"
    shard.write_bytes(shard.read_bytes()[:-10])
    return shard.name


def emptied(made: Released) -> str:
    shard = made.folder / "model-00003-of-00004.safetensors"
    shard.write_bytes(b"")
    return shard.name


def shard_missing(made: Released) -> str:
    (made.folder / "model-00002-of-00004.safetensors").unlink()
    return "model-00002-of-00004.safetensors"


def shard_of_another(made: Released) -> str:
    first, second = (made.folder / f"model-0000{number}-of-00004.safetensors" for number in (1, 2))
    shutil.copy(first, second)
    return second.name


def index_damaged(made: Released) -> str:
    (made.folder / "model.safetensors.index.json").write_text('{"weight_map": [1, 2')
    return "index.json"


def index_leads_elsewhere(made: Released) -> str:
    index = made.folder / "model.safetensors.index.json"
    places = json.loads(index.read_text())
    places["weight_map"]["lm_head.weight"] = "../model.safetensors"
    index.write_text(json.dumps(places))
    return "index.json"


def shape_wrong(made: Released) -> str:
    write_weights(made.folder, {**made.tensors, "lm_head.weight": torch.zeros(7, 32)}, 4)
    return "lm_head.weight"


def tower_shape_wrong(made: Released) -> str:
    name = f"{TOWER}encoder.layers.1.mlp.fc2.weight"
    write_weights(made.folder, {**made.tensors, name: torch.zeros(64, 3)}, 4)
    return name


def tower_of_another_kind(made: Released) -> str:
    names = {name: name.replace("encoder.layers", "blocks") for name in made.tensors}
    write_weights(made.folder, {names[name]: tensor for name, tensor in made.tensors.items()}, 4)
    return "vision_tower="


def projector_missing(made: Released) -> str:
    write_weights(made.folder, {n: t for n, t in made.tensors.items() if "mm_projector.2" not in n}, 4)
    return "model.mm_projector.2.weight"


def quantised(made: Released) -> str:
    whole = {**made.tensors, "lm_head.weight": torch.zeros(VOCABULARY, 32, dtype=torch.int8)}
    write_weights(made.folder, whole, 4)
    return "quantised"


def layout_unknown(made: Released) -> str:
    write_weights(made.folder, {f"transformer.{name}": tensor for name, tensor in made.tensors.items()}, 4)
    return "vision_tower="


def only_bin(made: Released) -> str:
    for file in made.folder.glob("model*"):
        file.unlink()
    torch.save({}, made.folder / "pytorch_model.bin")
    return ".bin"


def no_weights(made: Released) -> str:
    for file in made.folder.glob("model*"):
        file.unlink()
    return "model.safetensors"


def no_tokenizer(made: Released) -> str:
    (made.folder / "vocab.json").unlink()
    return "vocab.json"


def tokenizer_damaged(made: Released) -> str:
    (made.folder / "vocab.json").write_text('{"a": ')
    return "tokenizer"


def tokenizer_of_another(made: Released) -> str:
    from longreel.models.reel_tiny.words import build_tokenizer

    other: PreTrainedTokenizerFast = build_tokenizer([f"word{number}" for number in range(VOCABULARY)])
    other.save_pretrained(made.folder)
    return "tokenizer"


def senseless(made: Released) -> str:
    (made.folder / "config.json").write_text(json.dumps({**made.config, "num_attention_heads": 0}))
    return "config.json"


def senseless_kind(made: Released) -> str:
    (made.folder / "config.json").write_text(json.dumps({**made.config, "hidden_size": "wide"}))
    return "config.json"


def senseless_pool(made: Released) -> str:
    (made.folder / "config.json").write_text(json.dumps({**made.config, "mm_spatial_pool_stride": "x"}))
    return "config.json"


def width_missing(made: Released) -> str:
    del made.config["hidden_size"]
    (made.folder / "config.json").write_text(json.dumps(made.config))
    return "hidden_size"


BAD: list[Callable[[Released], str]] = [
    truncated,
    emptied,
    shard_missing,
    shard_of_another,
    index_damaged,
    index_leads_elsewhere,
    shape_wrong,
    tower_shape_wrong,
    tower_of_another_kind,
    projector_missing,
    quantised,
    layout_unknown,
    only_bin,
    no_weights,
    no_tokenizer,
    tokenizer_damaged,
    tokenizer_of_another,
    senseless,
    senseless_kind,
    senseless_pool,
    width_missing,
]


@pytest.mark.parametrize("spoil", BAD)
def test_bad_checkpoints_are_one_clear_line(spoil: Callable[[Released], str], tmp_path: Path) -> None:
    made = write_released(tmp_path / "model")
    said = spoil(made)
    with pytest.raises(ModelError) as refused:
        longreel.load(made.folder)
    line = str(refused.value)
    assert said in line
    assert "\n" not in line
    with pytest.raises(ModelError):
        convert(made.folder, tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_a_named_tower_must_be_one(released: Released, tmp_path: Path) -> None:
    for name, content in (("bert", '{"model_type": "bert"}'), ("empty", None)):
        folder = tmp_path / name
        folder.mkdir()
        if content is not None:
            (folder / "config.json").write_text(content)
        with pytest.raises(ModelError, match=name):
            load_adapter(released.folder, overrides=longreel.Overrides(vision_tower=folder))


def test_a_tower_of_unknown_heads_needs_its_config(tmp_path: Path) -> None:
    made = write_released(tmp_path / "model")
    narrow = {
        name: tensor[..., :48].contiguous() if name.startswith(TOWER) and tensor.shape[-1] == 64 else tensor
        for name, tensor in made.tensors.items()
    }
    narrow[f"{TOWER}embeddings.patch_embedding.weight"] = torch.zeros(48, 3, PATCH, PATCH)
    save_file(narrow, made.folder / "model.safetensors")
    (made.folder / "model.safetensors.index.json").unlink()
    with pytest.raises(ModelError, match="width 48"):
        longreel.load(made.folder)
