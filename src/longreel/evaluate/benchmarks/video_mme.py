"""Video-MME: 900 videos of three lengths, three questions each (specs/benchmarks.md, section 2).

Files: videomme/test-00000-of-00001.parquet, data/<videoID>.mp4, subtitle/<videoID>.srt, as unpacked.
"""

from __future__ import annotations

from pathlib import Path

from longreel.evaluate.benchmarks.base import Benchmark, Published, Query, Video
from longreel.evaluate.benchmarks.choices import accuracy, choice_grader, without_letter
from longreel.evaluate.benchmarks.parse import shared_harness_letter
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, dotted, with_subtitles
from longreel.evaluate.benchmarks.rows import Row, field_of, first_file, made_of_rows, texts_of
from longreel.evaluate.benchmarks.subtitles import (
    Subtitles,
    Way,
    every_line,
    lines_of_text,
    on_screen,
    srt_lines,
)

_ROWS = ("videomme/test-*.parquet", "test-*.parquet", "*/test-*.parquet")
_PLACES = ("data", "videos", "video", ".")
_SUBTITLES = ("subtitle", "subtitles")
_TAGS = ("duration", "domain", "sub_category", "task_type")


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`; `split` is a tier, or "all"."""
    path = first_file(folder, _ROWS)
    place = next((folder / name for name in _SUBTITLES if (folder / name).is_dir()), folder / _SUBTITLES[0])
    queries = made_of_rows(path, lambda row: _query(row, path, place))
    return [query for query in queries if split in ("all", query.tags["duration"])]


def _query(row: Row, path: Path, subtitles: Path) -> Query:
    video = str(field_of(row, "videoID", path))
    return Query(
        id=str(field_of(row, "question_id", path)),
        video=Video(video, _PLACES),
        family=str(field_of(row, "task_type", path)),
        question=str(field_of(row, "question", path)),
        gold=str(field_of(row, "answer", path)).strip(),
        options=tuple(without_letter(option) for option in texts_of(row, "options", path)),
        tags={tag: str(field_of(row, tag, path)) for tag in _TAGS},
        subtitles=Subtitles(subtitles / f"{video}.srt"),
    )


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return with_subtitles(subtitles, query.question, dotted(query.options, query.letters), ONE_LETTER)


BENCHMARK = Benchmark(
    name="video-mme",
    title="Video-MME",
    read=read,
    wording=wording,
    grade=choice_grader(shared_harness_letter),
    metrics=(accuracy(*_TAGS),),
    splits=("all", "short", "medium", "long"),
    published={"all": Published(2700, 900), **{t: Published(900, 300) for t in ("short", "medium", "long")}},
    subtitles={"sampled": Way(on_screen, lines_of_text), "all": Way(every_line, lines_of_text)},
    subtitle_frames=32,
    lines=srt_lines,
)
