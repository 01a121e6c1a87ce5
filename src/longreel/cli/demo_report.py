"""What the demo found, for people and for JSON."""

from __future__ import annotations

import os
import sys
import textwrap
from dataclasses import asdict, dataclass, fields
from typing import Any

from longreel.plain_text import bytes_in_words

_WIDTH = 80
_INDENT = 12
# By whether the terminal shows more than ASCII, then by whether the answer is right.
_MARKS = {True: {True: "✓", False: "✗"}, False: {True: "(right)", False: "(WRONG)"}}


@dataclass(frozen=True)
class AskedQuestion:
    """A question with the model's answer, the true answer, and whether they agree."""

    family: str
    question: str
    answer: str
    truth: str
    right: bool


@dataclass(frozen=True)
class DemoReport:
    """One run of the demo; `seconds` is wall time by step, `kept` counts entries of one layer."""

    seed: int
    film: str
    film_seconds: float
    film_bytes: int
    scenes: int
    memory: str
    memory_bytes: int
    frames: int
    visual_tokens: int
    kept: int
    keep: float
    seconds: dict[str, float]
    questions: tuple[AskedQuestion, ...]

    @property
    def right(self) -> int:
        """Answers that are right."""
        return sum(asked.right for asked in self.questions)

    @property
    def share_right(self) -> float:
        """Fraction of right answers; 0 if nothing was asked."""
        return self.right / len(self.questions) if self.questions else 0.0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DemoReport:
        """From what `to_dict` gave."""
        own = {field.name: values[field.name] for field in fields(cls)}
        return cls(**{**own, "questions": tuple(AskedQuestion(**asked) for asked in own["questions"])})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "asked": len(self.questions), "right": self.right, "share": self.share_right}


def report_text(report: DemoReport, *, ticks: bool, stays: bool) -> str:
    """Steps, questions and totals, about 80 columns wide.

    Args:
        ticks: mark answers with signs beyond ASCII.
        stays: the memory was not written to a temporary folder, so tell how to ask it more.
    """
    lines = [
        f"A film drawn from seed {report.seed}, which the model has never seen",
        "",
        *(f"  {step:<8}{what:<58}{report.seconds[step]:>7.1f} s" for step, what in _steps(report)),
        "",
        *(_question(asked, _MARKS[ticks][asked.right]) for asked in report.questions),
        f"{report.right} of {len(report.questions)} right in {sum(report.seconds.values()):.0f} s. "
        f"Film {bytes_in_words(report.film_bytes)}, memory {bytes_in_words(report.memory_bytes)}.",
    ]
    if stays:
        lines.append(f'Go on with: longreel ask {report.memory} "{report.questions[0].question}"')
    return "\n".join(lines)


def print_report(report: DemoReport, *, stays: bool) -> None:
    """The report in what the terminal can show."""
    print(report_text(report, ticks=_has_ticks(), stays=stays))


def _steps(report: DemoReport) -> list[tuple[str, str]]:
    film = f"{report.film_seconds:g} s, {report.scenes} scenes, {bytes_in_words(report.film_bytes)} of H.264"
    watched = f"{report.frames:,} frames, {report.visual_tokens:,} visual tokens"
    return [
        ("draw", film),
        ("load", "the model in the package"),
        ("watch", f"{watched}, kept {1 / report.keep:g}x smaller"),
        ("save", f"{report.kept:,} entries a layer, {bytes_in_words(report.memory_bytes)}"),
        ("reopen", "from the file; the film is not needed any more"),
        ("ask", f"{len(report.questions)} questions"),
    ]


def _question(asked: AskedQuestion, mark: str) -> str:
    rows = (asked.family, asked.question), ("answer", f"{asked.answer} {mark}"), ("truth", asked.truth)
    return "\n".join([*(_row(label, text) for label, text in rows), ""])


def _row(label: str, text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH - _INDENT) or [""]
    first = f"  {label:<{_INDENT - 2}}{lines[0]}"
    return "\n".join([first, *(" " * _INDENT + line for line in lines[1:])])


def _has_ticks() -> bool:
    """Whether stdout can show them: Python writes UTF-8 in the C locale too, the terminal may not read it."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return encoding == "utf8" and locale not in {"C", "POSIX"}
