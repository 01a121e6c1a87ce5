"""What all benchmarks with lettered options share: grading, and the units that are averaged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from longreel.evaluate.benchmarks.base import Grade, Metric, Parse, Query, Scored, Unit
from longreel.evaluate.benchmarks.parse import strict_letter

ReadLetter = Callable[[str, str], str | None]


def choice_grader(
    harness: ReadLetter, official: ReadLetter | None = None
) -> Callable[[Query, str, Parse], Grade]:
    """A grader of lettered answers: 1 for the gold letter, 0 for another or none."""
    readers = {"harness": harness, "official": official or harness}

    def grade(query: Query, answer: str, parse: Parse) -> Grade:
        if parse == "strict":
            letter = strict_letter(answer, query.letters, query.options)
        else:
            letter = readers[parse](answer, query.letters)
        return Grade(letter, float(letter == query.gold))

    return grade


def per_question(scored: Sequence[Scored]) -> list[Unit]:
    """Every answer that counts by itself, those left to a judge not among them."""
    return [
        Unit(each.query.id, each.query.video.key, each.grade.value, each.query.tags)
        for each in scored
        if each.grade.value is not None and not each.query.judged
    ]


def accuracy(*sorted_by: str) -> Metric:
    """The share of right answers in percent."""
    return Metric("accuracy", per_question, sorted_by=sorted_by)


def without_letter(option: str) -> str:
    """An option without the "A. " or "(A) " before it."""
    return re.sub(r"^\s*(?:\([A-N]\)|[A-N][.):])\s*", "", option).strip()


def inlined_options(text: str) -> tuple[str, list[str]]:
    """Question and options of a text with a line "(A) ..." for each option."""
    parts = re.split(r"\n\s*\([A-N]\)\s*", text)
    return parts[0].strip(), [" ".join(part.split()) for part in parts[1:]]
