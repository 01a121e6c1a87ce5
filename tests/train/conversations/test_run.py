"""Whole stages in small: from a recipe file to a model that loads, stopped and gone on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import longreel
from longreel.compress.context_window import ContextWindow
from longreel.errors import ModelError, SourceError, UsageError
from longreel.models.video_xl.released.convert import convert
from longreel.train import run
from longreel.train.conversations.recipe import StageRecipe
from longreel.train.conversations.trainer import ConversationTrainer
from longreel.train.recipe import load_recipe
from tests.families.checkpoints import write_checkpoint
from tests.released import write_released
from tests.train.conversations.make import (
    apart_by,
    sample,
    weights,
    write_lines,
    write_media,
    write_picture,
)

ALIGN = """
model = "{model}"
train = ["projector"]
template = "plain"
images = "frame"

[frames]
most = 4

[[data]]
file = "{data}/all.jsonl"

[learning]
learning_rate = 1e-3
batch = 2
epochs = 1
half = false
save_steps = 1
"""
FINETUNE = """
model = "{model}"
train = ["vision_tower", "projector", "language_model", "summary_tokens"]
longest = 400

[frames]
fps = 1.0
most = 128

[[data]]
file = "{data}/all.jsonl"
weight = 2
[[data]]
file = "{data}/bad.jsonl"
folder = "{data}"
weight = 1

[summaries]
[[summaries.schedule]]
until = 0.5
ratios = [2, 4]
[[summaries.schedule]]
until = 1.0
ratios = [2, 4, 8]

[learning]
learning_rate = 1e-3
batch = 3
steps = 4
half = false
save_steps = 2
log_steps = 1
"""
LORA = """
model = "{model}"

[lora]
rank = 4
alpha = 16

[window]
target = 1024

[[data]]
file = "{data}/all.jsonl"

[learning]
learning_rate = 3e-3
batch = 2
steps = {steps}
schedule = "constant"
half = false
save_steps = 3
log_steps = 1
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_media(folder)
    (folder / "torn.png").write_bytes((folder / "a.png").read_bytes()[:50])
    write_picture(folder / "huge.png", width=600, height=500)
    write_lines(
        folder / "bad.jsonl",
        [
            sample("<image>\n?", "!", id="gone", image="gone.png"),
            sample("<image>\n?", "!", id="torn", image="torn.png"),
            sample("<image>\n?", "!", id="huge", image="huge.png"),
            sample("<video>\n?", "!", id="text", video="all.jsonl"),
            sample("<image>\n?", "!", id="more"),
            "{",
            sample("Fine?", "Fine."),
        ],
    )
    return folder


@pytest.fixture(scope="module")
def video_xl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    write_released(folder / "theirs", dtype=torch.float32)
    convert(folder / "theirs", folder / "ours")
    return folder / "ours"


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("llava_onevision", tmp_path_factory.mktemp("llava") / "model")


def write_recipe(folder: Path, text: str, **told: Any) -> Path:
    path = folder / "recipe.toml"
    for name, value in told.items():
        text = text.replace("{" + name + "}", str(value))
    path.write_text(text)
    return path


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name].to(before[name].dtype))}


@pytest.fixture(scope="module")
def aligned(data: Path, video_xl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("align")
    return run(write_recipe(folder, ALIGN, model=video_xl, data=data), folder / "out")


@pytest.fixture(scope="module")
def finetuned(
    data: Path, aligned: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("finetune")
    return run(write_recipe(folder, FINETUNE, model=aligned["model"], data=data), folder / "out")


def test_alignment_changes_the_projector_alone(aligned: dict[str, Any], video_xl: Path) -> None:
    different = changed(weights(video_xl), weights(Path(aligned["model"])))
    assert different == {f"projector.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
    assert aligned["steps"] == 3
    assert aligned["skipped"] == {}
    checkpoint = Path(aligned["model"]).parent / "checkpoints" / "checkpoint-3" / "model.safetensors"
    assert all("projector" in name for name in load_file(checkpoint))


def test_fine_tuning_changes_every_part(aligned: dict[str, Any], finetuned: dict[str, Any]) -> None:
    before, after = weights(Path(aligned["model"])), weights(Path(finetuned["model"]))
    different = changed(before, after)
    same = before.keys() - different
    # What leaves the tower is an earlier layer, and the last layer's summary queries reach nobody.
    assert all("vision_tower" in name or "layers.2.self_attn.summary_q_proj" in name for name in same), (
        sorted(same)
    )
    for part in (
        "vision_tower",
        "projector",
        "language_model.lm_head",
        "summary_k_proj",
        "summary_embedding",
    ):
        assert any(part in name for name in different), part
    config = json.loads((Path(finetuned["model"]) / "config.json").read_text())
    assert config["text_config"]["summary_ratios"] == [2, 4, 8]


def test_a_trained_model_watches_and_answers(finetuned: dict[str, Any], data: Path) -> None:
    model = longreel.load(finetuned["model"], keep=1 / 4)
    memory = model.watch(data / "film.mp4")
    assert memory.header.kept[0] < memory.header.visual_tokens
    assert model.ask(memory, "What is it?", max_new_tokens=2).usage.memory_tokens > 0


def test_bad_samples_are_counted_and_named(video_xl: Path, data: Path, tmp_path: Path) -> None:
    text = FINETUNE.replace("batch = 3", "batch = 1").replace("steps = 4", "steps = 7")
    text = text.replace("longest = 400", "longest = 150")
    text = text.replace('[[data]]\nfile = "{data}/all.jsonl"\nweight = 2\n', "")
    told = run(write_recipe(tmp_path, text, model=video_xl, data=data), tmp_path / "out")
    assert told["skipped"] == {
        "missing file": 1,
        "unreadable file": 2,
        "too long": 1,
        "placeholders": 1,
        "not a conversation": 1,
    }
    lines = [json.loads(line) for line in (tmp_path / "out" / "skipped.jsonl").read_text().splitlines()]
    gone = next(line for line in lines if line["id"] == "gone")
    assert gone["sample"].endswith("bad.jsonl:1")
    assert "gone.png" in gone["detail"]
    curve = json.loads((tmp_path / "out" / "checkpoints" / "curve.json").read_text())
    assert curve[-1]["skipped"] == 6


def stop_at(monkeypatch: pytest.MonkeyPatch, call: int) -> list[int]:
    """Interrupt training in its n-th pass of any sample."""
    calls: list[int] = []
    whole = ConversationTrainer.compute_loss

    def stopping(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(self.state.global_step)
        if len(calls) == call:
            raise KeyboardInterrupt
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(ConversationTrainer, "compute_loss", stopping)
    return calls


def test_a_stopped_run_goes_on_to_the_same_weights(
    data: Path,
    aligned: dict[str, Any],
    finetuned: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = write_recipe(tmp_path, FINETUNE, model=aligned["model"], data=data)
    steps = stop_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()
    resumed = run(recipe, tmp_path / "out")
    assert steps == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3]
    folders = (resumed["model"], finetuned["model"], aligned["model"])
    # Sums depend a little on where memory lies; other samples would lead elsewhere.
    assert apart_by(*(weights(Path(folder)) for folder in folders)) < 0.01
    assert resumed["skipped"] == finetuned["skipped"]


def test_a_finished_run_is_not_trained_again(
    data: Path, aligned: dict[str, Any], finetuned: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(finetuned["model"]).parent
    steps = stop_at(monkeypatch, 1)
    recipe = write_recipe(out.parent, FINETUNE, model=aligned["model"], data=data)
    assert run(recipe, out) == finetuned
    assert steps == []


@pytest.fixture(scope="module")
def adapted(data: Path, llava: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("lora")
    recipe = write_recipe(folder, LORA, model=llava, data=data, steps=9)
    return run(recipe, folder / "out")


def test_adapters_learn_and_nothing_else(adapted: dict[str, Any], llava: Path) -> None:
    out = Path(adapted["model"]).parent
    losses = [entry["loss"] for entry in json.loads((out / "checkpoints" / "curve.json").read_text())]
    assert max(losses[-3:]) < min(losses[:3])
    checkpoint = load_file(out / "checkpoints" / "checkpoint-9" / "model.safetensors")
    assert all(".lora_" in name and "language_model" in name for name in checkpoint)
    assert {name.split(".lora_")[0].rpartition(".")[2] for name in checkpoint} == set(LORA_TARGETS)
    different = changed(weights(llava), weights(out / "model"))
    assert different == {
        name
        for name in weights(llava)
        if any(target in name for target in LORA_TARGETS) and "language_model" in name and "bias" not in name
    }


LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def test_the_weights_under_the_adapters_stay_byte_for_byte(
    data: Path, llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longreel.train.conversations import run as stage

    kept: list[Any] = []
    monkeypatch.setattr(stage._Pupil, "export", lambda self, *_: kept.append(self._network))
    recipe = write_recipe(tmp_path, LORA, model=llava, data=data, steps=2)
    run(recipe, tmp_path / "out")
    trained = dict(kept[0].named_parameters())
    for name, parameter in longreel.load(llava).adapter.model.named_parameters():
        wrapped = name.rpartition(".")[0] + ".base_layer." + name.rpartition(".")[2]
        assert torch.equal(trained.get(name, trained.get(wrapped)), parameter), name


def test_merged_adapters_are_what_was_trained(adapted: dict[str, Any], llava: Path) -> None:
    before, after = weights(llava), weights(Path(adapted["model"]))
    learned = load_file(Path(adapted["adapters"]) / "adapter_model.safetensors")
    name = "language_model.layers.1.self_attn.v_proj"
    (down,) = (part for key, part in learned.items() if f"{name}.lora_A" in key)
    (up,) = (part for key, part in learned.items() if f"{name}.lora_B" in key)
    (key,) = (
        key for key in before if key.endswith("layers.1.self_attn.v_proj.weight") and "vision" not in key
    )
    torch.testing.assert_close(after[key] - before[key], 16 / 4 * up @ down, rtol=1e-3, atol=1e-5)


def test_an_adapted_model_loads_and_answers_in_its_window(adapted: dict[str, Any], data: Path) -> None:
    window = longreel.Method(positions=ContextWindow(target=1024))
    model = longreel.load(adapted["model"], method=window)
    memory = model.watch(data / "film.mp4")
    assert model.ask(memory, "What is it?", max_new_tokens=2).usage.memory_tokens > 0


def test_a_stopped_run_of_adapters_goes_on(
    data: Path, llava: Path, adapted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(tmp_path, LORA, model=llava, data=data, steps=9)
    stop_at(monkeypatch, 10)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "out")
    resumed = run(recipe, tmp_path / "out")
    folders = (resumed["model"], adapted["model"], llava)
    assert apart_by(*(weights(Path(folder)) for folder in folders)) < 0.01


def test_the_window_reaches_the_loss_and_not_the_model(data: Path, llava: Path, tmp_path: Path) -> None:
    losses = []
    for target in (1024, 128):
        (tmp_path / str(target)).mkdir()
        recipe = write_recipe(
            tmp_path / str(target), LORA.replace("1024", str(target)), model=llava, data=data, steps=1
        )
        out = tmp_path / str(target) / "out"
        run(recipe, out)
        losses.append(json.loads((out / "checkpoints" / "curve.json").read_text())[0]["loss"])
        assert (out / "model" / "config.json").read_bytes() == (llava / "config.json").read_bytes()
    assert losses[0] != losses[1]


def test_a_file_of_bad_samples_alone_ends_the_run(data: Path, video_xl: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "all.jsonl", [sample("?", "")] * 3)
    recipe = write_recipe(tmp_path, ALIGN, model=video_xl, data=tmp_path)
    with pytest.raises(SourceError, match=r"none of its 3 samples.*no answer"):
        run(recipe, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("batch = 3", "batch = 0"), "learning.batch"),
        (("steps = 4", "steps = 4\nepochs = 1"), "either epochs or steps"),
        (("until = 0.5", "until = 1.0"), "until"),
        (("weight = 1", "weight = 0"), "weight"),
        (('"projector", ', '"projektor", '), "train"),
        (("[summaries]", "[summaries]\nratios = [2]"), "either ratios or a schedule"),
        (('model = "{model}"', ""), "model or"),
        (('train = ["vision', 'template = "plain"\ntrain = ["vision'), "plain"),
        (("[summaries]", "[lora]\nrank = 2\nalpha = 1\n[summaries]"), "language_model"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_reason(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    path = write_recipe(tmp_path, FINETUNE.replace(*change, 1))
    with pytest.raises(UsageError, match=rf"recipe\.toml.*{word}"):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [
        (LORA.replace("[lora]", "[summaries]\nratios = [2]\n[lora]"), UsageError, "summary tokens"),
        (LORA.replace("[lora]", 'train = ["projector"]\n[lora]'), UsageError, "projector"),
        (LORA.replace("alpha = 16", 'alpha = 16\ntargets = ["w_proj"]'), UsageError, "w_proj"),
    ],
)
def test_what_a_model_cannot_do_is_refused(
    data: Path, llava: Path, tmp_path: Path, text: str, error: type[Exception], word: str
) -> None:
    recipe = write_recipe(tmp_path, text, model=llava, data=data, steps=1)
    with pytest.raises(error, match=word):
        run(recipe, tmp_path / "out")


def test_half_precision_under_adapters_of_single_precision(data: Path, llava: Path, tmp_path: Path) -> None:
    text = LORA.replace("half = false", "half = true").replace("[lora]", 'weights = "bfloat16"\n[lora]', 1)
    told = run(write_recipe(tmp_path, text, model=llava, data=data, steps=2), tmp_path / "out")
    checkpoint = load_file(tmp_path / "out" / "checkpoints" / "checkpoint-2" / "model.safetensors")
    assert {tensor.dtype for tensor in checkpoint.values()} == {torch.float32}
    assert {tensor.dtype for tensor in weights(Path(told["model"])).values()} == {torch.bfloat16}
    curve = json.loads((tmp_path / "out" / "checkpoints" / "curve.json").read_text())
    assert all(0 < entry["loss"] < 10 for entry in curve)


@pytest.mark.parametrize(
    "name",
    [
        "video_xl_align",
        "video_xl_finetune",
        "video_xl_finetune_images",
        "video_xl_curriculum",
        "video_xl_dynamic",
        "context_window_lora",
    ],
)
def test_recipes_of_published_stages_are_sound(name: str) -> None:
    path = Path(__file__).parents[3] / "recipes" / f"{name}.toml"
    assert isinstance(load_recipe(path), StageRecipe)


def test_families_that_are_not_trained_are_named(data: Path, tmp_path: Path) -> None:
    qwen = write_checkpoint("qwen2_vl", tmp_path / "qwen")
    recipe = write_recipe(tmp_path, LORA, model=qwen, data=data, steps=1)
    with pytest.raises(ModelError, match="Video-XL and LLaVA-OneVision"):
        run(recipe, tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
