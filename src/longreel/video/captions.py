"""Captions as files and tracks hold them, made into lines: markup, repetitions and rolling rows go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from longreel.errors import UsageError
from longreel.video.subtitle_lines import SubtitleLine, one_row

# A caption that follows so closely goes on with what was on screen.
_GAP = 0.1


@dataclass(frozen=True)
class Caption:
    """The rows of text on screen from `start` to `end`, in seconds; rows are never empty."""

    start: float
    end: float
    rows: tuple[str, ...]


def pysubs2_module() -> ModuleType:
    """The library that reads subtitles.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pysubs2
    except ImportError:
        raise UsageError('subtitles need one more package: pip install "longreel[subs]"') from None
    return pysubs2


def shown_text(event: Any) -> str:
    """The text of a pysubs2 event in rows, without override tags and drawings; empty for a comment."""
    from pysubs2.formats.substation import parse_tags

    if event.is_comment:
        return ""
    fragments = parse_tags(event.text)
    text = "".join(fragment for fragment, style in fragments if not style.drawing)
    return text.replace(r"\h", " ").replace(r"\n", "\n").replace(r"\N", "\n")


def rows_of(text: str) -> tuple[str, ...]:
    """The rows of `text` that hold any."""
    return tuple(row for row in map(one_row, text.split("\n")) if row)


def lines_of(captions: Iterable[Caption]) -> list[SubtitleLine]:
    """Captions as lines by their starts.

    Rows that were on screen just before (rolling captions show each row twice or longer) count once, as do
    captions drawn in several layers.
    """
    lines: list[SubtitleLine] = []
    shown: tuple[str, ...] = ()
    until = float("-inf")
    # A dict, as it has each caption once and keeps the order of the file.
    for caption in sorted(dict.fromkeys(captions), key=lambda caption: (caption.start, caption.end)):
        goes_on = caption.start <= until + _GAP
        new = caption.rows[_repeated(shown, caption.rows) :] if goes_on else caption.rows
        if new:
            lines.append(SubtitleLine(caption.start, caption.end, " ".join(new)))
        elif caption.rows:
            last = lines[-1]
            lines[-1] = SubtitleLine(last.start, max(last.end, caption.end), last.text)
        if caption.rows:
            shown, until = caption.rows, caption.end
    return lines


def _repeated(shown: Sequence[str], rows: Sequence[str]) -> int:
    """How many of the first `rows` are the last ones of `shown`."""
    most = min(len(shown), len(rows))
    return next((count for count in range(most, 0, -1) if shown[-count:] == rows[:count]), 0)
