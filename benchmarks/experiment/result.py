"""From the answers of an experiment to its result: shares, paired differences, costs, tables and a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment.bench import Arm, Experiment
from experiment.films import film_of
from longreel.evaluate.result import ALL, Sorting, failed_films, median_cost, rounded, sorted_marks
from longreel.evaluate.run_folder import Row
from longreel.evaluate.scoring import Mark, cell, difference
from longreel.evaluate.tables import as_markdown, cost_table, difference_table, share_table
from longreel.figures import empty_figure, write_png
from longreel.films.questions import GROUPS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Rows of each leg, by its name.
RowsOfLegs = Mapping[str, Sequence[Row]]
Marks = Mapping[Sorting, Sequence[Mark]]
_PANEL = (4.2, 3.6)
_COLUMNS = 3
_MARKERS = "osDv^P*Xdph<>"
_LEVELS = ("--", ":", "-.")


def result(experiment: Experiment, rows: RowsOfLegs, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is known, as plain values; every arm is compared over the same questions.

    Only films count that all arms of their name have watched.
    """
    complete = _complete(experiment, rows)
    marks = {arm.label: sorted_marks(_rows_of(arm, complete)) for arm in experiment.arms}
    return {
        **origin,
        "experiment": experiment.name,
        "about": experiment.about,
        "left_out": experiment.left_out,
        "films": len({row["film"] for row in complete}),
        "x": experiment.x,
        "arms": [
            {"label": arm.label, "line": arm.line, "x": arm.x, "against": list(arm.against)}
            for arm in experiment.arms
        ],
        "plan": {
            "settings": [arm.label for arm in experiment.arms],
            "methods": {arm.label: arm.method.settings() for arm in experiment.arms if arm.method},
        },
        "cells": [
            {"setting": label, **asdict(sorting), **rounded(asdict(cell(found)))}
            for label, each in marks.items()
            for sorting, found in each.items()
            if sorting.by in (ALL[0], *experiment.by)
        ],
        "differences": [line for arm in experiment.arms for line in _differences(arm, marks, (ALL[0],))],
        "differences_by": [
            line for arm in experiment.arms for line in _differences(arm, marks, experiment.by)
        ],
        "failed": {arm.label: why for arm in experiment.arms if (why := failed_films(complete, arm.label))},
        "costs": {
            arm.label: cost for arm in experiment.arms if (cost := median_cost(_rows_of(arm, complete)))
        },
    }


def _complete(experiment: Experiment, rows: RowsOfLegs) -> list[Row]:
    """All rows of films that are done, with the name of the film in place of that of its part."""
    found = [
        {**row, "film": f"{leg.films} {film_of(row['film'])}", "item": (leg.name, row["film"])}
        for leg in experiment.legs
        for row in rows[leg.name]
    ]
    done: dict[str, set[tuple[Any, str]]] = {}
    for row in found:
        done.setdefault(row["film"], set()).add((row["item"], row["setting"]))
    wanted: dict[str, set[tuple[Any, str]]] = {}
    for leg in experiment.legs:
        for item in leg.task.items():
            film = f"{leg.films} {film_of(item.key)}"
            names = {((leg.name, item.key), arm.label) for arm in leg.arms}
            wanted[film] = wanted.get(film, set()) | names
    return [row for row in found if wanted[row["film"]] <= done[row["film"]]]


def _rows_of(arm: Arm, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["setting"] == arm.label]


def _differences(arm: Arm, marks: Mapping[str, Marks], by: Sequence[str]) -> Iterator[dict[str, Any]]:
    for other in arm.against:
        for sorting, found in marks[arm.label].items():
            if sorting.by in by and sorting in marks[other]:
                compared = difference(found, marks[other][sorting])
                if compared is not None:
                    line = {"to": other, "setting": arm.label, **asdict(sorting)}
                    yield {**line, **rounded(asdict(compared))}


def tables(found: Mapping[str, Any]) -> Iterator[str]:
    """What the page of results says of an experiment, in Markdown."""
    yield f"{found['about']} Films: {found['films']}."
    left_out = found["left_out"]
    for why in dict.fromkeys(left_out.values()):
        yield f"Left out, as {why}: {', '.join(what for what in left_out if left_out[what] == why)}."
    if found.get("figure"):
        yield f"![{found['experiment']}]({found['figure']})"
    for asked in dict.fromkeys(each["asked"] for each in found["cells"]):
        way = "In free wording" if asked == "free" else "With lettered options"
        yield f"{way}, share right ± half of the 95 % interval over films:"
        yield as_markdown(share_table(found, asked=asked))
        yield f"Questions a cell: {_questions(found, asked)}."
        for by in dict.fromkeys(each["by"] for each in found["cells"] if each["by"] != ALL[0]):
            yield f"Recall by {by}:"
            yield as_markdown(share_table(found, asked=asked, by=by))
        for other in dict.fromkeys(each["to"] for each in found["differences"]):
            yield f"Difference to {other}, over the same questions:"
            yield as_markdown(difference_table(found, other, asked=asked))
    if found["costs"]:
        yield "Cost, medians over films:"
        yield as_markdown(cost_table(found))


def _questions(found: Mapping[str, Any], asked: str) -> str:
    counts: dict[str, set[int]] = {}
    for each in found["cells"]:
        if (each["asked"], each["by"]) == (asked, ALL[0]):
            counts.setdefault(each["family"], set()).add(each["questions"])
    ordered = sorted(counts, key=lambda name: name not in GROUPS)
    return ", ".join(f"{name} {'/'.join(map(str, sorted(counts[name])))}" for name in ordered)


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: for each family the share right of each line along x, with 95 % intervals over films.

    Raises:
        LongreelError: matplotlib is not installed, or the file cannot be written.
    """
    shown = [each for each in found["cells"] if (each["asked"], each["by"]) == ("free", ALL[0])]
    families = sorted(dict.fromkeys(each["family"] for each in shown), key=lambda name: name not in GROUPS)
    members = {name for group in GROUPS.values() for name in group}
    panels = [name for name in families if name not in members]
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = empty_figure((columns * _PANEL[0], rows * _PANEL[1] + 0.16 * len(_lines(found))))
    all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, family in zip(all_axes, panels, strict=False):
        _panel(axes, found, {each["setting"]: each for each in shown if each["family"] == family})
        axes.set_title(f"{family}: share of right answers", fontsize="medium")
    for axes in all_axes[len(panels) :]:
        axes.axis("off")
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", fontsize="small", ncols=3)
    write_png(figure, path)


def _lines(found: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The arms of each line of the figure."""
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for arm in found["arms"]:
        lines.setdefault(arm["line"] or arm["label"], []).append(arm)
    return lines


def _panel(axes: Axes, found: Mapping[str, Any], cells: Mapping[str, Mapping[str, Any]]) -> None:
    from matplotlib import colormaps

    # As many colours as there may be lines.
    axes.set_prop_cycle(color=colormaps["tab20"](range(20)))
    markers, levels = cycle(_MARKERS), cycle(_LEVELS)
    for name, arms in _lines(found).items():
        points = [(arm["x"], cells[arm["label"]]) for arm in arms if arm["label"] in cells]
        if not points:
            continue
        if points[0][0] is None:
            axes.axhline(points[0][1]["share"], color="0.5", linestyle=next(levels), label=name)
            continue
        points.sort(key=lambda point: point[0])
        shares = [each["share"] for _, each in points]
        ends = [each["interval"] or (each["share"], each["share"]) for _, each in points]
        errors = [
            [abs(end[side] - share) for end, share in zip(ends, shares, strict=True)] for side in (0, 1)
        ]
        style: dict[str, Any] = {"marker": next(markers), "fillstyle": "none", "alpha": 0.8}
        axes.errorbar([x for x, _ in points], shares, yerr=errors, capsize=3, label=name, **style)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}")
    axes.set_xlabel(found["x"])
    axes.set_ylim(0.0, 1.02)
    axes.grid(alpha=0.3)
