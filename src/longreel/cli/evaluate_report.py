"""What an evaluation found, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def print_result(result: Mapping[str, Any]) -> None:
    """Tables of shares right, of differences to the base model, and of costs."""
    from longreel.evaluate.heat_map import grid_tables, unparsed_answers
    from longreel.evaluate.tables import as_text, compared_with, cost_table, difference_table, share_table

    asked = dict.fromkeys(cell["asked"] for cell in result["cells"])
    for way in asked:
        print(f"Share of right answers, {_WAYS.get(way, way)}; ± half of the 95 % interval over films\n")
        print(as_text(share_table(result, asked=way)), end="\n\n")
        for to in compared_with(result):
            _print_differences(to, difference_table(result, to, asked=way), "questions", "films")
    _print_failed(result["failed"], "film")
    for setting, table in grid_tables(result).items():
        print(f"Needles found by {setting}, by depth and length of film\n")
        print(as_text(table), end="\n\n")
    _print_unparsed(unparsed_answers(result))
    print("Cost, medians over films\n")
    print(as_text(cost_table(result)))


def _print_unparsed(found: Mapping[str, tuple[int, int]]) -> None:
    """How many answers count as wrong because they name no letter."""
    for setting, (unread, lettered) in found.items():
        share = f"{100 * unread / lettered:.1f} %"
        print(f"{setting}: no letter can be read from {unread} of {lettered} answers with options ({share})")
    if found:
        print()


def print_benchmark(result: Mapping[str, Any]) -> None:
    """Tables of a benchmark's metrics, of differences, of what they are sorted by, and of costs."""
    from longreel.evaluate.benchmarks.tables import (
        denominator,
        difference_table,
        metric_table,
        remarks,
        sorted_table,
        sortings,
    )
    from longreel.evaluate.tables import as_text, compared_with, cost_table

    print(f"{result['benchmark']}, letters read the {result['parse']} way; {denominator(result['data'])}")
    for line in remarks(result):
        print(f"  {line}")
    print("\N{PLUS-MINUS SIGN} half of the 95 % interval over videos\n")
    print(as_text(metric_table(result)), end="\n\n")
    _print_failed({label: each["failed_videos"] for label, each in result["answers"].items()}, "video")
    for to in compared_with(result):
        _print_differences(to, difference_table(result, to), "units", "videos")
    for metric, tag in sortings(result):
        print(f"{metric} by {tag}\n")
        print(as_text(sorted_table(result, metric, tag)), end="\n\n")
    if result["costs"]:
        print("Cost, medians over videos\n")
        print(as_text(cost_table(result)))


def _print_differences(to: str, table: list[list[str]], over: str, films: str) -> None:
    from longreel.evaluate.tables import as_text

    if len(table) < 2:
        print(f"No difference to {to}: there are no {over} that both have\n")
        return
    print(f"Difference to {to} over the {over} both have [95 % interval over {films}]\n")
    print(as_text(table), end="\n\n")


def _print_failed(failed: Mapping[str, Mapping[str, str]], film: str) -> None:
    """Which films a setting could not watch, with the reason of the first."""
    for label, films in failed.items():
        if films:
            count = f"1 {film}" if len(films) == 1 else f"{len(films)} {film}s"
            print(f"{label}: {count} could not be watched, so its numbers are over the others:")
            print(f"  {next(iter(films.values()))}\n")


_WAYS = {"free": "in free wording", "options": "with lettered options"}
