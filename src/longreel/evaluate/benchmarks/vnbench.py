"""VNBench: needles in short videos, each question with its options in four orders (section 8).

Files: VNBench-main-4try.json, and the videos, whose folder goes by several names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import (
    LETTERS,
    Benchmark,
    Metric,
    Published,
    Query,
    Scored,
    Unit,
    Video,
)
from longreel.evaluate.benchmarks.choices import choice_grader, per_question
from longreel.evaluate.benchmarks.parse import first_contained
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, below, dotted
from longreel.evaluate.benchmarks.rows import Row, field_of, first_file, gold_letter, made_of_rows, texts_of

TRIES = 4
_PLACES = ("VNBench_new", "videos", "video", ".")


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    path = first_file(folder, ("VNBench-main-4try.json", "*/VNBench-main-4try.json"))
    return made_of_rows(path, lambda row: _query(row, path))


def _query(row: Row, path: Path) -> Query:
    """Only the name of the video counts: rows begin with folders that are nowhere else."""
    video = PurePosixPath(str(field_of(row, "video", path))).name
    kind, number = str(field_of(row, "type", path)), field_of(row, "try", path)
    options = tuple(texts_of(row, "options", path))
    group = f"{PurePosixPath(video).stem}_{kind}"
    return Query(
        id=f"{group}_{number}",
        video=Video(video, _PLACES),
        family=kind,
        question=str(field_of(row, "question", path)),
        gold=_gold(row, options, path, group),
        options=options,
        tags={"type": kind, "group": kind.split("_")[0]},
        group=group,
    )


def _gold(row: Row, options: Sequence[str], path: Path, where: str) -> str:
    """Rows give the right option's letter, its text, or its number."""
    if row.get("gt_option"):
        return str(row["gt_option"])
    gold = str(field_of(row, "gt", path))
    if gold in options:
        return gold_letter(options, gold, path, where)
    if gold.isdecimal() and int(gold) < len(options):
        return LETTERS[int(gold)]
    if len(gold) == 1 and gold in LETTERS[: len(options)]:
        return gold
    raise SourceError(f"{path}: the answer {gold!r} of {where} is none of its options: copy it again")


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return below(query.question, dotted(query.options, query.letters), ONE_LETTER)


def all_tries(scored: Sequence[Scored]) -> list[Unit]:
    """A sample is right if it is in all four orders; one with fewer answers is wrong."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for each in scored:
        groups[each.query.group].append(each)
    return [
        Unit(
            group,
            tries[0].query.video.key,
            float(len(tries) == TRIES and all(each.grade.value == 1 for each in tries)),
            tries[0].query.tags,
        )
        for group, tries in groups.items()
    ]


BENCHMARK = Benchmark(
    name="vnbench",
    title="VNBench",
    read=read,
    wording=wording,
    grade=choice_grader(first_contained),
    parses=("strict", "harness", "official"),
    metrics=(
        Metric("all four tries right", all_tries, classes="type", sorted_by=("group", "type")),
        Metric("single tries right", per_question, classes="type"),
    ),
    published={"": Published(5400)},
)
