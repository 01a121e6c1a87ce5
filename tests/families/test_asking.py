"""Asking on every family and Video-XL: sampled as stock `generate` does, streamed, in threads, uncopied."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.memory import VideoMemory
from longreel.model import Model
from longreel.models.engine.decoding import Sampler
from tests.allocation import Allocation
from tests.fakes import arrays, video_xl_model
from tests.families.checkpoints import FAMILIES
from tests.families.stock import Stock
from tests.families.test_parity import QUESTIONS, film, seen
from tests.oracles.sampling import next_word_chances
from tests.oracles.stopping import before_stop

VIDEO_XL = "video_xl"
WORDS = ("what is it", "who is there", "where was she")
Film = list[tuple[Any, float]]


class Asked:
    """A model, films for it and questions."""

    def __init__(self, name: str, checkpoints: dict[str, Path]) -> None:
        self.questions = WORDS if name == VIDEO_XL else (*QUESTIONS, "And then?")
        self.film: Callable[[int], Film] = arrays if name == VIDEO_XL else film
        self.model: Model = (
            video_xl_model("keep-all", None) if name == VIDEO_XL else longreel.load(checkpoints[name])
        )

    def memory(self, frames: int) -> VideoMemory:
        return self.model.watch(self.film(frames))


@pytest.fixture(params=(*FAMILIES, VIDEO_XL))
def asked(request: pytest.FixtureRequest, checkpoints: dict[str, Path]) -> Asked:
    return Asked(request.param, checkpoints)


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.6, 0.8), (3.0, 0.95)])
def test_sampled_words_are_those_of_stock_generate(
    family: str, folder: Path, temperature: float, top_p: float
) -> None:
    """With the same seed stock draws the same numbers, so even sampled tokens are equal."""
    model, stock = longreel.load(folder, positions="transformers"), Stock.load(family, folder)
    source = film(4)
    memory = model.watch(source)
    turns = [(QUESTIONS[0], None)]
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], turns, fps=2.0)
    given.pop("position_ids", None)
    settings: dict[str, Any] = {"temperature": temperature, "top_p": top_p, "max_new_tokens": 8}
    for seed in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            drawn = stock.model.generate(**given, do_sample=True, top_k=0, **settings)
        expected = drawn[0, given["input_ids"].shape[1] :].tolist()
        ids = model.adapter.dialogue.after(turns)
        found = list(model.adapter.generate(memory.key_values, ids, seed=seed, **settings))
        ends = model.adapter._ends()  # type: ignore[attr-defined]
        assert found == [token for token in expected if token not in ends]


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 0.7), (2.0, 0.9)])
def test_words_are_drawn_as_often_as_they_should(temperature: float, top_p: float) -> None:
    logits = torch.tensor([2.0, -1.0, 0.5, 1.9, -3.0, 0.0])
    sampler = Sampler(temperature, top_p, seed=0)
    generator = sampler.generator()
    draws = 4000
    drawn = torch.bincount(
        torch.tensor([sampler.choose(logits, generator) for _ in range(draws)]), minlength=len(logits)
    )
    for count, chance in zip(
        drawn.tolist(), next_word_chances(logits.tolist(), temperature, top_p), strict=True
    ):
        # Four standard deviations; a word outside the nucleus never comes.
        assert abs(count - draws * chance) <= 4 * (draws * chance * (1 - chance)) ** 0.5


@pytest.mark.parametrize("settings", [{}, {"temperature": 1.5, "top_p": 0.9, "seed": 4}])
def test_a_stream_is_the_answer_with_and_without_stop_strings(asked: Asked, settings: dict[str, Any]) -> None:
    memory = asked.memory(4)
    stopped = 0
    for question in asked.questions:
        whole = asked.model.ask(memory, question, max_new_tokens=20, **settings).text
        assert "".join(asked.model.stream(memory, question, max_new_tokens=20, **settings)) == whole
        # Random weights may end an answer at once.
        if not whole:
            continue
        stopped += 1
        stop = [whole[len(whole) // 2 :][:3], "no such text"]
        short = asked.model.ask(memory, question, max_new_tokens=20, stop=stop, **settings)
        assert short.text == before_stop(whole, stop) != whole
        pieces = asked.model.stream(memory, question, max_new_tokens=20, stop=stop, **settings)
        assert "".join(pieces) == short.text
    assert stopped


@pytest.mark.parametrize("stop", [(), ("a", "e", "o")])
@pytest.mark.parametrize("frames", [1, 12])
def test_questions_asked_together_are_answered_as_alone(
    asked: Asked, frames: int, stop: tuple[str, ...]
) -> None:
    memory = asked.memory(frames)
    before = [(layer.keys.clone(), layer.values.clone()) for layer in memory.layers]
    # Of several lengths, and one twice.
    questions = [*asked.questions, asked.questions[0], f"{asked.questions[1]} {asked.questions[2]}"]
    together = asked.model.ask(memory, questions, max_new_tokens=12, stop=stop)
    for question, found in zip(questions, together, strict=True):
        alone = asked.model.ask(memory, question, max_new_tokens=12, stop=stop)
        assert (found.text, found.unknown_words) == (alone.text, alone.unknown_words)
        assert found.usage.prompt_tokens == alone.usage.prompt_tokens
        assert found.usage.memory_tokens == alone.usage.memory_tokens
        assert found.usage.new_tokens == alone.usage.new_tokens
        assert len(found.evidence) == len(alone.evidence)
        for one, other in zip(found.evidence, alone.evidence, strict=True):
            assert (one.start, one.end) == (other.start, other.end)
            assert one.score == pytest.approx(other.score, abs=2e-4)
    for layer, (keys, values) in zip(memory.layers, before, strict=True):
        assert torch.equal(layer.keys, keys)
        assert torch.equal(layer.values, values)


def test_attention_of_texts_together_is_that_of_each_alone(asked: Asked) -> None:
    held = asked.memory(8).key_values
    texts = [asked.model.adapter.dialogue.after([(question, None)]) for question in asked.questions]
    new = [[3], [4, 5, 6], [7, 8]]
    together = asked.model.adapter.attention_each(held, texts, new)
    for ids, words, found in zip(texts, new, together, strict=True):
        alone = asked.model.adapter.attention(held, ids, words)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(alone, found, strict=True))


def test_more_questions_than_are_read_at_once(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longreel.ask_each._TOKENS_AT_ONCE", 40)
    memory = asked.memory(4)
    questions = [*asked.questions] * 3
    found = [answer.text for answer in asked.model.ask(memory, questions, max_new_tokens=4)]
    alone = [asked.model.ask(memory, question, max_new_tokens=4).text for question in questions]
    assert found == alone


def test_a_question_that_cannot_be_asked_is_told_before_any_answer(asked: Asked) -> None:
    with pytest.raises(UsageError, match="the question is empty"):
        asked.model.ask(asked.memory(2), [asked.questions[0], " "])


def test_with_positions_of_transformers_questions_together_are_answered_as_alone(folder: Path) -> None:
    """There the words of an answer stand behind what is beside the question."""
    model = longreel.load(folder, positions="transformers")
    memory = model.watch(film(8))
    questions = [*QUESTIONS, "And then?"]
    found = model.ask(memory, questions, max_new_tokens=8)
    assert [answer.text for answer in found] == [
        model.ask(memory, question, max_new_tokens=8).text for question in questions
    ]


def test_questions_in_threads_are_answered_as_alone(asked: Asked) -> None:
    memory = asked.memory(4)
    before = [(layer.keys.clone(), layer.values.clone()) for layer in memory.layers]
    each = [(question, seed) for question in asked.questions for seed in (1, 2)]

    def answer(given: tuple[str, int]) -> str:
        question, seed = given
        return asked.model.ask(memory, question, max_new_tokens=6, temperature=1.0, seed=seed).text

    alone = [answer(given) for given in each]
    assert len(set(alone)) > 1
    assert [answer(given) for given in each] == alone
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(answer, each)) == alone
    for layer, (keys, values) in zip(memory.layers, before, strict=True):
        assert torch.equal(layer.keys, keys)
        assert torch.equal(layer.values, values)


def test_attention_reads_the_memory_where_it_lies(asked: Asked) -> None:
    memory = asked.memory(24)
    asked.model.ask(memory, asked.questions[0], max_new_tokens=1)
    with Allocation() as allocation:
        answer = asked.model.ask(memory, asked.questions[0], max_new_tokens=3)
    assert answer.usage.new_tokens > 0
    kv_heads, entries, head_dim = memory.layers[0].keys.shape
    for layer in memory.layers:
        assert {layer.keys.data_ptr(), layer.values.data_ptr()} <= allocation.multiplied
    copied = {(kv_heads, entries, head_dim), (kv_heads, head_dim, entries)}
    copies = [shape for shape in allocation.made if shape[-3:] in copied]
    assert copies == []


def test_a_longer_memory_costs_an_answer_no_copy_of_it(asked: Asked) -> None:
    """What grows is a row of scores for each head: less than one of its three layers."""
    small, large = asked.memory(8), asked.memory(48)
    peaks = [_peak_of_words(asked.model, memory, asked.questions[0]) for memory in (small, large)]
    grown = 2 * (large.layers[0].keys.nbytes - small.layers[0].keys.nbytes)
    assert grown > 0
    assert peaks[1] - peaks[0] < grown


def _peak_of_words(model: Model, memory: VideoMemory, question: str) -> int:
    """Most bytes allocated at once while words follow the first."""
    ids = model.adapter.dialogue.after([(question, None)])
    words = model.adapter.generate(memory.key_values, ids, max_new_tokens=4)
    next(words)
    with Allocation() as allocation:
        assert list(words)
    return allocation.peak
