"""Figures of results: accuracy, memory and latency against the fraction kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longreel.errors import UsageError
from longreel.figures import empty_figure, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (12.0, 3.8)
_MARKS = "osDv^P*"


def draw_curve(results: Mapping[str, Mapping[str, Any]], path: Path, *, family: str = "recall") -> None:
    """Write a PNG with one line for each method: share right, bytes of memory, seconds of an answer.

    Args:
        results: see `result`; the names tell the lines of several results apart.
        family: of questions, or a group of families; in free wording.

    Raises:
        LongreelError: matplotlib is not installed, or the file cannot be written.
        UsageError: there is no answer of this family.
    """
    figure = empty_figure(_SIZE)
    accuracy, memory, latency = figure.subplots(1, 3)
    marks = cycle(_MARKS)
    for name, result in results.items():
        points = _points(result, family)
        if not points:
            raise UsageError(f"the result {name!r} has no answers about {family!r}: name another --family")
        for method, line in points.items():
            label = method if len(results) == 1 else f"{name}: {method}"
            keeps = [point["keep"] for point in line]
            shares = [point["share"] for point in line]
            errors = [[abs(point[end] - point["share"]) for point in line] for end in ("low", "high")]
            # Lines may lie on each other: of filled marks only the last would be seen.
            style: dict[str, Any] = {"marker": next(marks), "fillstyle": "none", "alpha": 0.8}
            accuracy.errorbar(keeps, shares, yerr=errors, capsize=3, label=label, **style)
            memory.plot(keeps, [point["bytes"] / 2**20 for point in line], **style)
            latency.plot(keeps, [1000 * point["ask"] for point in line], **style)
        _draw_floor(accuracy, result, family)
    _finish(accuracy, f"{family}: share of right answers", low=0.0, high=1.02)
    _finish(memory, "memory, MiB")
    _finish(latency, "one answer, ms (median)", low=0.0)
    accuracy.legend(fontsize="small")
    write_png(figure, path)


def _points(result: Mapping[str, Any], family: str) -> dict[str, list[dict[str, float]]]:
    """By method, what is known at each fraction kept, the largest first."""
    lines: dict[str, list[dict[str, float]]] = defaultdict(list)
    for cell in _free(result, family):
        label = cell["setting"]
        if label in result["costs"] and label in result["plan"]["keep"]:
            cost, share = result["costs"][label], cell["share"]
            low, high = cell["interval"] or (share, share)
            lines[result["plan"]["methods"][label]["name"]].append(
                {
                    "keep": result["plan"]["keep"][label],
                    "share": share,
                    "low": low,
                    "high": high,
                    "bytes": cost["memory_bytes"],
                    "ask": cost["ask_seconds"],
                }
            )
    return {name: sorted(line, key=lambda point: -point["keep"]) for name, line in lines.items()}


def _free(result: Mapping[str, Any], family: str) -> Sequence[Mapping[str, Any]]:
    return [
        cell
        for cell in result["cells"]
        if (cell["family"], cell["asked"], cell["by"]) == (family, "free", "all")
    ]


def _draw_floor(axes: Axes, result: Mapping[str, Any], family: str) -> None:
    """The best constant answer and the blind model, as level lines."""
    cells = {cell["setting"]: cell for cell in _free(result, family)}
    constant = next(iter(cells.values()))["constant"]
    axes.axhline(constant, color="0.6", linestyle=":", label="best constant answer")
    if "blind" in cells:
        axes.axhline(cells["blind"]["share"], color="0.6", linestyle="--", label="blind")


def _finish(axes: Axes, title: str, low: float | None = None, high: float | None = None) -> None:
    axes.set_xscale("log", base=2)
    axes.invert_xaxis()
    axes.set_xlabel("fraction kept")
    axes.xaxis.set_major_formatter(lambda value, _: f"1/{round(1 / value)}" if value < 1 else "1")
    axes.set_title(title, fontsize="medium")
    axes.set_ylim(bottom=low, top=high)
    axes.grid(alpha=0.3)
