"""MLVU, dev and test: choices in seven or nine tasks, and two tasks of free answers (section 4).

Files of dev: json/1_plotQA.json … 9_summary.json and video/<the same name>/<video>. Files of test:
test_question.json, video/<video>, and the answers, which came later, in a JSON file of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import (
    LETTERS,
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
from longreel.evaluate.benchmarks.choices import choice_grader, per_question
from longreel.evaluate.benchmarks.parse import four_option_letter, letter_before_bracket
from longreel.evaluate.benchmarks.prompts import BEST_OPTION, JUDGED_ON, below, bracketed
from longreel.evaluate.benchmarks.rows import Row, field_of, gold_letter, made_of_rows, read_rows

DEV = (
    "1_plotQA",
    "2_needle",
    "3_ego",
    "4_count",
    "5_order",
    "6_anomaly_reco",
    "7_topic_reasoning",
    "8_sub_scene",
    "9_summary",
)
# The test files' own names of tasks, where they differ from those of dev.
_SAME_TASK = {"findNeedle": "needle", "subPlot": "sub_scene"}
_GENERATED_TOKENS = 512
_GOLD_FIELDS = ("answer", "option", "gt", "ground_truth")


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`; `split` is "dev" or "test"."""
    for root in (folder, folder / "MLVU", folder / "MLVU_Test"):
        if split == "dev" and (root / "json").is_dir():
            return _read_dev(root)
        if split == "test" and list(root.glob("**/test_question.json")):
            return _read_test(root)
    wanted = "json/1_plotQA.json and the others" if split == "dev" else "test_question.json"
    raise SourceError(f"{folder} has no {wanted}: name the folder of MLVU {split} as it was downloaded")


def _read_dev(root: Path) -> list[Query]:
    """The task is that of the file: its rows call "needle" "findNeedle"."""
    return [query for name in DEV for query in _read_task(root / "json" / f"{name}.json", name)]


def _read_task(path: Path, name: str) -> list[Query]:
    task, numbers = name.split("_", 1)[1], count()

    def made(row: Row) -> Query:
        video = Video(str(field_of(row, "video", path)), (f"video/{name}", f"{name}", "video"))
        return _query(row, f"{task}_{next(numbers)}", task, video, path, row.get("answer"))

    return made_of_rows(path, made)


def _read_test(root: Path) -> list[Query]:
    """Questions from test_question.json; answers from its rows, or from other files by question_id."""
    path = next(iter(sorted(root.glob("**/test_question.json"))))
    answers = _test_answers(root, path)

    def made(row: Row) -> Query:
        name, kind = str(field_of(row, "question_id", path)), str(field_of(row, "question_type", path))
        answer = next((row[key] for key in _GOLD_FIELDS if row.get(key) is not None), answers.get(name))
        if answer is None:
            raise SourceError(
                f"{root} has no answer to {name}: put the published answers of MLVU test, a JSON list of "
                "question_id and answer, beside the questions"
            )
        video = Video(str(field_of(row, "video", path)), ("video", "videos", "."))
        return _query(row, name, _SAME_TASK.get(kind, kind), video, path, answer)

    return made_of_rows(path, made)


def _test_answers(root: Path, questions: Path) -> dict[str, str]:
    """Refuses files that differ: the answers of a model, handed in, have the same form."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(root.glob("**/*.json")):
        for row in [] if path == questions else _rows_or_none(path):
            gold = next((row[key] for key in _GOLD_FIELDS if row.get(key) is not None), None)
            if gold is None or "question_id" not in row:
                continue
            name = str(row["question_id"])
            known, where = found.setdefault(name, (str(gold), path))
            if known != str(gold):
                raise SourceError(
                    f"{where} and {path} differ in the answer to {name}: leave only the published ones there"
                )
    return {name: gold for name, (gold, _) in found.items()}


def _rows_or_none(path: Path) -> list[Row]:
    """The rows of a file that may be about something else."""
    try:
        return read_rows(path)
    except SourceError:
        return []


def _query(row: Row, name: str, task: str, video: Video, path: Path, answer: object) -> Query:
    """A gold may be an option's text, as in dev, or its letter."""
    options = tuple(str(option) for option in row.get("candidates") or ())
    if answer is None:
        raise SourceError(f"{path} has a row without 'answer': copy it again from the benchmark")
    gold = str(answer)
    if options and not (gold in LETTERS[: len(options)] and gold not in options):
        gold = gold_letter(options, gold, path, name)
    points = row.get("scoring_points")
    tags = {"task": task, "scoring points": _as_text(points)} if points else {"task": task}
    return Query(
        id=name,
        video=video,
        family=task,
        question=str(field_of(row, "question", path)),
        gold=gold,
        options=options,
        tags=tags,
        max_new_tokens=16 if options else _GENERATED_TOKENS,
        judged=not options,
    )


def _as_text(points: object) -> str:
    return "; ".join(map(str, points)) if isinstance(points, list) else str(points)


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`. The opening bracket stands in the user's turn: a memory is asked, not continued."""
    if not query.options:
        return query.question
    return below(query.question, bracketed(query.options, query.letters), BEST_OPTION)


_grade_choice = choice_grader(four_option_letter, letter_before_bracket)


def grade(query: Query, answer: str, parse: Parse) -> Grade:
    """See `Benchmark`; a free answer is what it is, a judge values it."""
    return Grade(answer or None, None) if query.judged else _grade_choice(query, answer, parse)


def judged(scored: Sequence[Scored]) -> list[Unit]:
    """The free answers that a judge has graded, 2 to 10."""
    return [
        Unit(each.query.id, each.query.video.key, each.grade.value, each.query.tags)
        for each in scored
        if each.query.judged and each.grade.value is not None and each.query.family in JUDGED_ON
    ]


BENCHMARK = Benchmark(
    name="mlvu",
    title="MLVU",
    read=read,
    wording=wording,
    grade=grade,
    metrics=(
        Metric("M-Avg (mean of tasks)", per_question, classes="task", sorted_by=("task",)),
        Metric("M-Avg (mean of questions)", per_question),
        Metric("G-Avg (mean of tasks)", judged, classes="task", scale=1.0, sorted_by=("task",)),
    ),
    splits=("dev", "test"),
    published={"dev": Published(2593)},
    parses=("strict", "harness", "official"),
)
