"""Charades-STA, test: when does what a sentence says happen (section 9).

Files: charades_sta_test.txt with lines "<video> <start> <end>##<sentence>", and Charades_v1_480/<video>.mp4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import (
    Benchmark,
    Grade,
    Metric,
    Parse,
    Published,
    Query,
    Scored,
    Unit,
    Video,
)
from longreel.evaluate.benchmarks.choices import per_question
from longreel.evaluate.benchmarks.parse import harness_span, strict_span
from longreel.evaluate.benchmarks.prompts import SPAN
from longreel.evaluate.benchmarks.rows import first_file, read_lines

_ROWS = ("charades_sta_test.txt", "*/charades_sta_test.txt")
_PLACES = ("Charades_v1_480", "Charades_v1", "videos", "video", ".")
_MAX_NEW_TOKENS = 50
# Marks a line that stands further up too.
_AGAIN = "again"
_THRESHOLDS = (0.3, 0.5, 0.7)


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    path = first_file(folder, _ROWS)
    lines, seen, queries = read_lines(path), set(), []
    for number, line in enumerate(lines, start=1):
        queries.append(_query(line, number, path, again=line.strip() in seen))
        seen.add(line.strip())
    return queries


def _query(line: str, number: int, path: Path, *, again: bool) -> Query:
    """Some lines are there twice: their number tells them apart."""
    try:
        head, sentence = line.split("##", 1)
        video, start, end = head.split()
        span = float(start), float(end)
    except ValueError:
        raise SourceError(
            f"{path}, line {number} is not `video start end##sentence`: copy it again"
        ) from None
    return Query(
        id=f"{number}",
        video=Video(video, _PLACES),
        family="grounding",
        question=sentence.strip(),
        gold=f"{span[0]} {span[1]}",
        max_new_tokens=_MAX_NEW_TOKENS,
        tags={_AGAIN: "yes"} if again else {},
    )


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return SPAN.format(caption=query.question.rstrip(" ."))


def grade(query: Query, answer: str, parse: Parse) -> Grade:
    """See `Benchmark`; the value is the overlap of the spans, 0 without one.

    In lmms-eval lines that are there twice count once, so the harness way leaves the later ones out.
    """
    span = (strict_span if parse == "strict" else harness_span)(answer)
    told = None if span is None else f"{span[0]:g} - {span[1]:g}"
    if parse == "harness" and _AGAIN in query.tags:
        return Grade(told, None)
    start, end = (float(time) for time in query.gold.split())
    return Grade(told, 0.0 if span is None else overlap(span, (start, end)))


def overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Intersection over union of two spans, 0 if they do not meet."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    whole = max(one[1], other[1]) - min(one[0], other[0])
    return max(shared, 0.0) / whole if whole > 0 else float(one == other)


def _reaches(threshold: float, scored: Sequence[Scored]) -> list[Unit]:
    return [
        Unit(unit.id, unit.film, float(unit.value >= threshold), unit.tags) for unit in per_question(scored)
    ]


def _recall(threshold: float) -> Callable[[Sequence[Scored]], list[Unit]]:
    return partial(_reaches, threshold)


BENCHMARK = Benchmark(
    name="charades-sta",
    title="Charades-STA",
    read=read,
    wording=wording,
    grade=grade,
    metrics=(
        *(Metric(f"R@IoU {threshold:g}", _recall(threshold)) for threshold in _THRESHOLDS),
        Metric("mIoU", per_question),
    ),
    published={"": Published(3720, certain=False)},
    lettered=False,
)
