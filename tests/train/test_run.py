"""A whole training run in small: every stage, resumed where it stopped, ending in a model that answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

import longreel
from longreel.errors import UsageError
from longreel.films.encode import make_film
from longreel.films.vocabulary import OBJECTS
from longreel.train import run
from longreel.train.language import DecoderTrainer
from longreel.train.trainer import last_checkpoint

RECIPE = """
seed = 3
families = ["colour", "existence"]

[shape]
width = 32
layers = 2
interval = 16

[films]
first_seed = 900_000_000
count = 2
seconds = 20.0

[eyes]
steps = 2
follow_steps = 2
learning_rate = 1e-3
batch = 2
[eyes.films]
first_seed = 900_000_010
count = 1
seconds = 20.0
[eyes.brief]
first_seed = 900_000_020
count = 1
seconds = 20.0
longest_scene = 2.0

[[decoder]]
name = "keys"
eyes = "ideal"
steps = 2
learning_rate = 1e-3
scenes = [2]
advance_below = 0.0
questions = 3
keyed = 1.0

[[decoder]]
name = "summaries"
eyes = "trained"
summaries = true
steps = {steps}
learning_rate = 1e-3
scenes = [2, 3, 4, 5]
advance_below = 100.0
patience = 1
ratios = [1, 4]
questions = 3
keyed = 0.3
options = 0.5
turns = 0.5
made_up = 0.5
save_steps = 2
"""


def recipe(folder: Path, steps: int = 4) -> Path:
    path = folder / "small.toml"
    path.write_text(RECIPE.replace("{steps}", str(steps)))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    return Path(run(recipe(folder), folder / "out")["model"])


def test_the_trained_folder_is_a_model_that_watches_and_answers(trained: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path, 6.0, 5).film
    model = longreel.load(trained, keep=1 / 4)
    memory = model.watch(film)
    assert memory.header.kept[0] < memory.header.visual_tokens // 2
    assert model.ask(memory, "Was there a fox?").usage.memory_tokens > 0
    assert model.ask(memory, "Was there a chancellor?").unknown_words == ("chancellor",)


def test_every_stage_leaves_its_weights_and_its_curve(trained: Path) -> None:
    out = trained.parent
    for stage in ("eyes", "keys", "summaries"):
        assert (out / f"{stage}.safetensors").exists()
    for stage in ("eyes", "following", "keys", "summaries"):
        json.loads((out / stage / "curve.json").read_text())


def test_only_what_a_stage_trains_changes(trained: Path) -> None:
    out = trained.parent
    eyes, keys, summaries = (load_file(out / f"{name}.safetensors") for name in ("eyes", "keys", "summaries"))
    changed = {name for name in eyes if not torch.equal(eyes[name], keys[name])}
    assert changed
    assert all(name.startswith("language_model") for name in changed)
    untouched = "language_model.model.layers.0.self_attn.summary_q_proj.weight"
    assert untouched not in changed
    assert not torch.equal(keys[untouched], summaries[untouched])


def test_names_of_things_stay_as_unlearned_as_made_up_ones(trained: Path) -> None:
    eyes, summaries = (load_file(trained.parent / f"{name}.safetensors") for name in ("eyes", "summaries"))
    tokenizer = PreTrainedTokenizerFast.from_pretrained(trained)
    changed = (
        (
            eyes["language_model.model.embed_tokens.weight"]
            != summaries["language_model.model.embed_tokens.weight"]
        )
        .any(-1)
        .nonzero()
        .flatten()
    )
    assert len(changed) > 10
    assert changed.max() < len(tokenizer)
    assert not set(tokenizer.convert_ids_to_tokens(changed.tolist())) & set(OBJECTS)


def test_a_stopped_run_goes_on_to_the_same_weights(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    whole = DecoderTrainer.compute_loss

    def stopping(self: Any, *args: Any, **kwargs: Any) -> Any:
        steps.append(self.state.global_step)
        if len(steps) == 4:  # after the checkpoint of the second step
            raise KeyboardInterrupt
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(DecoderTrainer, "compute_loss", stopping)
    path = recipe(tmp_path)
    (tmp_path / "out").mkdir()
    for stage in ("eyes", "keys"):  # finished stages are taken over
        shutil.copy(trained.parent / f"{stage}.safetensors", tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        run(path, tmp_path / "out")
    run(path, tmp_path / "out")
    assert steps == [0, 1, 2, 3, 2, 3]
    start, whole_run = (load_file(trained.parent / f"{name}.safetensors") for name in ("keys", "summaries"))
    resumed = load_file(tmp_path / "out" / "summaries.safetensors")
    for name, tensor in whole_run.items():
        # Sums depend a little on where memory lies; other batches would lead elsewhere.
        apart, way = (tensor - resumed[name]).double().norm(), (tensor - start[name]).double().norm()
        assert apart <= 0.01 * way, name


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("seed = 3", 'seed = "x"'), "seed"),
        (('eyes = "ideal"', 'eyes = "closed"'), "eyes"),
        (("count = 2", "counts = 2"), "count"),
        (('"colour", "existence"', '"kolour"'), "kolour"),
        (("seed = 3", "seed = -1"), "seed"),
        (("width = 32", "width = 0"), "width"),
        (("scenes = [2]", "scenes = []"), "scenes"),
        (('name = "keys"', 'name = "../keys"'), "name"),
        (("questions = 3", "questions = 0"), "questions"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_key(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RECIPE.replace("{steps}", "4").replace(*change, 1))
    with pytest.raises(UsageError, match=rf"wrong\.toml.*{word}"):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_of_another_recipe_is_left_alone(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another recipe"):
        run(recipe(tmp_path, steps=5), trained.parent)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        run(recipe(tmp_path), tmp_path / "file")


def test_a_checkpoint_cut_short_is_not_gone_on_with(tmp_path: Path) -> None:
    for step, whole in ((2, True), (4, False), (10, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").touch()
        if whole:
            (folder / "whole").touch()
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-2")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]
    assert last_checkpoint(tmp_path / "nowhere") is None
