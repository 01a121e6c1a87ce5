"""Needles: pictures and clips to be put into films, each with a question about it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longreel.errors import SourceError, UsageError
from longreel.evaluate.benchmarks.base import LETTERS
from longreel.evaluate.benchmarks.parse import strict_letter
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, below, dotted
from longreel.video.reader import probe

_KINDS = ("image", "clip")
_KNOWN = {*_KINDS, "question", "options", "answer", "frames"}
_FRAMES = 4
_EXAMPLE = '{"image": "sign.png", "question": "What does the sign say?", "options": ["…"], "answer": "A"}'


@dataclass(frozen=True)
class Needle:
    """A picture or clip, and what is asked about it.

    frames: how many frames of it are shown. seconds: how long a clip lasts; None for a picture.
    options: texts without letters, none for a free answer. gold: the right letter, or the words that a free
    answer has to contain.
    """

    path: Path
    frames: int
    seconds: float | None
    question: str
    options: tuple[str, ...]
    gold: str

    @property
    def prompt(self) -> str:
        """The question as it is put."""
        if not self.options:
            return self.question
        return below(self.question, dotted(self.options, LETTERS[: len(self.options)]), ONE_LETTER)

    def letter(self, answer: str) -> str | None:
        """The letter that an answer names, read strictly; None if it names none, and without options."""
        if not self.options:
            return None
        return strict_letter(answer, LETTERS[: len(self.options)], self.options)

    def is_right(self, answer: str) -> bool:
        """Whether an answer names the right option, or contains the gold words one after the other."""
        if self.options:
            return self.letter(answer) == self.gold
        return f" {_plain(self.gold)} " in f" {_plain(answer)} "

    def begins(self, answer: str) -> bool:
        """Whether an answer begins with the gold: the words that a model says greedily are then those that
        would be likeliest, one by one, were the gold given to it, which is how V-NIAH scores."""
        return answer.strip().startswith(self.gold)


def read_needles(path: Path) -> list[Needle]:
    """The needles of a JSON file, a list of objects; files are named relative to it.

    Raises:
        UsageError: it is no such list, naming the entry.
        SourceError: the file, a picture or a clip is missing or cannot be read.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): name a JSON file of needles") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON ({error}): write a list such as [{_EXAMPLE}]") from None
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{path} is no list of needles: write a list such as [{_EXAMPLE}]")
    return [_needle(row, f"needle {number} of {path}", path) for number, row in enumerate(rows, start=1)]


def _needle(row: Any, where: str, path: Path) -> Needle:
    if not isinstance(row, dict) or _is_odd(row):
        raise UsageError(f"{where} is of another form: write {_EXAMPLE}")
    (kind,) = (each for each in _KINDS if each in row)
    question, options = row["question"].strip(), tuple(str(each) for each in row.get("options") or ())
    frames = row.get("frames", _FRAMES if kind == "clip" else 1)
    if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
        raise UsageError(f"{where} has frames {frames!r}: give a whole number from 1 on")
    source = path.parent / row[kind]
    info = probe(source)
    return Needle(
        source,
        frames,
        (info.duration or 1.0) if kind == "clip" else None,
        question,
        options,
        _gold(str(row["answer"]).strip(), options, where),
    )


def _is_odd(row: dict[str, Any]) -> bool:
    """Whether an entry lacks what it needs, or has what nobody reads."""
    return (
        sum(kind in row for kind in _KINDS) != 1
        or not all(isinstance(row.get(name), str) and row[name].strip() for name in ("question", "answer"))
        or not isinstance(next(row[kind] for kind in _KINDS if kind in row), str)
        or not isinstance(row.get("options", []), list)
        or bool(set(row) - _KNOWN)
    )


def _gold(answer: str, options: tuple[str, ...], where: str) -> str:
    """The letter of the right option, which may be given as letter or text; without options, the answer."""
    letters = LETTERS[: len(options)]
    if not options:
        return answer
    if len(options) > len(LETTERS):
        raise UsageError(f"{where} has {len(options)} options: give at most {len(LETTERS)}")
    if answer in options:
        return letters[options.index(answer)]
    if len(answer) == 1 and answer in letters:
        return answer
    raise UsageError(f"{where}: the answer {answer!r} is none of its options: give a letter or an option")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
