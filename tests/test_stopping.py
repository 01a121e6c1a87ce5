"""Stop strings: where an answer ends, whatever its tokens are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longreel.errors import UsageError
from longreel.memory import VideoMemory
from longreel.model import Model
from tests.fakes import FakeAdapter, FakeDialogue, arrays, fake_model
from tests.oracles.stopping import before_stop


class BytesDialogue(FakeDialogue):
    """Tokens are pieces of UTF-8, as in byte-level vocabularies: a character may take several."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self.pieces[each] for each in ids).decode("utf-8", "replace").strip()


class Reciting(FakeAdapter):
    """Answers with given tokens and counts how many were taken."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self.dialogue = BytesDialogue(pieces)
        self.taken = 0

    def generate(self, *args: Any, **settings: Any) -> Iterator[int]:
        for token in range(len(self.dialogue.pieces)):
            self.taken += 1
            yield token


@pytest.fixture(scope="module")
def memory() -> VideoMemory:
    return fake_model().watch(arrays(9))


def reciting(*pieces: str | bytes) -> Model:
    given_bytes = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    return Model(Reciting(given_bytes), fake_model().method)


def taken(model: Model) -> int:
    assert isinstance(model.adapter, Reciting)
    return model.adapter.taken


@pytest.mark.parametrize(
    ("pieces", "stop", "text", "tokens"),
    [
        (["a fox", "\n", "Question: why", " not"], ["\n", "Question:"], "a fox", 3),
        (["a fox. Que", "st", "ion", ": why", " not"], ["Question:"], "a fox. ", 4),
        (["a fox, maybe", " two"], [", "], "a fox", 1),
        (["a fox", " went", " home"], ["fox"], "a ", 1),
        (["a fox", " went", " home"], ["a"], "", 1),
        (["a fox", " went", " home"], ["A", "homes"], "a fox went home", 3),
        (["a f", "o", "x"], ["a fox", "o"], "a f", 2),
        (["a b", "c d"], ["bc", "abc", "c"], "a ", 2),
        (["one ", b"\xf0\x9f", b"\xa6\x8a", " two"], ["\N{FOX FACE}"], "one ", 3),
    ],
)
def test_an_answer_ends_before_the_first(
    memory: VideoMemory, pieces: list[str], stop: list[str], text: str, tokens: int
) -> None:
    model = reciting(*pieces)
    answer = model.ask(memory, "why", stop=stop)
    assert (answer.text, taken(model), answer.usage.new_tokens) == (text, tokens, tokens)
    assert "".join(reciting(*pieces).stream(memory, "why", stop=stop)) == text


def test_a_stream_holds_back_what_a_stop_string_may_cut_off(memory: VideoMemory) -> None:
    pieces = ["it ran ", "up ", "the ", "hill ", "and ", "the ", "wood"]
    streamed = reciting(*pieces).stream(memory, "why", stop=["up the wood"])
    assert list(streamed) == ["it ", "ran ", "up the hill ", "and ", "the ", "wood"]
    streamed = reciting(*pieces).stream(memory, "why", stop=["up the hill"])
    assert list(streamed) == ["it ", "ran "]


@given(
    text=st.text("ab \n\N{FOX FACE}é\N{NO-BREAK SPACE}", max_size=14),
    cuts=st.sets(st.integers(1, 40)),
    stop=st.lists(st.text("ab \né\N{FOX FACE}", min_size=1, max_size=4), max_size=4),
)
def test_no_way_of_cutting_into_tokens_matters(
    memory: VideoMemory, text: str, cuts: set[int], stop: list[str]
) -> None:
    whole = text.encode()
    borders = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[first:last] for first, last in pairwise(borders)]
    expected = before_stop(text.strip(), stop)
    assert reciting(*pieces).ask(memory, "why", stop=stop).text == expected
    shown = ""
    for piece in reciting(*pieces).stream(memory, "why", stop=stop):
        assert piece
        shown += piece
        assert expected.startswith(shown)
    assert shown == expected


def test_evidence_is_that_of_the_words_that_are_left(memory: VideoMemory) -> None:
    alone = reciting("a fox", " ran").ask(memory, "why")
    cut = reciting("a fox", " ran", " home", ". Ques", "tion: no").ask(
        memory, "why", stop=[" home. Question:"]
    )
    assert (cut.text, cut.evidence) == (alone.text, alone.evidence)
    assert cut.evidence
    assert reciting("Question: no").ask(memory, "why", stop=["Q"]).evidence == ()


def test_a_chat_remembers_the_words_that_are_left(memory: VideoMemory) -> None:
    chat = reciting("a fox", "\nQues", "tion: why").chat(memory, stop="\n")
    assert chat.ask("who").text == "a fox"
    assert "".join(chat.stream("who")) == "a fox"
    assert chat.turns == (("who", "a fox"), ("who", "a fox"))


def test_each_of_several_questions_ends_for_itself(memory: VideoMemory) -> None:
    model = fake_model()
    whole = [model.ask(memory, question).text for question in ("what is it", "who is there")]
    stop = [text.split()[2] for text in whole]
    found = model.ask(memory, ["what is it", "who is there"], stop=stop)
    assert [answer.text for answer in found] == [before_stop(text, stop) for text in whole]
    assert all(len(answer.text) < len(text) for answer, text in zip(found, whole, strict=True))


def test_an_unknown_word_is_named_in_full(memory: VideoMemory) -> None:
    answer = fake_model().ask(memory, "why zzebra", stop=["know"])
    assert answer.text == 'I do not know the word "zzebra".'


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ("", "is empty"),
        (["\n", ""], "is empty"),
        ([str(number) for number in range(17)], "17 stop strings and 16"),
        ([b"x"], "no list of texts"),
        (None, "no list of texts"),
        (7, "no list of texts"),
    ],
)
def test_the_refused(memory: VideoMemory, stop: Any, message: str) -> None:
    model = fake_model()
    for refused in (
        lambda: model.ask(memory, "why", stop=stop),
        lambda: model.stream(memory, "why", stop=stop),
        lambda: model.chat(memory, stop=stop),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            refused()
        assert len(str(caught.value).splitlines()) == 1


def test_sixteen_are_taken(memory: VideoMemory) -> None:
    model = fake_model()
    stop = [f"zz{number}\n" for number in range(16)]
    assert model.ask(memory, "why", stop=stop).text == model.ask(memory, "why").text
