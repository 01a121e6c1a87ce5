"""Two processes share a run: the numbers are those of one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from longreel.errors import UsageError
from longreel.models.video_xl.released.convert import convert
from longreel.train import run
from tests.released import write_released
from tests.train.conversations.make import apart_by, weights, write_media
from tests.train.conversations.sharded import pupil, sample

RECIPE = """
model = "{folder}/ours"
train = ["vision_tower", "projector", "language_model", "summary_tokens"]
[[data]]
file = "{folder}/all.jsonl"
[summaries]
ratios = [2, 4]
[learning]
learning_rate = 1e-3
batch = {batch}
steps = 3
half = false
save_steps = 2
log_steps = 1
"""


def write_recipe(folder: Path, batch: int = 4) -> Path:
    write_released(folder / "theirs", dtype=torch.float32)
    convert(folder / "theirs", folder / "ours")
    write_media(folder)
    path = folder / "recipe.toml"
    path.write_text(RECIPE.replace("{folder}", str(folder)).replace("{batch}", str(batch)))
    return path


def launched(recipe: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """The command in two processes, as the launcher starts them; on machines without GPUs they use gloo."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    settled = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    verb = ["-m", "longreel", "train", str(recipe), "-o", str(out), "--json", "-q"]
    return subprocess.run(
        [*launcher, *settled, "--main_process_port", str(port), *verb],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def curve(out: Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((out / "checkpoints" / "curve.json").read_text())
    return told


@pytest.mark.slow
def test_loss_and_gradients_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    """A batch of 4 is 2 samples for each of two, and is 4 added up for one."""
    recipe = write_recipe(tmp_path)
    result = launched(recipe, tmp_path / "two")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["samples"] == 12
    # Each process leaves the state of its dice.
    assert (tmp_path / "two" / "checkpoints" / "checkpoint-3" / "rng_state_1.pth").exists()
    run(recipe, tmp_path / "one")
    for one, two in zip(curve(tmp_path / "one"), curve(tmp_path / "two"), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
        assert two["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-4)
    first, second = (weights(tmp_path / each / "model") for each in ("one", "two"))
    assert apart_by(first, second, weights(tmp_path / "ours")) < 0.02


def test_weights_are_not_quietly_left_whole_where_they_were_to_be_shared_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `accelerate launch --use_fsdp` tells; without GPUs, accelerate then trains as with --multi_gpu."""
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="launch with --multi_gpu in place of --use_fsdp"):
        run(write_recipe(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="batch of 4 samples does not divide among 3"):
        run(write_recipe(tmp_path), tmp_path / "out")


@pytest.mark.slow
def test_weights_may_be_shared_out_among_processes(tmp_path: Path) -> None:
    """Every layer is called once however many intervals a sample has, so processes meet at the same calls."""
    worker = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    result = subprocess.run(
        [*worker, "-m", "tests.train.conversations.sharded", str(tmp_path)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    model = pupil()
    sum(model(**sample(number))["loss"] for number in range(2)).backward()
    gathered = load_file(tmp_path / "gradients.safetensors")
    for name, parameter in model.named_parameters():
        own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(gathered.get(name, torch.zeros_like(own)), own, rtol=1e-4, atol=1e-5)
    state = load_file(tmp_path / "state.safetensors")
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
