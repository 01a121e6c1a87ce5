"""A process of two that share out a model's weights (FSDP): gradients of both samples, gathered, to a file.

Run by test_processes; the samples have different numbers of intervals, and one of them no picture at all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from longreel.models.video_xl.configuration import SummaryTokenConfig
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.train.conversations.chat import IGNORE
from longreel.train.conversations.cuts import EqualCuts
from longreel.train.conversations.model import ConversationModel, recompute_activations
from longreel.train.conversations.run import whole_state
from tests.shapes import DECODER

FILMS = (30, 0)


class GivenTokens:
    """A sight of films that are visual tokens already."""

    def film(self, path: Any) -> Any:
        raise NotImplementedError

    def image(self, path: Any, *, alone: bool) -> Any:
        raise NotImplementedError

    def tokens(self, seen: Any) -> int:
        return len(seen)

    def embeddings(self, seen: Any) -> Tensor:
        return seen

    def blank(self) -> Any:
        return torch.zeros(4, DECODER["hidden_size"])


class Halves:
    """Ratio 2 for every interval."""

    def draw(self, place: int, lengths: Any) -> list[int]:
        return [2] * len(lengths)


def pupil(*, shared: bool = False) -> ConversationModel:
    """The same model in every process."""
    torch.manual_seed(0)
    model = SummaryTokenLM(SummaryTokenConfig(vocab_size=40, **DECODER))
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    recompute_activations(model.model)
    plan: Any = Halves()
    sight = GivenTokens()
    return ConversationModel(
        model, model, sight, cuts=EqualCuts(8, plan), blank=sight.blank() if shared else None
    ).train()


def sample(number: int) -> dict[str, Any]:
    """Of which process it is, is its number."""
    generator = torch.Generator().manual_seed(number)
    ids = torch.randint(0, 40, (10,), generator=generator)
    labels = torch.where(torch.arange(10) > 6, ids, IGNORE)
    film = torch.randn(FILMS[number], DECODER["hidden_size"], generator=generator)
    shown = [{"before": 3, "seen": [film]}] if len(film) else []
    return {"ids": ids, "labels": labels, "shown": shown, "place": number}


def main(out: Path) -> None:
    dist.init_process_group("gloo")
    rank, processes = dist.get_rank(), dist.get_world_size()
    mesh = init_device_mesh("cpu", (processes,))
    model = pupil(shared=True)
    network: Any = model.network
    for layer in network.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    # Gradients of processes are averaged.
    loss = model(**sample(rank))["loss"] * processes
    loss.backward()
    gathered = {
        name: parameter.grad.full_tensor()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    state = whole_state(model)
    if rank == 0:
        save_file(gathered, out / "gradients.safetensors")
        save_file({name: part.clone() for name, part in state.items()}, out / "state.safetensors")
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    main(Path(sys.argv[1]))
