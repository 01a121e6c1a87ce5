"""Ask: from a memory and a question to an answer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from longreel.answer import Answer, Evidence, Usage
from longreel.closer_look import Look, check_levels, closer_look
from longreel.context_fit import context_within
from longreel.errors import ContextError, UsageError
from longreel.evidence import evidence_of
from longreel.memory import VideoMemory
from longreel.models.base import ModelAdapter
from longreel.stopping import Wording, stop_strings

MAX_CHARACTERS = 10_000
MAX_NEW_TOKENS = 32_768
MAX_SEED = 2**63 - 1
# Below it, probabilities overflow.
COLDEST = 1e-3


@dataclass(frozen=True)
class Decoding:
    """How an answer is worded: greedily at temperature 0, else by sampling.

    max_new_tokens: tokens after which an answer is cut off.
    temperature, top_p: of sampling; seed makes it repeatable (None: different every time).
    stop: texts that an answer ends before, one or several.
    dense_intervals: of a memory of two levels, how many intervals are read at the dense one; None for the
        default, see `closer_look`.
    """

    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: str | Sequence[str] = ()
    dense_intervals: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", stop_strings(self.stop))
        if not isinstance(self.max_new_tokens, int) or not 1 <= self.max_new_tokens <= MAX_NEW_TOKENS:
            raise UsageError(
                f"max_new_tokens={self.max_new_tokens} is not a whole number from 1 to {MAX_NEW_TOKENS:,}: "
                "give one that leaves room for an answer"
            )
        if not (self.temperature == 0 or COLDEST <= self.temperature < math.inf):
            raise UsageError(
                f"temperature={self.temperature} is neither 0 nor a number from {COLDEST}: "
                "0 is greedy, 1 as trained"
            )
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"seed={self.seed} is outside 0 to {MAX_SEED}: choose another")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p={self.top_p} is outside (0, 1]: leave it at 1 to sample from all words")
        closer = self.dense_intervals
        if closer is not None and (isinstance(closer, bool) or not isinstance(closer, int) or closer < 0):
            raise UsageError(
                f"dense_intervals={closer} is no number of intervals: give a whole number, 0 for none"
            )


Turn = tuple[str, str | None]


def ask(
    adapter: ModelAdapter,
    memory: VideoMemory,
    question: str,
    decoding: Decoding,
    earlier: Sequence[Turn] = (),
) -> Answer:
    """Answer a question from a memory, which stays as it is.

    Args:
        earlier: (question, answer) turns of the same chat.

    Raises:
        UsageError: the question is empty or too long, or the decoding asks for levels that the memory lacks.
        MemoryFileError: the memory is damaged or of another model.
    """
    started = time.perf_counter()
    ids, unknown = prepared(adapter, memory, question, earlier, decoding)
    wording = wording_of(adapter, decoding)
    new: list[int] = []
    evidence: tuple[Evidence, ...] = ()
    look = Look(memory)
    if unknown:
        text = unknown_words_text(unknown)
    else:
        look = closer_look(adapter, memory, question, ids, decoding.dense_intervals)
        new = list(wording.until_stop(_generated(adapter, look.memory, ids, decoding)))
        text = wording.text(new)
    if spoken := wording.spoken(new):
        evidence = evidence_of(look.memory, adapter.attention(look.memory.key_values, ids, spoken))
    usage = Usage(len(ids), look.memory.header.kept[0], len(new), time.perf_counter() - started)
    return Answer(text, usage, evidence, tuple(unknown), look.spans)


def stream(
    adapter: ModelAdapter,
    memory: VideoMemory,
    question: str,
    decoding: Decoding,
    earlier: Sequence[Turn] = (),
) -> Iterator[str]:
    """The text of `ask` in pieces, as its words are found.

    Raises:
        UsageError, MemoryFileError: as `ask`, at once and not with the first piece.
    """
    ids, unknown = prepared(adapter, memory, question, earlier, decoding)
    if unknown:
        return iter([unknown_words_text(unknown)])
    look = closer_look(adapter, memory, question, ids, decoding.dense_intervals)
    return _pieces(wording_of(adapter, decoding), _generated(adapter, look.memory, ids, decoding))


def question_ids(adapter: ModelAdapter, question: str, earlier: Sequence[Turn] = ()) -> Tensor:
    """Token ids of the text after a film, int64 (n,); known before the film is watched.

    Raises:
        UsageError: the question is empty or too long for the model.
    """
    check_question(question)
    ids = adapter.dialogue.after([*earlier, (question, None)])
    if len(ids) > adapter.max_question_tokens:
        what = "question and earlier turns have" if earlier else "question has"
        raise UsageError(
            f"the {what} {len(ids):,} tokens, {adapter.name} takes {adapter.max_question_tokens:,}: "
            f"{'start a new chat' if earlier else 'ask a shorter question'}"
        )
    return ids


def unknown_words_text(words: Sequence[str]) -> str:
    """What is said in place of an answer when the model does not know a word of the question."""
    quoted = ", ".join(f'"{word}"' for word in words)
    return f"I do not know the {'word' if len(words) == 1 else 'words'} {quoted}."


def prepared(
    adapter: ModelAdapter, memory: VideoMemory, question: str, earlier: Sequence[Turn], decoding: Decoding
) -> tuple[Tensor, list[str]]:
    """Token ids of the text after the film, and the words the model does not know.

    Raises:
        UsageError, MemoryFileError: see `ask`.
    """
    check_question(question)
    memory.require_model(adapter)
    memory.require_shapes(adapter)
    _check_bound(memory, question)
    check_levels(memory, decoding.dense_intervals)
    ids = question_ids(adapter, question, earlier)
    _check_room(adapter, memory, len(ids))
    return ids, list(adapter.dialogue.unknown_words(question))


def _check_bound(memory: VideoMemory, question: str) -> None:
    bound = memory.header.question
    if bound is not None and question != bound:
        raise UsageError(
            f"this memory keeps what the question {bound!r} needs and knows no other: ask that one, or watch "
            "the film again with this question or without one"
        )


def room_behind(adapter: ModelAdapter, memory: VideoMemory) -> float:
    """Tokens of text for which there is room behind the film; infinite for a model without a limit."""
    context = context_within(adapter, memory.window)
    if context is None:
        return math.inf
    header = memory.header
    taken = max(*header.kept, header.next_position if header.end is None else header.end)
    return max(0, context - taken)


def _check_room(adapter: ModelAdapter, memory: VideoMemory, tokens: int) -> None:
    room = room_behind(adapter, memory)
    if tokens > room:
        raise ContextError(
            f"behind the film {adapter.name} has room for {room:,} tokens and the "
            f"question with what goes with it has {tokens:,}: ask a shorter one, or watch with max_tokens="
        )


def check_question(question: str) -> None:
    """Refuse what no model can be asked.

    Raises:
        UsageError: it is not text, empty, or too long.
    """
    if not isinstance(question, str):
        raise UsageError(f"a question is text, not {type(question).__name__}: give a str")
    if not question.strip():
        raise UsageError("the question is empty: ask something about the film")
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise UsageError("the question has bytes that are no text: write it in UTF-8")
    if len(question) > MAX_CHARACTERS:
        raise UsageError(
            f"the question has {len(question):,} characters and {MAX_CHARACTERS:,} are the most: "
            "ask a shorter one"
        )


def _generated(adapter: ModelAdapter, memory: VideoMemory, ids: Tensor, decoding: Decoding) -> Iterator[int]:
    return adapter.generate(
        memory.key_values,
        ids,
        max_new_tokens=decoding.max_new_tokens,
        temperature=float(decoding.temperature),
        top_p=float(decoding.top_p),
        seed=decoding.seed,
    )


def wording_of(adapter: ModelAdapter, decoding: Decoding) -> Wording:
    """How tokens become the text of an answer."""
    return Wording(adapter.dialogue.decode, tuple(decoding.stop))


def _pieces(wording: Wording, tokens: Iterator[int]) -> Iterator[str]:
    """Whole words as soon as they are certain: the last word may still change with the next token."""
    ids: list[int] = []
    sent = 0
    for token in wording.until_stop(tokens):
        ids.append(token)
        certain = wording.certain(ids)
        if len(certain) > sent:
            yield certain[sent:]
            sent = len(certain)
    rest = wording.text(ids)[sent:]
    if rest:
        yield rest
