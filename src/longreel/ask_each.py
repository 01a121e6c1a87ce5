"""Ask several questions about one memory, side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from longreel.answer import Answer, Usage
from longreel.ask import Decoding, ask, prepared, unknown_words_text, wording_of
from longreel.evidence import EvidenceReader
from longreel.key_values import KeyValues
from longreel.memory import VideoMemory
from longreel.models.base import ModelAdapter

# Tokens of questions that are read in one run: enough that the memory is read seldom.
_TOKENS_AT_ONCE = 1024


@dataclass(frozen=True)
class _Asked:
    """A question as `prepared` gives it, and its number among all."""

    number: int
    ids: Tensor
    unknown: list[str]


def ask_each(
    adapter: ModelAdapter,
    memory: VideoMemory,
    questions: Sequence[str],
    decoding: Decoding,
    *,
    evidence: bool = True,
) -> list[Answer]:
    """Answer each question as `ask` does, without the others.

    Greedy answers from a memory of one level are found together, which is faster; they are equal to those of
    `ask` up to rounding. The seconds of such an answer are its part of the time for all.

    Args:
        evidence: False to leave it out, where it is found together: it takes a part of the time.

    Raises:
        UsageError, MemoryFileError: as `ask`, before the first question is answered.
    """
    if len(questions) == 1:
        return [ask(adapter, memory, questions[0], decoding)]
    asked = [
        _Asked(number, *prepared(adapter, memory, question, (), decoding))
        for number, question in enumerate(questions)
    ]
    if decoding.temperature > 0 or memory.dense is not None:
        return [ask(adapter, memory, question, decoding) for question in questions]
    answers = {each.number: _unanswered(memory, each) for each in asked if each.unknown}
    known = [each for each in asked if not each.unknown]
    reader = EvidenceReader(memory) if evidence else None
    for group in _together([len(each.ids) for each in known]):
        answers |= _answers(adapter, memory, [known[index] for index in group], decoding, reader)
    return [answers[number] for number in range(len(questions))]


def generated_each(
    adapter: ModelAdapter, held: KeyValues, texts: Sequence[Tensor], max_new_tokens: int
) -> list[list[int]]:
    """Greedy answers to texts, int64 (n,) each, behind what is held; many at once, but not too many."""
    new: list[list[int]] = []
    for group in _together([len(ids) for ids in texts]):
        ids = [texts[index] for index in group]
        new += adapter.generate_each(held, ids, max_new_tokens=max_new_tokens)
    return new


def _together(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of texts of these lengths, in order: as many as have `_TOKENS_AT_ONCE`, at least one."""
    group: list[int] = []
    for number, length in enumerate(lengths):
        if group and sum(lengths[other] for other in group) + length > _TOKENS_AT_ONCE:
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _unanswered(memory: VideoMemory, asked: _Asked) -> Answer:
    usage = Usage(len(asked.ids), memory.header.kept[0], 0, 0.0)
    return Answer(unknown_words_text(asked.unknown), usage, (), tuple(asked.unknown))


def _answers(
    adapter: ModelAdapter,
    memory: VideoMemory,
    group: Sequence[_Asked],
    decoding: Decoding,
    reader: EvidenceReader | None,
) -> dict[int, Answer]:
    started = time.perf_counter()
    wording = wording_of(adapter, decoding)
    held, ids = memory.key_values, [each.ids for each in group]
    generated = adapter.generate_each(held, ids, max_new_tokens=decoding.max_new_tokens)
    new = [list(wording.until_stop(iter(tokens))) for tokens in generated]
    spoken = [wording.spoken(tokens) for tokens in new]
    weights = [None] * len(group) if reader is None else _attention(adapter, held, ids, spoken)
    found = [reader.spans(each) if reader and each is not None else () for each in weights]
    seconds = (time.perf_counter() - started) / len(group)
    return {
        each.number: Answer(
            wording.text(tokens),
            Usage(len(each.ids), memory.header.kept[0], len(tokens), seconds),
            spans,
            (),
        )
        for each, tokens, spans in zip(group, new, found, strict=True)
    }


def _attention(
    adapter: ModelAdapter, held: KeyValues, ids: Sequence[Tensor], spoken: Sequence[Sequence[int]]
) -> list[Sequence[Tensor] | None]:
    """What the words of each answer attended to; None for an answer without words."""
    said = [number for number, words in enumerate(spoken) if words]
    found: list[Sequence[Tensor] | None] = [None] * len(ids)
    if said:
        texts, words = [ids[number] for number in said], [spoken[number] for number in said]
        for number, each in zip(said, adapter.attention_each(held, texts, words), strict=True):
            found[number] = each
    return found
