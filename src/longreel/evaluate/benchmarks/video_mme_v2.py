"""Video-MME-v2: groups of four questions that are scored together (section 3).

Files: test.parquet, <video_id>.mp4, subtitle/<video_id>.jsonl.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Benchmark, Metric, Published, Query, Scored, Unit, Video
from longreel.evaluate.benchmarks.choices import accuracy, choice_grader, without_letter
from longreel.evaluate.benchmarks.parse import first_capital_to_h
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, dotted, with_subtitles
from longreel.evaluate.benchmarks.rows import Row, field_of, first_file, made_of_rows, read_rows
from longreel.evaluate.benchmarks.subtitles import (
    Subtitles,
    Way,
    every_line,
    running_text,
    text_between_frames,
    word_lines,
)

GROUP = 4
_ROWS = ("test.parquet", "test-*.parquet", "*/test*.parquet")
_PLACES = ("videos", "data", "video", ".")
_SUBTITLES = ("subtitle/subtitle", "subtitle")
_TAGS = ("level", "second_head", "third_head", "group_type")
_STRUCTURE = "group_structure"
# Shares for 0 to 4 right answers, or links of the chain that hold.
_SQUARES = (0.0, 1 / 16, 4 / 16, 9 / 16, 1.0)
_ONE_FOR_TWO = (0.0, 1 / 12, 4 / 12, 7 / 12, 1.0)
_TWO_FOR_ONE = (0.0, 1 / 10, 2 / 10, 5 / 10, 1.0)


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    path = first_file(folder, _ROWS)
    subtitles = next(
        (place for name in _SUBTITLES if (place := folder / name).is_dir()), folder / _SUBTITLES[-1]
    )
    heads: dict[str, dict[str, str]] = defaultdict(dict)
    for row in read_rows(path):
        # Only the last question of a group has these.
        heads[str(row.get("video_id"))] |= {tag: str(row[tag]) for tag in _TAGS if row.get(tag) is not None}
    return made_of_rows(path, lambda row: _query(row, path, subtitles, heads))


def _query(row: Row, path: Path, subtitles: Path, heads: Mapping[str, Mapping[str, str]]) -> Query:
    video = str(field_of(row, "video_id", path))
    lines = str(field_of(row, "options", path)).split("\n")
    structure = str(row.get(_STRUCTURE))
    if field_of(row, "group_type", path) != "relevance":
        _check_structure(structure, path)
    return Query(
        id=str(field_of(row, "question_id", path)),
        video=Video(video, _PLACES),
        family=heads[video].get("second_head", ""),
        question=str(field_of(row, "question", path)),
        gold=str(field_of(row, "answer", path)).strip(),
        options=tuple(without_letter(line) for line in lines if line.strip()),
        tags={**heads[video], _STRUCTURE: structure},
        subtitles=Subtitles(subtitles / f"{video}.jsonl"),
        group=video,
    )


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return with_subtitles(subtitles, query.question, dotted(query.options, query.letters), ONE_LETTER)


def group_share(right: Sequence[bool], kind: str, structure: str) -> float:
    """What a group of four is worth, 0 to 1 (specs/benchmarks.md, section 3).

    relevance: the square of the share right. logic: by how many answers are right before the first wrong one;
    where two questions stand side by side in `structure`, the later one may make up for the earlier.
    """
    if kind == "relevance":
        return _SQUARES[sum(right)]
    chain = next((number for number, each in enumerate(right) if not each), GROUP)
    parts = _structure(structure)
    if parts == [1, [2, 3], 4]:
        return _ONE_FOR_TWO[chain + (chain == 1 and right[2])]
    if parts == [[1, 2], 3, 4]:
        return _TWO_FOR_ONE[chain + (chain == 0 and right[1])]
    return _SQUARES[chain]


def _structure(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def _check_structure(text: str, path: Path) -> None:
    if _structure(text) not in ([1, 2, 3, 4], [1, [2, 3], 4], [[1, 2], 3, 4]):
        raise SourceError(f"{path} has a {_STRUCTURE} {text!r} that is not published: copy it again")


def groups(scored: Sequence[Scored]) -> list[Unit]:
    """Whole groups, each with the tags of its last question."""
    found: dict[str, list[Scored]] = defaultdict(list)
    for each in scored:
        found[each.query.group].append(each)
    units = []
    for name, members in found.items():
        ordered = sorted(members, key=lambda each: each.query.id)
        if len(ordered) == GROUP:
            tags = ordered[-1].query.tags
            right = [each.grade.value == 1 for each in ordered]
            share = group_share(right, str(tags["group_type"]), str(tags[_STRUCTURE]))
            units.append(Unit(name, ordered[-1].query.video.key, share, tags))
    return units


BENCHMARK = Benchmark(
    name="video-mme-v2",
    title="Video-MME-v2",
    read=read,
    wording=wording,
    grade=choice_grader(first_capital_to_h),
    metrics=(Metric("group score", groups, sorted_by=_TAGS), accuracy("level")),
    published={"": Published(3200, 800)},
    subtitles={
        "all": Way(every_line, running_text),
        "interleaved": Way(every_line, text_between_frames),
    },
    subtitle_frames=64,
    lines=word_lines,
)
