"""Read the chosen letter out of an answer: our own strict way, and the ways of other harnesses.

None of them guesses: an answer from which no letter can be read is None, counts as wrong, and is counted.
Where a harness would draw a letter at random instead, we do not; its scores are not repeatable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What is dropped before the first capital is taken, in this case only; all benchmarks, and Video-MME-v2 more.
_LEADS = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
)
_MORE_LEADS = ("Final Answer:", "Answer:", "Option:")
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


def four_option_letter(answer: str, letters: str) -> str | None:
    """MLVU's test set in lmms-eval: the shared extractor with four letters, although there are six options.

    So E and F are never read (specs/benchmarks.md, section 4).
    """
    return shared_harness_letter(answer, letters[:4])


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
    """LongVideoBench and EgoSchema in lmms-eval: lead phrases go, then the first capital of A to E anywhere.

    So "Based on" is B. It may be the letter of no option.
    """
    return _first_capital(answer, "ABCDE", _LEADS)


def first_capital_to_h(answer: str, letters: str) -> str | None:
    """Video-MME-v2: as above, with more lead phrases and the letters from A to H."""
    return _first_capital(answer, "ABCDEFGH", (*_LEADS, *_MORE_LEADS))


def _first_capital(answer: str, letters: str, leads: Sequence[str]) -> str | None:
    for lead in leads:
        answer = answer.replace(lead, "")
    found = re.search(f"[{letters}]", answer)
    return found[0] if found else None


def letter_as_word(answer: str, letters: str) -> str | None:
    """MVBench in lmms-eval: the first letter from A to E that is a word of its own, in any case."""
    found = re.search(r"\b([A-E])\b", answer.replace("_", " "), re.IGNORECASE)
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
    """VNBench's own check: of what stands before the first full stop, A if it has an A, else B, and so on."""
    told = answer.split(".")[0]
    return next((letter for letter in letters if letter in told), None)


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
