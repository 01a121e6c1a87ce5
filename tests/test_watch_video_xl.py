"""The verbs over the real architecture, small and with random weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from longreel.errors import WatchInterrupted
from longreel.memory import VideoMemory
from longreel.model import Model
from tests.fakes import GRIDLESS, arrays, assert_same, halved, interrupting, video_xl_model

# Random weights say one word for ever when greedy; sampling with a seed makes every logit count.
SAMPLED: dict[str, Any] = {"max_new_tokens": 12, "temperature": 1.0, "seed": 1}
QUESTIONS = ["what is it?", "who is there?", "where was she then?", "is it red or blue?"]


@pytest.fixture(scope="module")
def model() -> Model:
    return video_xl_model()


@pytest.fixture(scope="module")
def memory(model: Model) -> VideoMemory:
    return model.watch(arrays(57))


def test_answers_are_the_same_before_and_after_saving(
    model: Model, memory: VideoMemory, tmp_path: Path
) -> None:
    answers = [answer.text for answer in model.ask(memory, QUESTIONS, **SAMPLED)]
    assert len(set(answers)) > 1
    memory.save(tmp_path / "film.memory")
    opened = model.open(tmp_path / "film.memory")
    assert_same(opened, memory)
    assert [answer.text for answer in model.ask(opened, QUESTIONS, **SAMPLED)] == answers
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda question: model.ask(opened, question, **SAMPLED).text, QUESTIONS * 3)
        assert list(together) == answers * 3
    for question, answer in zip(QUESTIONS, answers, strict=True):
        assert "".join(model.stream(opened, question, **SAMPLED)) == answer
    assert_same(opened, memory)


@pytest.mark.parametrize("method", GRIDLESS)
@pytest.mark.parametrize("block", [1, 2, 4])
def test_resuming_equals_watching_in_one_go(method: str, block: int) -> None:
    model = video_xl_model(halved(method))
    film = arrays(57 if method != "uniform" else 113)
    with pytest.raises(WatchInterrupted) as caught:
        model.watch(film, progress=interrupting(block))
    assert_same(model.watch(film, resume=caught.value.memory), model.watch(film))


@pytest.mark.parametrize("border", [12, 24, 36])
def test_append_equals_the_joined_film(border: int, model: Model, memory: VideoMemory) -> None:
    film = arrays(57)
    longer = model.append(
        model.watch(film[:border]), [(picture, seconds - border / 2) for picture, seconds in film[border:]]
    )
    for mine, theirs in zip(longer.layers, memory.layers, strict=True):
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())


def test_unknown_words_and_chat(model: Model, memory: VideoMemory) -> None:
    assert model.ask(memory, "where is the walrus?").unknown_words == ("walrus",)
    chat = model.chat(memory, max_new_tokens=8)
    chat.ask("what is it?")
    assert chat.ask("and then?").usage.prompt_tokens > model.ask(memory, "and then?").usage.prompt_tokens
