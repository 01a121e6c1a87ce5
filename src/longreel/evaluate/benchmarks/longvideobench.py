"""LongVideoBench, validation: videos of four lengths, many questions about what is said (section 6).

Files: lvb_val.json, videos/<video_path>, subtitles/<subtitle_path>.
"""

from __future__ import annotations

from pathlib import Path

from longreel.evaluate.benchmarks.base import LETTERS, Benchmark, Published, Query, Video
from longreel.evaluate.benchmarks.choices import accuracy, choice_grader
from longreel.evaluate.benchmarks.parse import first_capital_letter
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, dotted, with_subtitles
from longreel.evaluate.benchmarks.rows import Row, field_of, first_file, made_of_rows
from longreel.evaluate.benchmarks.subtitles import (
    Subtitles,
    Way,
    every_line,
    lines_of_text,
    mixed_lines,
    strictly_on_screen,
    text_between_frames,
)

_TAGS = ("duration_group", "question_category", "topic_category")
_ABSENT = "N/A"


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    path = first_file(folder, ("lvb_val.json", "*/lvb_val.json"))
    return made_of_rows(path, lambda row: _query(row, path))


def _query(row: Row, path: Path) -> Query:
    """Options that are absent ("N/A") are not shown, and the others keep their order."""
    listed = [str(row.get(f"option{number}", _ABSENT)) for number in range(5)]
    options = tuple(option for option in listed if option != _ABSENT)
    choice = int(field_of(row, "correct_choice", path))
    if not 0 <= choice < len(listed) or listed[choice] == _ABSENT:
        raise ValueError(f"correct_choice {choice} is an option that is absent")
    offset = float(row.get("starting_timestamp_for_subtitles") or 0.0)
    return Query(
        id=str(field_of(row, "id", path)),
        video=Video(str(field_of(row, "video_path", path)), ("videos", ".")),
        family=str(field_of(row, "question_category", path)),
        question=str(field_of(row, "question", path)),
        gold=LETTERS[sum(option != _ABSENT for option in listed[:choice])],
        options=options,
        tags={tag: str(field_of(row, tag, path)) for tag in _TAGS},
        subtitles=Subtitles(path.parent / "subtitles" / str(field_of(row, "subtitle_path", path)), offset),
    )


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return with_subtitles(subtitles, query.question, dotted(query.options, query.letters), ONE_LETTER)


BENCHMARK = Benchmark(
    name="longvideobench",
    title="LongVideoBench",
    read=read,
    wording=wording,
    grade=choice_grader(first_capital_letter),
    metrics=(accuracy(*_TAGS),),
    published={"": Published(1337)},
    subtitles={
        "interleaved": Way(strictly_on_screen, text_between_frames),
        "all": Way(every_line, lines_of_text),
    },
    subtitle_frames=16,
    lines=mixed_lines,
)
