"""A line of speech with its times, and the part of them that a stretch of the film holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from longreel.errors import UsageError
from longreel.video.sources import checked_time


@dataclass(frozen=True)
class SubtitleLine:
    """What is said or shown as text from `start` to `end`, in seconds from the film's first picture.

    text: one row, without markup; never empty.
    """

    start: float
    end: float
    text: str


def one_row(text: str) -> str:
    """`text` with line breaks and runs of white space as single spaces."""
    return " ".join(text.split())


def checked_lines(items: Iterable[Any], what: str) -> list[SubtitleLine]:
    """The lines or (start, end, text) of `items` by their starts; those without text are left out.

    Raises:
        UsageError: an item is neither, its text is none, or its times are negative or end before they begin.
    """
    lines = [_checked(item, f"line {number} of {what}") for number, item in enumerate(items, 1)]
    return by_start(line for line in lines if line.text)


def _checked(item: Any, what: str) -> SubtitleLine:
    if isinstance(item, SubtitleLine):
        item = (item.start, item.end, item.text)
    if not isinstance(item, tuple | list) or len(item) != 3 or not isinstance(item[2], str):
        raise UsageError(f"{what} is no (start, end, text): give two times in seconds and a text")
    start, end = checked_span(item[0], item[1], what)
    return SubtitleLine(start, end, one_row(item[2]))


def checked_span(start: Any, end: Any, what: str) -> tuple[float, float]:
    """Both times as float.

    Raises:
        UsageError: one is no finite number from 0 on, or they are in the wrong order.
    """
    start, end = checked_time(start, None, what), checked_time(end, None, what)
    if end < start:
        raise UsageError(f"{what} ends at {end:g} s, before it begins at {start:g} s: correct its times")
    return start, end


def by_start(lines: Iterable[SubtitleLine]) -> list[SubtitleLine]:
    """The lines in the order in which they begin."""
    return sorted(lines, key=lambda line: (line.start, line.end))


def shifted(lines: Iterable[SubtitleLine], seconds: float) -> list[SubtitleLine]:
    """The lines, later by `seconds`; what then lies before the film is cut off."""
    moved = (SubtitleLine(line.start + seconds, line.end + seconds, line.text) for line in lines)
    return lines_between(moved, 0.0, None)


def lines_between(
    lines: Iterable[SubtitleLine], start: float | None, end: float | None
) -> list[SubtitleLine]:
    """The lines that are seen from `start` (included) to `end` (excluded), with their times cut to it."""
    first = 0.0 if start is None else start
    last = float("inf") if end is None else end
    return [
        SubtitleLine(max(line.start, first), min(line.end, last), line.text)
        for line in lines
        if line.start < last and (line.end > first or line.start >= first)
    ]
