"""From the rows of a run to a result: shares by every way of sorting answers, and what they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from longreel.evaluate.run_folder import Row
from longreel.evaluate.scoring import Mark, cell, difference
from longreel.evaluate.settings import BASE
from longreel.films.questions import GROUPS

ASKED = "asked"
ALL = ("all", "")
# Of shares and seconds that are stored.
DIGITS = 4


@dataclass(frozen=True)
class Sorting:
    """Which answers a cell is about.

    family: of questions, or a group of families. asked: "free" or "options". by, value: a tag of the
    questions and its value; ALL for any.
    """

    family: str
    asked: str
    by: str
    value: str


def result(
    plan: Mapping[str, Any],
    rows: Sequence[Row],
    origin: Mapping[str, Any],
    baseline: str,
    baseline_rows: Sequence[Row],
) -> dict[str, Any]:
    """Everything that is known after a run, as plain values.

    Args:
        origin: see `provenance`.
        baseline: what the baseline is called; baseline_rows: its rows, of this run or another. Differences
            are to it, and to the base model of this run.
    """
    marks = {label: sorted_marks(_of(rows, label)) for label in plan["settings"]}
    theirs = {BASE: marks[BASE]} if BASE in marks else {}
    theirs[baseline] = sorted_marks(baseline_rows)
    return {
        **origin,
        "plan": dict(plan),
        "films": len({row["film"] for row in rows}),
        "cells": [
            {"setting": label, **asdict(sorting), **rounded(asdict(cell(found)))}
            for label, each in marks.items()
            for sorting, found in each.items()
        ],
        "baseline": baseline,
        "differences": [
            {"to": name, **line} for name, each in theirs.items() for line in _differences(marks, each)
        ],
        "failed": {label: films for label in marks if (films := failed_films(rows, label))},
        "costs": {label: cost for label in marks if (cost := median_cost(_of(rows, label)))},
        "runs": [{name: row[name] for name in ("film", "setting", "cost")} for row in rows if row["cost"]],
    }


def sorted_marks(rows: Sequence[Row]) -> dict[Sorting, list[Mark]]:
    """The answers of one setting, each under every sorting it belongs to."""
    found: dict[Sorting, list[Mark]] = defaultdict(list)
    for row in rows:
        for answer in row["answers"]:
            family, tags = answer["family"], dict(answer["tags"])
            mark = Mark(row["film"], family, answer["question"], answer["gold"], answer["right"])
            asked = tags.pop(ASKED)
            for each in (family, *(group for group, members in GROUPS.items() if family in members)):
                for by, value in (ALL, *tags.items()):
                    found[Sorting(each, asked, by, value)].append(mark)
    return dict(found)


def failed_films(rows: Sequence[Row], label: str) -> dict[str, str]:
    """The films that could not be watched under a setting, and why."""
    return {row["film"]: row["failed"] for row in _of(rows, label) if "failed" in row}


def _of(rows: Sequence[Row], label: str) -> list[Row]:
    return [row for row in rows if row["setting"] == label]


def _differences(
    marks: Mapping[str, Mapping[Sorting, Sequence[Mark]]], baseline: Mapping[Sorting, Sequence[Mark]]
) -> Iterator[Row]:
    for label, each in marks.items():
        for sorting, found in each.items():
            if (sorting.by, sorting.value) == ALL and sorting in baseline:
                compared = difference(found, baseline[sorting])
                if compared is not None:
                    yield {"setting": label, **asdict(sorting), **rounded(asdict(compared))}


def median_cost(rows: Sequence[Row]) -> Row:
    """Medians over films; nothing for the blind setting, which watches nothing."""
    costs = [row["cost"] for row in rows if row["cost"]]
    if not costs:
        return {}
    timed = [cost for cost in costs if cost["film_seconds"] and "watch_seconds" in cost]
    watching = [60 * cost["watch_seconds"] / cost["film_seconds"] for cost in timed]
    asks = [seconds for cost in costs for seconds in cost.get("ask_seconds", ())]
    return rounded(
        {
            "watch_seconds_per_minute": median(watching) if watching else None,
            "ask_seconds": median(asks) if asks else None,
            "memory_bytes": median(cost["memory_bytes"] for cost in costs),
            "peak_bytes": max(cost.get("peak_bytes") or 0 for cost in costs) or None,
            "raw_frames": median(cost["raw_frames"] for cost in costs),
            "frames": median(cost["frames"] for cost in costs),
            "visual_tokens": median(cost["visual_tokens"] for cost in costs),
            "kept": median(cost["kept"][0] for cost in costs),
        }
    )


def rounded(values: Mapping[str, Any]) -> Row:
    """The same with numbers, also those of intervals, to the digits that are stored."""
    return {name: _round(value) for name, value in values.items()}


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    return [_round(each) for each in value] if isinstance(value, tuple) else value
