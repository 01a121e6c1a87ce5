"""The subtitle files of benchmarks, turned into text for a prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longreel.errors import LongreelError, SourceError
from longreel.evaluate.benchmarks.rows import read_rows

NONE_THERE = "No subtitles available"


@dataclass(frozen=True)
class Subtitles:
    """Where the subtitles of a question are. offset: seconds of the file at which the video begins."""

    path: Path
    offset: float = 0.0


@dataclass(frozen=True)
class Line:
    """Words on screen from `start` to `end`, seconds of the video."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Way:
    """A way of showing subtitles. pick: the lines to show, text: them as text; both are given the seconds of
    the frames that are taken to be shown."""

    pick: Callable[[Sequence[Line], Sequence[float]], Sequence[Line]]
    text: Callable[[Sequence[Line], Sequence[float]], str]


def srt_lines(subtitles: Subtitles, duration: float) -> list[Line]:
    """The lines of an SRT file without their markup.

    Raises:
        SourceError: the file is no SRT file.
        LongreelError: the reader of such files is not installed.
    """
    try:
        import pysubs2
    except ImportError as error:
        raise LongreelError("subtitles need one more package: pip install 'longreel[subs]'") from error
    try:
        text = subtitles.path.read_text(encoding="utf-8-sig", errors="replace")
        events = pysubs2.SSAFile.from_string(text, format_="srt").events
    except (OSError, pysubs2.Pysubs2Error) as error:
        raise SourceError(f"{subtitles.path} cannot be read as subtitles: {error}") from None
    if text.strip() and not events:
        raise SourceError(f"{subtitles.path} holds no subtitles: copy it again from the benchmark")
    shown = (Line(event.start / 1000, event.end / 1000, _one_line(event.plaintext)) for event in events)
    return [line for line in shown if line.text]


def word_lines(subtitles: Subtitles, duration: float) -> list[Line]:
    """Video-MME-v2: a JSON line for each word, with `text`, `start_time` and `end_time`."""
    rows = read_rows(subtitles.path)
    return [_line(row, "start_time", "end_time", "text", subtitles, duration) for row in rows]


def mixed_lines(subtitles: Subtitles, duration: float) -> list[Line]:
    """LongVideoBench: rows with `timestamp` and `text`, or with `start`, `end` ("h:m:s") and `line`.

    An end that is null is that of the video. What ended before the video began is left out.
    """
    lines = []
    for row in read_rows(subtitles.path):
        if "timestamp" in row:
            row = {**_ends(row["timestamp"], subtitles), "line": row.get("text")}
        lines.append(_line(row, "start", "end", "line", subtitles, duration))
    return [line for line in lines if line.end > 0]


def _ends(pair: Any, subtitles: Subtitles) -> dict[str, Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise SourceError(f"{subtitles.path} holds no subtitles of the published form: copy it again")
    return {"start": pair[0], "end": pair[1]}


def every_line(lines: Sequence[Line], times: Sequence[float]) -> Sequence[Line]:
    """All of them."""
    return lines


def on_screen(lines: Sequence[Line], times: Sequence[float]) -> list[Line]:
    """The lines that are on screen at one of these seconds, ends included."""
    return [line for line in lines if any(line.start <= time <= line.end for time in times)]


def strictly_on_screen(lines: Sequence[Line], times: Sequence[float]) -> list[Line]:
    """LongVideoBench: a line counts if a frame falls strictly inside it; it is taken to last a second at
    least, around its middle."""
    found = []
    for line in lines:
        middle, half = (line.start + line.end) / 2, max(line.end - line.start, 1.0) / 2
        if any(middle - half < time < middle + half for time in times):
            found.append(line)
    return found


def middles_of_parts(duration: float, count: int) -> list[float]:
    """`count` seconds, each in the middle of one of as many equal parts of the video."""
    return [duration * (2 * number + 1) / (2 * count) for number in range(count)]


def running_text(lines: Sequence[Line], times: Sequence[float]) -> str:
    """The words alone, lines joined by blanks."""
    return " ".join(line.text for line in lines)


def lines_of_text(lines: Sequence[Line], times: Sequence[float]) -> str:
    """The words alone, one line below the other."""
    return "\n".join(line.text for line in lines)


def text_between_frames(lines: Sequence[Line], times: Sequence[float]) -> str:
    """Frames and subtitles in the order of their times, a line by its middle.

    A memory holds the pictures and was made without the words, so a frame is named by its second instead
    of being shown again.
    """
    frames = [(time, 0, f"[frame at {time:.1f} s]") for time in times]
    words = [((line.start + line.end) / 2, 1, line.text) for line in lines]
    return "\n".join(text for _, _, text in sorted(frames + words, key=lambda each: each[:2]))


def longest_that_fits(
    lines: Sequence[Line], wording: Callable[[Sequence[Line]], str], fits: Callable[[str], bool]
) -> str | None:
    """The wording with the most lines that fits; None if it does not even fit with none.

    Lines that have to go are spread evenly over the video.
    """
    if not fits(wording(())):
        return None
    low, high = 0, len(lines)
    while low < high:
        count = (low + high + 1) // 2
        if fits(wording(_spread(lines, count))):
            low = count
        else:
            high = count - 1
    return wording(_spread(lines, low))


def _spread(lines: Sequence[Line], count: int) -> list[Line]:
    return [lines[number * len(lines) // count] for number in range(count)]


def _line(row: Any, start: str, end: str, text: str, subtitles: Subtitles, duration: float) -> Line:
    try:
        begins = _seconds(row[start]) - subtitles.offset
        ends = duration if row[end] is None else _seconds(row[end]) - subtitles.offset
        return Line(begins, ends, _one_line(str(row[text] or "")))
    except (KeyError, TypeError, ValueError):
        raise SourceError(
            f"{subtitles.path} holds no subtitles of the published form: copy it again"
        ) from None


def _seconds(time: Any) -> float:
    """Seconds from a number or from "h:m:s"."""
    if not isinstance(time, str):
        return float(time)
    seconds = 0.0
    for part in time.replace(",", ".").split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _one_line(text: str) -> str:
    return " ".join(text.split())
