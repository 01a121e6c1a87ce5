"""From the rows of a run to a benchmark's numbers, with everything that one needs to know to compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from longreel.evaluate.benchmarks.base import Benchmark, Grade, Metric, Parse, Query, Scored
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.metrics import Mean, difference_of, mean_of, means_by
from longreel.evaluate.result import failed_films, median_cost
from longreel.evaluate.run_folder import Row
from longreel.evaluate.settings import BASE

# By setting and query, a judge's grade of an answer; None for a judgement that could not be read.
Judgements = Mapping[tuple[str, str], float | None]


def benchmark_result(
    data: Data,
    plan: Mapping[str, Any],
    rows: Sequence[Row],
    origin: Mapping[str, Any],
    *,
    parse: Parse,
    baseline: str,
    baseline_rows: Sequence[Row],
    judgements: Judgements | None = None,
    baseline_judgements: Judgements | None = None,
) -> dict[str, Any]:
    """Everything that is known after a run, as plain values; percent, and points of ten where a judge graded.

    Args:
        origin: see `provenance`.
        parse: how letters are read.
        baseline: what the baseline is called; baseline_rows: its rows, of this run or another. Differences
            are to it, and to the base model of this run.
        judgements: see `judge`, by setting and query; None if no judge was asked.
        baseline_judgements: of the baseline's rows, where they are of another run; None: the same.
    """
    scored = {
        label: scored_answers(data, [row for row in rows if row["setting"] == label], parse, judgements)
        for label in plan["settings"]
    }
    theirs = {BASE: scored[BASE]} if BASE in scored else {}
    judged = judgements if baseline_judgements is None else baseline_judgements
    theirs[baseline] = scored_answers(data, baseline_rows, parse, judged)
    return {
        **origin,
        "plan": dict(plan),
        "benchmark": data.benchmark.name,
        "parse": parse,
        "data": data.report(),
        "metrics": [
            {"setting": label, **line} for label, each in scored.items() for line in _metrics(data, each)
        ],
        "cells": [
            {"setting": label, **line} for label, each in scored.items() for line in _cells(data, each)
        ],
        "answers": {label: _answers(data, each, rows, label, judgements) for label, each in scored.items()},
        "baseline": baseline,
        "differences": [
            {"to": name, "setting": label, **line}
            for name, other in theirs.items()
            for label, each in scored.items()
            for line in _differences(data.benchmark, each, other)
        ],
        "costs": {
            label: cost
            for label in scored
            if (cost := median_cost([row for row in rows if row["setting"] == label]))
        },
        "runs": [{name: row[name] for name in ("film", "setting", "cost")} for row in rows if row["cost"]],
    }


def scored_answers(
    data: Data, rows: Sequence[Row], parse: Parse, judgements: Judgements | None = None
) -> list[Scored]:
    """The answers of one setting with their grades."""
    queries = {query.id: query for query in data.queries}
    return [
        Scored(query, _grade(data.benchmark, query, answer["answer"], parse, row["setting"], judgements))
        for row in rows
        for answer in row["answers"]
        if (query := queries.get(answer["id"])) is not None
    ]


def _grade(
    benchmark: Benchmark,
    query: Query,
    answer: str,
    parse: Parse,
    setting: str,
    judgements: Judgements | None,
) -> Grade:
    grade = benchmark.grade(query, answer, parse)
    if not query.judged or judgements is None or (setting, query.id) not in judgements:
        return grade
    value = judgements[setting, query.id]
    # The benchmark's own script counts an unreadable judgement as 0.
    return Grade(grade.parsed, 0.0 if value is None and parse != "strict" else value)


def _metrics(data: Data, scored: Sequence[Scored]) -> Iterator[Row]:
    for metric in data.benchmark.metrics:
        mean = mean_of(metric.units(scored), metric)
        if mean is not None:
            yield {"metric": metric.name, **_plain(mean), **_classes(data, metric, scored)}


def _classes(data: Data, metric: Metric, scored: Sequence[Scored]) -> Row:
    """For a mean over classes: over how many it is, and which of the benchmark's have no answer."""
    if metric.classes is None:
        return {}
    all_marked = [Scored(query, Grade(None, 0.0)) for query in data.queries]
    every, found = (
        {unit.tags[metric.classes] for unit in metric.units(each)} for each in (all_marked, scored)
    )
    return {"classes": len(found), "absent_classes": sorted(map(str, every - found))}


def _cells(data: Data, scored: Sequence[Scored]) -> Iterator[Row]:
    for metric in data.benchmark.metrics:
        units = metric.units(scored)
        for tag in metric.sorted_by:
            for value, mean in means_by(units, tag, metric).items():
                yield {"metric": metric.name, "by": tag, "value": value, **_named(_plain(mean))}


def _differences(benchmark: Benchmark, scored: Sequence[Scored], theirs: Sequence[Scored]) -> Iterator[Row]:
    for metric in benchmark.metrics:
        mean = difference_of(metric.units(scored), metric.units(theirs), metric)
        if mean is not None:
            yield {"metric": metric.name, **_plain(mean)}


def _answers(
    data: Data,
    scored: Sequence[Scored],
    rows: Sequence[Row],
    label: str,
    judgements: Judgements | None,
) -> Row:
    """How many answers there are and how many could be read: the denominators."""
    mine = [row for row in rows if row["setting"] == label]
    marked = [each for each in scored if not each.query.judged]
    unread = sum(each.grade.parsed is None for each in marked)
    judged = [each for each in scored if each.query.judged]
    return {
        "answered": len(scored),
        "unparsed": unread,
        "unparsed_percent": round(100 * unread / len(marked), 2) if marked else 0.0,
        "left_out": sum(each.grade.value is None for each in marked),
        "generated": len(judged),
        "not_judged": sum(each.grade.value is None for each in judged),
        "unreadable_judgements": sum(
            value is None for (setting, _), value in (judgements or {}).items() if setting == label
        ),
        "too_long_to_ask": sum(bool(answer.get("too_long")) for row in mine for answer in row["answers"]),
        "best_constant_percent": _best_constant(marked),
        "failed_videos": failed_films(mine, label),
        "damaged_videos": {row["film"]: row["warnings"] for row in mine if row.get("warnings")},
    }


def _best_constant(scored: Sequence[Scored]) -> float | None:
    """The share right if the same letter were always the answer, the best such letter."""
    golds = [each.query.gold for each in scored if each.query.options]
    if not golds:
        return None
    return round(100 * max(golds.count(gold) for gold in set(golds)) / len(golds), 2)


def _plain(mean: Mean) -> Row:
    values = asdict(mean)
    interval = values["interval"]
    values["interval"] = None if interval is None else [round(end, 4) for end in interval]
    return {**values, "value": round(mean.value, 4)}


def _named(plain: Row) -> Row:
    """With the mean under a name that leaves "value" to the tag."""
    return {"mean": plain.pop("value"), **plain}
