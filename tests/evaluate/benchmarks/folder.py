"""Benchmarks made by the tests as they are published, and answerers who know all, one letter, or nothing."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longreel.evaluate.benchmarks.base import Parse, Query
from longreel.evaluate.benchmarks.data import Data, read_data
from longreel.evaluate.benchmarks.result import benchmark_result
from longreel.evaluate.benchmarks.table import named_benchmark

PutFilm = Callable[..., None]
Answerer = Callable[[Query], str]
SETTING = "fake"


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_lines(path: Path, rows: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def data_of(name: str, folder: Path, split: str | None = None) -> Data:
    return read_data(named_benchmark(name), folder, split)


def perfect(query: Query) -> str:
    return query.gold


def constant(answer: str) -> Answerer:
    return lambda query: answer


def seeded(seed: int) -> Answerer:
    """A letter of the question's own, drawn by its name."""
    return lambda query: random.Random(f"{seed} {query.id}").choice(query.letters)


def rows_of(data: Data, answerer: Answerer) -> list[dict[str, Any]]:
    """The rows of a run in which every question about a video that is there was answered."""
    usable = {each.video.key for each in data.usable()}
    by_film: dict[str, list[Any]] = defaultdict(list)
    for query in data.queries:
        if query.video.key in usable:
            by_film[query.video.key].append({"id": query.id, "gold": query.gold, "answer": answerer(query)})
    return [{"film": key, "setting": SETTING, "cost": {}, "answers": each} for key, each in by_film.items()]


def result_of(data: Data, answerer: Answerer, parse: Parse = "strict", **more: Any) -> dict[str, Any]:
    rows = rows_of(data, answerer)
    plan = {"settings": [SETTING]}
    result = benchmark_result(data, plan, rows, {}, parse=parse, baseline=SETTING, baseline_rows=rows, **more)
    json.dumps(result, allow_nan=False)
    assert all(each["value"] == 0 for each in result["differences"])
    return result


def metrics_of(data: Data, answerer: Answerer, parse: Parse = "strict", **more: Any) -> dict[str, float]:
    return {each["metric"]: each["value"] for each in result_of(data, answerer, parse, **more)["metrics"]}


def sorted_by(result: dict[str, Any], tag: str) -> dict[str, tuple[float, int]]:
    """By value of a tag, the mean and of how many, of the first metric that has it."""
    first = next(cell["metric"] for cell in result["cells"] if cell["by"] == tag)
    return {
        cell["value"]: (cell["mean"], cell["units"])
        for cell in result["cells"]
        if (cell["by"], cell["metric"]) == (tag, first)
    }


def share(data: Data, answerer: Answerer) -> float:
    """Percent of the questions whose gold an answerer gives, counted here and nowhere else."""
    return round(100 * sum(answerer(query) == query.gold for query in data.queries) / len(data.queries), 4)
