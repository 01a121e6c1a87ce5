"""LVBench: 103 videos of an hour or so; a question may test several abilities (section 5).

Files: video_info.meta.jsonl, and the videos by their key, which are collected from elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from longreel.evaluate.benchmarks.base import Benchmark, Published, Query, Video
from longreel.evaluate.benchmarks.choices import accuracy, choice_grader, inlined_options
from longreel.evaluate.benchmarks.parse import first_character, shared_harness_letter
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, below, bracketed
from longreel.evaluate.benchmarks.rows import Row, field_of, first_file, made_of_rows, texts_of

_PLACES = ("videos", "all_videos", "video", ".")


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    path = first_file(folder, ("video_info.meta.jsonl", "*/video_info.meta.jsonl"))
    return [query for some in made_of_rows(path, lambda video: _queries(video, path)) for query in some]


def _queries(video: Row, path: Path) -> list[Query]:
    key, kind = str(field_of(video, "key", path)), str(field_of(video, "type", path))
    return [_query(row, key, kind, path) for row in field_of(video, "qa", path)]


def _query(row: Row, key: str, kind: str, path: Path) -> Query:
    question, options = inlined_options(str(field_of(row, "question", path)))
    abilities = texts_of(row, "question_type", path)
    return Query(
        id=str(field_of(row, "uid", path)),
        video=Video(key, _PLACES),
        family=" + ".join(abilities),
        question=question,
        gold=str(field_of(row, "answer", path)).strip(),
        options=tuple(options),
        tags={"ability": tuple(abilities), "type": kind},
    )


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return below(query.question, bracketed(query.options, query.letters), ONE_LETTER)


BENCHMARK = Benchmark(
    name="lvbench",
    title="LVBench",
    read=read,
    wording=wording,
    grade=choice_grader(shared_harness_letter, first_character),
    metrics=(accuracy("ability", "type"),),
    published={"": Published(1549, 103)},
    parses=("strict", "harness", "official"),
)
