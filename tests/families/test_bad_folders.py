"""Folders that hold no model, or not a whole one: one line, before anything is watched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from longreel.errors import ModelError
from longreel.loading import load
from tests.families.test_parity import film

Changes = Callable[[dict[str, Any]], object]


def refused(folder: Path, *named: str) -> None:
    with pytest.raises(ModelError) as caught:
        load(folder)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) < 500
    for name in (str(folder), *named):
        assert name in line


def copied(folder: Path, place: Path, *left_out: str) -> Path:
    place.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if file.name not in left_out:
            (place / file.name).symlink_to(file)
    return place


def changed(folder: Path, place: Path, name: str, change: Changes) -> Path:
    """The folder with another content of a JSON file."""
    copied(folder, place, name)
    content = json.loads((folder / name).read_text())
    change(content)
    (place / name).write_text(json.dumps(content))
    return place


@pytest.mark.parametrize(
    ("kind", "nearest"), [("qwen2_5_v", "qwen2_5_vl"), ("llava_one_vision", "llava_onevision")]
)
def test_an_unknown_model_names_the_known_and_the_nearest(kind: str, nearest: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, "vision_config": {}}))
    refused(tmp_path, f"{kind!r} model: supported are ", f"({nearest!r} is the nearest)", "qwen3_vl")


def test_a_model_without_video_support(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2", "hidden_size": 64}))
    refused(tmp_path, "'qwen2' model, which has no video support")


def test_a_chat_template_without_films(family: str, folder: Path, tmp_path: Path) -> None:
    plain = "{% for message in messages %}{{ message['role'] }}{% endfor %}"
    place = copied(folder, tmp_path / "model", "chat_template.jinja")
    (place / "chat_template.jinja").write_text(plain)
    refused(place, "chat template has no place for a film")
    (place / "chat_template.jinja").write_text("{% for %}")
    refused(place)
    (place / "chat_template.jinja").unlink()
    refused(place, "chat_template.jinja")


def test_a_shard_that_is_missing_is_named(family: str, folder: Path, tmp_path: Path) -> None:
    place = copied(folder, tmp_path / "model", "model.safetensors")
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: tensors[name] for name in held}, place / file, metadata={"format": "pt"})
    places = {name: file for file, held in parts.items() for name in held}
    index = place / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert load(place).adapter.name == place.name
    (place / "two.safetensors").unlink()
    refused(place, "lacks two.safetensors")
    index.write_text("[]")
    refused(place, "index.json is damaged")


def test_weights_that_lack_a_tensor_or_are_cut_short(family: str, folder: Path, tmp_path: Path) -> None:
    place = copied(folder, tmp_path / "model", "model.safetensors")
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in sorted(tensors) if "layers.1" in name)
    save_file(
        {name: tensor for name, tensor in tensors.items() if name != gone},
        place / "model.safetensors",
        metadata={"format": "pt"},
    )
    refused(place, "lack the tensor", gone.removeprefix("model.").rpartition("layers.")[2])
    content = (folder / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(content[: len(content) // 2])
    refused(place)


@pytest.mark.parametrize(
    "settings",
    [
        {"image_mean": None},
        {"image_mean": [0.5]},
        {"image_std": [0.5, 0.5, 0]},
        {"image_std": ["a", "b", "c"]},
        {"size": [1, 2]},
        {"size": {"height": "tall", "width": 42, "shortest_edge": 1}},
        {"max_pixels": -1},
        {"min_pixels": "few"},
    ],
)
def test_senseless_settings_of_the_processor(
    settings: dict[str, Any], family: str, folder: Path, tmp_path: Path
) -> None:
    def change(content: dict[str, Any]) -> None:
        content.update(settings)

    place = changed(folder, tmp_path / "model", "preprocessor_config.json", change)
    refused(place, f"its {next(iter(settings)) if 'size' not in settings else ''}")


@pytest.mark.parametrize("content", ["[]", "7", "{", '"text"'])
def test_settings_that_are_none(content: str, family: str, folder: Path, tmp_path: Path) -> None:
    place = copied(folder, tmp_path / "model", "preprocessor_config.json")
    (place / "preprocessor_config.json").write_text(content)
    refused(place, "preprocessor_config.json")


@pytest.mark.parametrize("ends", [{}, "x", [[]], None, 1.5])
def test_odd_ends_of_an_answer_are_passed_over(
    ends: Any, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    """The tokenizer's own end is left."""
    place = changed(
        checkpoints["qwen2_vl"],
        tmp_path / "model",
        "generation_config.json",
        lambda content: content.update(eos_token_id=ends),
    )
    model = load(place)
    assert model.ask(model.watch(film(2)), "Who?", max_new_tokens=2).usage.new_tokens
