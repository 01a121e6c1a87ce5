"""Layers may hold different numbers of entries: each attends to what it has, as in the unmodified model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import longreel
from longreel.key_values import LayerMemory
from longreel.memory import VideoMemory
from tests.families.stock import Stock
from tests.families.test_parity import QUESTIONS, film, logits, seen

# Of a memory's entries, by layer; the first keeps all.
SHARES = (1.0, 0.5, 0.2)


def uneven(memory: VideoMemory) -> tuple[VideoMemory, list[Tensor]]:
    """A memory whose layers lost different entries, and the indices of those that each has left."""
    chance = torch.Generator().manual_seed(0)
    left = []
    for layer, share in zip(memory.layers, SHARES, strict=True):
        count = len(layer.token)
        left.append(torch.randperm(count, generator=chance)[: int(share * count)].sort().values)
    layers = tuple(
        LayerMemory(
            layer.keys[:, index], layer.values[:, index], layer.positions[..., index], layer.token[index]
        )
        for layer, index in zip(memory.layers, left, strict=True)
    )
    header = memory.header.model_copy(update={"kept": tuple(len(index) for index in left)})
    return replace(memory, layers=layers, header=header), left


@contextmanager
def seeing_only(stock: Stock, left: list[Tensor], film_ends: int) -> Iterator[None]:
    """Inside, the text behind the film attends in each layer to those of the `film_ends` tokens before."""
    handles = []
    for layer, index in zip(stock.model.model.language_model.layers, left, strict=True):
        lost = torch.ones(film_ends, dtype=torch.bool)
        lost[index] = False

        def masked(_: Any, given: Any, settings: dict[str, Any], lost: Tensor = lost) -> Any:
            hidden = given[0] if given else settings["hidden_states"]
            count = hidden.shape[1]
            mask = torch.ones(count, count, dtype=torch.bool).tril()
            mask[film_ends:, :film_ends] &= ~lost
            return given, {**settings, "attention_mask": mask[None, None]}

        handles.append(layer.register_forward_pre_hook(masked, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def test_each_layer_attends_to_what_it_has(family: str, folder: Path, tmp_path: Path) -> None:
    model, stock = longreel.load(folder), Stock.load(family, folder)
    source = film(8)
    whole = model.watch(source)
    memory, left = uneven(whole)
    turns: list[tuple[str, str | None]] = [(QUESTIONS[0], None)]
    given = stock.inputs([seen(model, source)], [[time for _, time in source]], turns, fps=2.0)
    with torch.no_grad(), seeing_only(stock, left, whole.header.kept[0]):
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, turns)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    assert (found - logits(model, whole, turns)).abs().max() > 1e-2

    memory.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert reopened.header.kept == tuple(len(index) for index in left)
    assert torch.equal(logits(model, reopened, turns), found)
    asked = [model.ask(each, QUESTIONS[0], max_new_tokens=5) for each in (memory, reopened)]
    assert asked[0].text == asked[1].text
    assert asked[0].evidence == asked[1].evidence
    for layer, index in enumerate(left):
        assert torch.equal(reopened.seconds(layer).nan_to_num(-1), whole.seconds(layer)[index].nan_to_num(-1))
