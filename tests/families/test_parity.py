"""With nothing compressed, every family is exactly the model of transformers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import longreel
from longreel.identity import hash_tensors
from longreel.model import Model
from longreel.models.base import FilmPart
from longreel.models.engine.prefill import Prefill
from longreel.video.frames import Frames
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling
from tests.families.stock import Stock

QUESTIONS = ("What is shown?", "Who is there, and why?")


def film(frames: int, seed: int = 0, fps: float = 2.0) -> list[tuple[np.ndarray, float]]:
    """Noise, larger than the model looks at it."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8), i / fps) for i in range(frames)]


def seen(model: Model, source: list[tuple[np.ndarray, float]]) -> Tensor:
    """The frames as the model gets them, float (F, 3, h, w)."""
    with open_film(source, sampling=Sampling(fps=2.0)) as stream:
        stream.resize_to(model.adapter.frame_size(90, 120, stream.expected))
        return torch.cat([frames.pixels for frames in stream]).float()


def logits(model: Model, memory: longreel.VideoMemory, turns: list[tuple[str, str | None]]) -> Tensor:
    """After every token of the text behind the film."""
    decoder = model.adapter.decoder  # type: ignore[attr-defined]
    with torch.no_grad():
        prefill = Prefill(decoder, memory.key_values, borrow=True)
        return decoder.scores(prefill.text(model.adapter.dialogue.after(turns)))


@pytest.mark.parametrize("chunk", [7, 40, 10_000])
@pytest.mark.parametrize("frames", [5, 12])
def test_logits_and_words_are_those_of_the_unmodified_model(
    family: str, folder: Path, chunk: int, frames: int
) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    model.adapter.interval = chunk  # type: ignore[misc]
    source = film(frames)
    memory = model.watch(source)
    turns = [(QUESTIONS[0], None)]
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], turns, fps=2.0)
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, turns)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    assert memory.header.kept[0] + len(found) == len(expected)


def greedy(stock: Stock, given: dict[str, Tensor], count: int) -> list[int]:
    """Words of the unmodified model, each from a forward pass over everything before it."""
    ids = given["input_ids"]
    for _ in range(count):
        with torch.no_grad():
            best = stock.model(**{**given, "input_ids": ids}).logits[0, -1].argmax()
        ids = torch.cat((ids, best[None, None]), dim=1)
        given["attention_mask"] = torch.ones_like(ids)
        if "position_ids" in given:
            following = given["position_ids"].max() + 1
            given["position_ids"] = torch.cat((given["position_ids"], following.expand(3, 1, 1)), dim=2)
            given["mm_token_type_ids"] = torch.cat(
                (given["mm_token_type_ids"], torch.zeros(1, 1, dtype=torch.int32)), dim=1
            )
    return ids[0, -count:].tolist()


def test_greedy_words_are_those_of_the_unmodified_model(family: str, folder: Path) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    source = film(6)
    memory = model.watch(source)
    turns = [(QUESTIONS[0], None)]
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], turns, fps=2.0)
    ids = model.adapter.dialogue.after(turns)
    found = list(model.adapter.generate(memory.key_values, ids, max_new_tokens=12))
    assert found == greedy(stock, given, len(found))
    assert len(found) > 3


def test_with_the_positions_of_transformers_it_is_stock_generate(family: str, folder: Path) -> None:
    model, stock = longreel.load(folder, positions="transformers"), Stock.load(family, folder)
    source = film(9)
    memory = model.watch(source)
    turns = [(QUESTIONS[0], None)]
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], turns, fps=2.0)
    given.pop("position_ids", None)
    expected = stock.model.generate(**given, max_new_tokens=12, do_sample=False)[
        0, given["input_ids"].shape[1] :
    ]
    found = model.adapter.generate(
        memory.key_values, model.adapter.dialogue.after(turns), max_new_tokens=len(expected)
    )
    assert list(found) == [token for token in expected.tolist() if token not in model.adapter._ends()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("block", [1, 3])
def test_the_block_of_the_encoder_does_not_matter(family: str, folder: Path, block: int) -> None:
    adapter = longreel.load(folder).adapter
    rng = torch.Generator().manual_seed(1)
    height, width = adapter.frame_size(90, 120, 6 * adapter.clip)
    pixels = torch.randint(0, 256, (6 * adapter.clip, 3, height, width), generator=rng, dtype=torch.uint8)
    seconds = torch.arange(len(pixels), dtype=torch.float64) / 2
    whole = adapter.encode(Frames(pixels, seconds), FilmPart(fps=2.0))
    size = block * adapter.clip
    parts = [
        adapter.encode(
            Frames(pixels[first : first + size], seconds[first : first + size]),
            FilmPart(frame=first, fps=2.0),
        )
        for first in range(0, len(pixels), size)
    ]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.followed_by(part)
    assert torch.allclose(joined.embeddings, whole.embeddings, atol=1e-5)
    assert torch.equal(joined.start, whole.start)
    assert [(before, ids.tolist()) for before, ids in joined.words] == [
        (before, ids.tolist()) for before, ids in whole.words
    ]
    if whole.place is not None and joined.place is not None:
        assert torch.equal(joined.place, whole.place)
    if whole.deep is not None and joined.deep is not None:
        assert torch.allclose(joined.deep, whole.deep, atol=1e-5)


def test_follow_ups_equal_one_long_conversation(family: str, folder: Path) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    source = film(4)
    memory = model.watch(source)
    turns = [(QUESTIONS[0], "a fox"), (QUESTIONS[1], None)]
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], turns, fps=2.0)
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, turns)  # type: ignore[arg-type]
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    chat = model.chat(memory, max_new_tokens=6)
    first = chat.ask(QUESTIONS[0]).text
    second = chat.ask(QUESTIONS[1]).text
    ids = model.adapter.dialogue.after([(QUESTIONS[0], first), (QUESTIONS[1], None)])
    said = list(model.adapter.generate(memory.key_values, ids, max_new_tokens=6))
    assert second == model.adapter.dialogue.decode(said)


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_two_films_in_one_memory(family: str, checkpoints: dict[str, Path]) -> None:
    folder = checkpoints[family]
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    sources = [film(5, seed=1), film(4, seed=2)]
    memory = model.watch(sources)
    turns = [(QUESTIONS[0], None)]
    given = stock.inputs(
        [seen(model, source) for source in sources],
        [[t for _, t in source] for source in sources],
        turns,
        2.0,
    )
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, turns)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4


def test_saved_and_opened_again_it_answers_alike(family: str, folder: Path, tmp_path: Path) -> None:
    model = longreel.load(folder)
    memory = model.watch(film(5))
    memory.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    for question in QUESTIONS:
        assert torch.equal(
            logits(model, memory, [(question, None)]), logits(model, reopened, [(question, None)])
        )
    together = model.ask(reopened, list(QUESTIONS), max_new_tokens=5)
    alone = [model.ask(memory, question, max_new_tokens=5) for question in QUESTIONS]
    assert [(each.text, each.evidence) for each in together] == [(each.text, each.evidence) for each in alone]
    assert any(each.evidence for each in together)


def all_of(network: torch.nn.Module) -> dict[str, Any]:
    """Everything a model holds: weights, buffers, settings, hooks, and whatever else was ever set on it."""
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    parts = {
        f"{name}.{key}": value if isinstance(value, bool | int | float | str) else repr(type(value))
        for name, module in network.named_modules()
        for key, value in vars(module).items()
    }
    hooks = {
        name: [len(vars(module)[key]) for key in vars(module) if key.endswith("_hooks")]
        for name, module in network.named_modules()
    }
    return {
        "tensors": hash_tensors({name: tensor.detach() for name, tensor in tensors.items()}),
        "places": {name: tensor.data_ptr() for name, tensor in tensors.items()},
        "config": network.config.to_json_string(),  # type: ignore[union-attr, operator]
        "generation": network.generation_config.to_json_string(),  # type: ignore[union-attr, operator]
        "parts": parts,
        "hooks": hooks,
    }


def test_the_model_stays_as_it_is(family: str, folder: Path) -> None:
    """Byte for byte, whatever is done with it and wherever that ends."""
    model = longreel.load(folder)
    network = model.adapter.model  # type: ignore[attr-defined]
    new = all_of(network)
    memory = model.watch(film(4))
    text = model.ask(memory, QUESTIONS[0], max_new_tokens=3).text
    # With its first frames transformers itself lays hooks into the vision tower of LLaVA.
    before = all_of(network)
    assert {part for part in new if new[part] != before[part]} <= {"parts", "hooks"}

    def broken() -> Iterator[tuple[np.ndarray, float]]:
        yield from film(3)
        raise OSError("the camera fell")

    with pytest.raises(OSError, match="fell"):
        model.watch(broken())

    def fails(*_: object) -> None:
        raise ZeroDivisionError("in the middle of a pass")

    handle = network.model.language_model.layers[1].register_forward_pre_hook(fails)
    for work in (lambda: model.watch(film(4)), lambda: model.ask(memory, QUESTIONS[0])):
        with pytest.raises(ZeroDivisionError, match="middle"):
            work()
    handle.remove()
    begun = model.stream(memory, QUESTIONS[0], max_new_tokens=20, temperature=1.0, seed=1)
    next(begun, None)
    begun.close()  # type: ignore[attr-defined]
    too_large = torch.tensor([10**6])
    with pytest.raises(IndexError):
        list(model.adapter.generate(memory.key_values, too_large, max_new_tokens=2))
    assert all_of(network) == before
    assert model.ask(memory, QUESTIONS[0], max_new_tokens=3).text == text
