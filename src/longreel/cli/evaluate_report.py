"""What an evaluation found, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def print_result(result: Mapping[str, Any]) -> None:
    """Tables of shares right and of costs."""
    from longreel.evaluate.tables import as_text, cost_table, share_table

    asked = dict.fromkeys(cell["asked"] for cell in result["cells"])
    for way in asked:
        print(f"Share of right answers, {_WAYS.get(way, way)}; ± half of the 95 % interval over films\n")
        print(as_text(share_table(result, asked=way)), end="\n\n")
    print("Cost, medians over films\n")
    print(as_text(cost_table(result)))


def print_benchmark(result: Mapping[str, Any]) -> None:
    """Tables of a benchmark's metrics, of what they are sorted by, and of costs."""
    from longreel.evaluate.benchmarks.tables import denominator, metric_table, sorted_table, sortings
    from longreel.evaluate.tables import as_text, cost_table

    print(f"{result['benchmark']}, letters read the {result['parse']} way; {denominator(result['data'])}")
    print("\N{PLUS-MINUS SIGN} half of the 95 % interval over videos\n")
    print(as_text(metric_table(result)), end="\n\n")
    for metric, tag in sortings(result):
        print(f"{metric} by {tag}\n")
        print(as_text(sorted_table(result, metric, tag)), end="\n\n")
    if result["costs"]:
        print("Cost, medians over videos\n")
        print(as_text(cost_table(result)))


_WAYS = {"free": "in free wording", "options": "with lettered options"}
