"""Read the chosen letter out of an answer: our own strict way, and the ways of other harnesses.

None of them guesses: an answer from which no letter can be read is None, counts as wrong, and is counted.
Where a harness would draw a letter at random instead, we do not; its scores are not repeatable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_OPENERS = (
    "final answer",
    "the best answer is",
    "the correct answer is",
    "the answer is",
    "the answer",
    "the best option is",
    "the correct option is",
    "best answer",
    "best option",
    "answer",
    "option",
)
# As in the longest forms first, so that a part of one is not left standing.
_LEAD = re.compile("|".join(rf"{opener}:?" for opener in _OPENERS), re.IGNORECASE)
_ANSWER_PHRASE = r"(?:answer|option|choice)(?:\s+is)?\s*[:\-]?\s*(?:option\s*)?"
_FOREIGN_PHRASES = "答案是|答案为|答案|选择|选项|正解は|答えは|解答は|정답은|답은|정답"


def strict_letter(answer: str, letters: str, options: Sequence[str] = ()) -> str | None:
    """The letter an answer unmistakably names, by the first rule that finds any.

    1. The whole answer is one letter, in any case, with marks around it.
    2. A letter after the words answer, option or choice (the last such place).
    3. The answer begins with a letter that a mark sets off, as in "(B)", "B.", "B)", "B:", "B," or on a line
       of its own, and no other line begins with another.
    4. The whole answer is the text of one option.
    5. One letter, and no other, in brackets anywhere.
    6. The text of one option, and of no other, is part of the answer.

    So "A man walks in" names nothing, nor does "A or B".

    Args:
        letters: those of the options, such as "ABCD".
        options: texts of the options, where they may stand for their letters.
    """
    text = answer.strip().strip("*_`\"' ")
    any_case = f"[{letters}{letters.lower()}]"
    if alone := re.fullmatch(rf"\W*({any_case})\W*", text):
        return alone[1].upper()
    phrase = rf"\b{_ANSWER_PHRASE}[*\"'(\[]*([{letters}])(?![A-Za-z0-9'])(?!\s+(?:or|and)\s+[{letters}]\b)"
    if told := re.findall(phrase, text, re.IGNORECASE):
        capitals = [letter for letter in told if letter.isupper() or letter != "a"]
        if capitals:
            return str(capitals[-1]).upper()
    if len(first := _set_off(text, letters)) == 1:
        return first.pop()
    if (equal := _same_text(text, options)) is not None:
        return letters[equal]
    bracketed = set(re.findall(rf"\(([{letters}])\)", text))
    if len(bracketed) == 1:
        return str(bracketed.pop())
    return _only_option_named(text, letters, options) if not bracketed else None


def _set_off(text: str, letters: str) -> set[str]:
    """The letters set off at the beginning of lines; none if the first line has none."""
    either = f"[{letters}{letters.lower()}]"
    another = rf"(?!\s*(?:or|and)\s+\(?[{letters}]\b)"
    comma = rf",(?!\s*\(?[{letters}]\b){another}"
    form = re.compile(
        rf"\s*(?:\(({either})\){another}|([{letters}])(?:[.):]{another}|{comma}|\s*$|\*\*{another}))"
    )
    found = [form.match(line) for line in text.split("\n")]
    return {(each[1] or each[2]).upper() for each in found if each} if found[0] else set()


def shared_harness_letter(answer: str, letters: str) -> str | None:
    """lmms-eval's shared extractor: capitals only, the best form wins, and of equal forms the last.

    So "A man" is A. See specs/benchmarks.md, section 1.
    """
    text = answer.strip().strip(".,:;!?()[]{}\"'`*").strip()
    found: list[tuple[int, int, str]] = []
    for letter in letters:
        for place, priority in _harness_places(text, letter):
            found.append((priority, place, letter))
    return max(found)[2] if found else None


def _harness_places(text: str, letter: str) -> list[tuple[int, int]]:
    """Places of a letter in a text, each with the priority of its form."""
    phrase = rf"(?:{_ANSWER_PHRASE}|(?:{_FOREIGN_PHRASES})\s*[:：]?\s*)\(?"  # noqa: RUF001 - as it is written
    forms = [
        (10, rf"^{letter}(?![A-Za-z0-9])"),
        (9, rf"(?<![A-Za-z0-9]){letter}$"),
        (7, rf"(?i:{phrase}){letter}(?![A-Za-z0-9])"),
        (6, rf"\({letter}\)"),
        (5, rf"{letter}\."),
        (4, rf"{letter}:"),
        (3, rf"{letter}\)"),
        (2, rf"{letter} "),
        (0, letter),
    ]
    return [(each.start(), priority) for priority, form in forms for each in re.finditer(form, text)]


def first_capital_letter(answer: str, letters: str) -> str | None:
    """LongVideoBench, EgoSchema, Video-MME-v2 in lmms-eval: lead phrases go, then the first capital among the
    letters anywhere, so that "Based on" is B."""
    found = re.search(f"[{letters}]", _LEAD.sub("", answer.strip()))
    return found[0] if found else None


def letter_as_word(answer: str, letters: str) -> str | None:
    """MVBench in lmms-eval: the first letter that is a word of its own, in any case."""
    found = re.search(rf"\b([{letters}])\b", answer, re.IGNORECASE)
    return found[1].upper() if found else None


def letter_before_bracket(answer: str, letters: str) -> str | None:
    """MLVU's own check: what stands before the first ")" is the letter."""
    before = answer.split(")")[0].strip().lstrip("(").strip()
    return before if len(before) == 1 and before in letters else None


def first_character(answer: str, letters: str) -> str | None:
    """LVBench's own check: the first character, after "(" if that is there."""
    first = answer.strip().removeprefix("(")[:1]
    return first if first and first in letters else None


def first_contained(answer: str, letters: str) -> str | None:
    """VNBench's own check: A if there is an A anywhere, else B, and so on."""
    return next((letter for letter in letters if letter in answer), None)


_NUMBER = r"\d+(?:\.\d+)?"
_TIME = rf"(?:\d+:)?\d+:\d+(?:\.\d+)?|{_NUMBER}"
_UNIT = r"\s*(?:seconds?|secs?|s)?"
_PAIR = re.compile(
    rf"({_TIME}){_UNIT}\s*(?:-|\u2013|\u2014|\bto\b|\band\b|\buntil\b)\s*({_TIME})", re.IGNORECASE
)
_HARNESS_PAIR = re.compile(rf"({_TIME}){_UNIT}\s*-\s*({_TIME})")


def strict_span(answer: str) -> tuple[float, float] | None:
    """The first pair of times, in seconds or as m:ss or h:mm:ss, that "to", "and", "until" or a dash joins; a
    reversed pair is turned round."""
    return _span(_PAIR.search(answer))


def harness_span(answer: str) -> tuple[float, float] | None:
    """lmms-eval: every "to" becomes a dash first, then the first pair joined by a dash."""
    return _span(_HARNESS_PAIR.search(answer.lower().replace("to", "-")))


def _span(found: re.Match[str] | None) -> tuple[float, float] | None:
    if not found:
        return None
    start, end = sorted(_seconds(time) for time in found.groups())
    return start, end


def _seconds(time: str) -> float:
    seconds = 0.0
    for part in time.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _same_text(answer: str, options: Sequence[str]) -> int | None:
    plain = _plain(answer)
    same = [number for number, option in enumerate(options) if plain and _plain(option) == plain]
    return same[0] if len(same) == 1 else None


def _only_option_named(answer: str, letters: str, options: Sequence[str]) -> str | None:
    plain = f" {_plain(answer)} "
    named = [
        letter for letter, option in zip(letters, options, strict=False) if f" {_plain(option)} " in plain
    ]
    return named[0] if len(named) == 1 and _plain(options[letters.index(named[0])]) else None
