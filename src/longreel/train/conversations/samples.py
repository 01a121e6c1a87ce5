"""A sample in the LLaVA conversation format, checked before anything of it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from longreel.placeholders import IMAGE, VIDEO

_PLACEHOLDER = re.compile(f"({IMAGE}|{VIDEO})")
_HUMAN, _ANSWERER, _SYSTEM = ("human", "user"), ("gpt", "assistant"), "system"


class BadSample(Exception):  # noqa: N818 - a finding about data, and no fault
    """A sample that is left out.

    reason: one of few, by which they are counted. detail: what exactly.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Turn(NamedTuple):
    """A question and its answer.

    leading: kinds (`IMAGE` or `VIDEO`) of what is shown before the question.
    question: its text, in which placeholders of what is shown in its midst still stand.
    """

    leading: tuple[str, ...]
    question: str
    answer: str


class Sample(NamedTuple):
    """A conversation and what it is about; files in the order of their placeholders."""

    system: str | None
    turns: tuple[Turn, ...]
    images: tuple[Path, ...]
    videos: tuple[Path, ...]


def parse_sample(raw: Any, folder: Path) -> Sample:
    """Read a sample that was parsed from JSON.

    A lone placeholder of a question is moved before it, which is where films stand when a model is asked; of
    several, those behind text stay where they are. <image> stands for a video where there are videos only, as
    some published data has it.

    Args:
        folder: what its paths are relative to.

    Raises:
        BadSample: it is no conversation, lacks an answer, or its placeholders do not match its files.
    """
    if not isinstance(raw, dict):
        raise BadSample("not a conversation", "it is no JSON object")
    images, videos = (tuple(_paths(raw.get(key), folder)) for key in ("image", "video"))
    system, pairs = _pairs(raw.get("conversations"))
    if videos and not images and not any(VIDEO in question for question, _ in pairs):
        pairs = [(question.replace(IMAGE, VIDEO), answer) for question, answer in pairs]
    turns = tuple(_turn(question, answer) for question, answer in pairs)
    _check_placeholders(pairs, len(images), len(videos))
    return Sample(system, turns, images, videos)


def _paths(given: Any, folder: Path) -> Iterator[Path]:
    for path in [given] if isinstance(given, str) else given or []:
        if not isinstance(path, str):
            raise BadSample("not a conversation", f"{path!r} is no path")
        if path:
            yield folder / path


def _pairs(turns: Any) -> tuple[str | None, list[tuple[str, str]]]:
    """The system text, and questions with their answers."""
    if not isinstance(turns, list) or not turns:
        raise BadSample("not a conversation", "it has no list 'conversations'")
    said = [_said(turn) for turn in turns]
    system = said.pop(0)[1] if said[0][0] == _SYSTEM else None
    if [role in _HUMAN for role, _ in said[::2]] != [True] * len(said[::2]):
        raise BadSample("not a conversation", "human and gpt do not take turns")
    if len(said) % 2 or not said:
        raise BadSample("no answer", "the last question has none")
    if [role in _ANSWERER for role, _ in said[1::2]] != [True] * len(said[1::2]):
        raise BadSample("not a conversation", "human and gpt do not take turns")
    pairs = [(question, answer) for (_, question), (_, answer) in zip(said[::2], said[1::2], strict=True)]
    if not all(answer.strip() for _, answer in pairs):
        raise BadSample("no answer", "an answer is empty")
    return system, pairs


def _said(turn: Any) -> tuple[str, str]:
    role, value = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (None, None)
    if not isinstance(role, str) or not isinstance(value, str):
        raise BadSample("not a conversation", "a turn lacks 'from' or 'value'")
    return role, value


def _turn(question: str, answer: str) -> Turn:
    parts = _PLACEHOLDER.split(question)
    texts, marks = parts[::2], parts[1::2]
    if len(marks) == 1:
        return Turn(tuple(marks), " ".join(text.strip() for text in texts if text.strip()), answer.strip())
    leading = 0
    while leading < len(marks) and not texts[leading].strip():
        leading += 1
    return Turn(tuple(marks[:leading]), "".join(parts[2 * leading :]).strip(), answer.strip())


def _check_placeholders(pairs: list[tuple[str, str]], images: int, videos: int) -> None:
    for mark, there, kind in ((IMAGE, images, "images"), (VIDEO, videos, "videos")):
        marks = sum(question.count(mark) for question, _ in pairs)
        if marks != there:
            raise BadSample("placeholders", f"{marks} {mark} for {there} {kind}")
        if any(mark in answer for _, answer in pairs):
            raise BadSample("placeholders", f"{mark} in an answer")
