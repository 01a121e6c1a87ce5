"""Asking: alone, together, streamed, in threads, in a chat; and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from longreel.errors import MemoryFileError, UsageError
from longreel.memory import VideoMemory
from longreel.model import Model
from tests.fakes import FakeAdapter, arrays, assert_same, fake_model

QUESTIONS = ["what is it", "who is there", "where was she before that", "is it red or blue", "what is it"]


@pytest.fixture(scope="module")
def model() -> Model:
    return fake_model()


@pytest.fixture(scope="module")
def memory(model: Model) -> VideoMemory:
    return model.watch(arrays(33))


def test_an_answer_counts_its_tokens(model: Model, memory: VideoMemory) -> None:
    answer = model.ask(memory, "what is it")
    assert str(answer) == answer.text
    assert answer.usage.prompt_tokens == 5
    assert answer.usage.memory_tokens == memory.header.kept[0]
    assert answer.usage.new_tokens == len(answer.text.split())
    assert answer.usage.seconds > 0
    assert [span.score for span in answer.evidence] == sorted(
        (span.score for span in answer.evidence), reverse=True
    )
    assert all(0 <= span.start < span.end <= 17 for span in answer.evidence)
    assert 0 < sum(span.score for span in answer.evidence) <= 1.0001
    assert answer.unknown_words == ()


def test_answers_depend_on_film_and_question(model: Model, memory: VideoMemory) -> None:
    other = model.watch(arrays(33, seed=1))
    texts = {model.ask(memory, question).text for question in QUESTIONS}
    assert len(texts) == 4
    assert model.ask(other, QUESTIONS[0]).text not in texts


def test_many_questions_are_answered_as_alone(model: Model, memory: VideoMemory) -> None:
    before = model.watch(arrays(33))
    alone = [model.ask(memory, question).text for question in QUESTIONS]
    assert [answer.text for answer in model.ask(memory, QUESTIONS)] == alone
    assert [answer.text for answer in model.ask(memory, tuple(reversed(QUESTIONS)))] == alone[::-1]
    with ThreadPoolExecutor(5) as pool:
        together = list(pool.map(lambda question: model.ask(memory, question).text, QUESTIONS * 4))
    assert together == alone * 4
    assert model.ask(memory, []) == []
    assert_same(memory, before)


def test_a_stream_is_the_answer_in_pieces(model: Model, memory: VideoMemory) -> None:
    pieces = list(model.stream(memory, "what is it"))
    assert "".join(pieces) == model.ask(memory, "what is it").text
    assert len(pieces) > 3


def test_sampling_repeats_with_a_seed(model: Model, memory: VideoMemory) -> None:
    def sampled(seed: int | None) -> str:
        return model.ask(memory, "what is it", temperature=3.0, seed=seed).text

    assert sampled(1) == sampled(1)
    assert len({sampled(seed) for seed in range(5)}) > 1
    assert sampled(1) != model.ask(memory, "what is it").text


def test_max_new_tokens_cuts_an_answer_off(model: Model, memory: VideoMemory) -> None:
    short = model.ask(memory, "what is it", max_new_tokens=2)
    assert short.usage.new_tokens == 2
    assert model.ask(memory, "what is it").text.startswith(short.text)


def test_an_unknown_word_is_named_and_nothing_guessed(model: Model, memory: VideoMemory) -> None:
    answer = model.ask(memory, "is the zzebra red")
    assert answer.text == 'I do not know the word "zzebra".'
    assert answer.unknown_words == ("zzebra",)
    assert answer.usage.new_tokens == 0
    assert list(model.stream(memory, "zza zzb")) == ['I do not know the words "zza", "zzb".']


def test_the_refused(model: Model, memory: VideoMemory) -> None:
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ("", {}, "is empty"),
        (" \n\t", {}, "is empty"),
        (None, {}, "is text, not NoneType"),
        (b"what", {}, "is text, not bytes"),
        ("a" * 100_000, {}, "100,000 characters and 10,000 are the most"),
        ("why " * 100, {}, "102 tokens, fake takes 60"),
        ("why", {"max_new_tokens": 0}, "max_new_tokens=0"),
        ("why", {"max_new_tokens": 2.5}, "max_new_tokens=2.5"),
        ("why", {"max_new_tokens": 10**9}, "max_new_tokens=1000000000"),
        ("why", {"seed": 2**70}, "seed="),
        ("why", {"temperature": 1e-40}, "temperature=1e-40"),
        ("why \ud800", {}, "UTF-8"),
        ("why", {"temperature": -1.0}, "temperature=-1"),
        ("why", {"temperature": float("nan")}, "temperature=nan"),
        ("why", {"top_p": 0.0}, "top_p=0"),
        ("why", {"top_p": 1.1}, "top_p=1.1"),
        (["why", ""], {}, "is empty"),
    ]
    for question, settings, message in cases:
        with pytest.raises(UsageError, match=message) as caught:
            model.ask(memory, question, **settings)
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(UsageError, match="is empty"):
        model.stream(memory, "")


def test_a_memory_of_another_model_is_refused(memory: VideoMemory) -> None:
    other = fake_model(seed=3)
    with pytest.raises(MemoryFileError, match="made by the model 'fake'"):
        other.ask(memory, "why")
    with pytest.raises(MemoryFileError, match="weights differ"):
        other.chat(memory)


def test_a_chat_remembers_its_turns(model: Model, memory: VideoMemory) -> None:
    chat = model.chat(memory, max_new_tokens=5)
    first = chat.ask("what is it")
    assert first.text == model.ask(memory, "what is it", max_new_tokens=5).text
    second = chat.ask("and then")
    assert second.usage.prompt_tokens > model.ask(memory, "and then").usage.prompt_tokens
    assert second.text != model.ask(memory, "and then", max_new_tokens=5).text
    assert chat.turns == (("what is it", first.text), ("and then", second.text))
    streamed = model.chat(memory, max_new_tokens=5)
    assert "".join(streamed.stream("what is it")) == first.text
    assert streamed.ask("and then").text == second.text
    chat.clear()
    assert chat.ask("what is it").text == first.text


class Breaking(FakeAdapter):
    """Fails after two tokens."""

    def generate(self, *args: Any, **settings: Any) -> Any:
        for number, token in enumerate(super().generate(*args, **settings)):
            if number == 2:
                raise KeyboardInterrupt
            yield token


def test_a_failed_turn_is_not_remembered(memory: VideoMemory) -> None:
    model = Model(Breaking(), fake_model().method)
    chat = model.chat(memory)
    for question, error in (("why", KeyboardInterrupt), ("", UsageError), ("why " * 100, UsageError)):
        with pytest.raises(error):
            chat.ask(question)
        with pytest.raises(error):
            list(chat.stream(question))
        assert chat.turns == ()
    chat.ask("zzebra")
    list(chat.stream("zzebra"))
    assert chat.turns == ()
    pieces = fake_model().chat(memory)
    next(iter(pieces.stream("why")))
    assert pieces.turns == ()


def test_a_chat_that_grew_too_long_says_so(model: Model, memory: VideoMemory) -> None:
    chat = model.chat(memory, max_new_tokens=30)
    for _ in range(3):
        chat.ask("what is it")
    with pytest.raises(UsageError, match="start a new chat"):
        chat.ask("what is it")
    assert len(chat.turns) == 3
