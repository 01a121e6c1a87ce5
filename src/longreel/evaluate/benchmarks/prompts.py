"""How questions are put: instructions as data, and the few ways of laying out options.

The wordings are our own, after what each benchmark asks for (specs/benchmarks.md): scores of different
harnesses on the same answers differ by a point or so, which is why every result says which was used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longreel.errors import UsageError
from longreel.evaluate.benchmarks.base import Query

_PLACES = ("question", "options", "bracketed", "subtitles")
ONE_LETTER = "Answer with the letter of the right option and nothing else."
BEST_OPTION = "Choose the best option and give nothing but its letter.\nBest option: ("
SUBTITLES_ABOVE = "These are the subtitles of the video:"
SUBTITLES_BETWEEN = "These are the subtitles of the video, at their places between its frames:"
SPAN = (
    'When in the video does this happen: "{caption}"? '
    "Answer with the second at which it begins and the second at which it ends, in the form: 12.3 - 20.5"
)


def dotted(options: Sequence[str], letters: str) -> str:
    """A line "A. text" for each option."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(letters, options, strict=True))


def bracketed(options: Sequence[str], letters: str) -> str:
    """A line "(A) text" for each option."""
    return "\n".join(f"({letter}) {option}" for letter, option in zip(letters, options, strict=True))


def below(*parts: str) -> str:
    """The parts that are not empty, one below the other."""
    return "\n".join(part for part in parts if part)


def check_template(template: str, *, lettered: bool, subtitled: bool) -> None:
    """Refuse a prompt of one's own that would leave out what the question needs.

    Raises:
        UsageError: a place is missing or unknown.
    """
    places = set(re.findall(r"\{(\w+)\}", template))
    if unknown := places - set(_PLACES):
        known = ", ".join(f"{{{place}}}" for place in _PLACES)
        raise UsageError(f"the prompt has a place {{{min(unknown)}}}: there are {known}")
    if "question" not in places:
        raise UsageError("the prompt has no {question}: say where the question stands")
    if lettered and not places & {"options", "bracketed"}:
        raise UsageError("the prompt has no {options}, nor {bracketed}: say where the options stand")
    if subtitled and "subtitles" not in places:
        raise UsageError("the prompt has no {subtitles}: say where they stand, or leave out --subtitles")


def filled(template: str, query: Query, subtitles: str) -> str:
    """A prompt of one's own, its places filled.

    Places: {question}; {options}, a line "A. text" each; {bracketed}, a line "(A) text" each; {subtitles}.
    """
    values = {
        "question": query.question,
        "options": dotted(query.options, query.letters),
        "bracketed": bracketed(query.options, query.letters),
        "subtitles": subtitles,
    }
    return re.sub(rf"\{{({'|'.join(_PLACES)})\}}", lambda place: values[place[1]], template)


def with_subtitles(subtitles: str, *parts: str) -> str:
    """The parts, below the subtitles if there are any."""
    return below(SUBTITLES_ABOVE if subtitles else "", subtitles, *parts)


# What the judge of MLVU's generated answers is told; `{...}` are filled in. Each pair of words is what the
# benchmark grades (specs/benchmarks.md, section 4).
JUDGED_ON = {"sub_scene": ("accuracy", "relevance"), "summary": ("completeness", "reliability")}
JUDGE_MEANING = {
    "accuracy": "how many of the listed points the answer states correctly",
    "relevance": "how closely the answer keeps to what was asked, without adding other things",
    "completeness": "how much of the main content of the reference the answer covers",
    "reliability": "how free the answer is of statements that contradict the reference or are made up",
}
JUDGE = """You grade an answer about a video by comparing it with a reference.

Question: {question}
Reference: {reference}
{points}Answer to grade: {answer}

Give two whole numbers from 1 (worst) to 5 (best):
{first}: {first_meaning}.
{second}: {second_meaning}.
Reply with JSON only: {{"{first}": number, "{second}": number}}"""
