"""From the answers of an ablation to its result: means and ranges over seeds, paired differences, curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from longreel.evaluate.result import ALL, DIGITS, Sorting, median_cost, rounded, sorted_marks
from longreel.evaluate.run_folder import Row
from longreel.evaluate.scoring import Mark, cell, difference
from longreel.evaluate.tables import CONSTANT, as_markdown, cost_table, difference_table
from longreel.figures import empty_figure, write_png
from longreel.films.questions import GROUPS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ablation.measuring import Column

# By label and seed.
Answers = Mapping[str, Mapping[int, Sequence[Row]]]
_Marks = Mapping[Sorting, Sequence[Mark]]
_SIZE = (12.0, 4.6)
_MARKERS = "osDv^P*X"


def result(
    name: str,
    about: str,
    columns: Sequence[Column],
    answers: Answers,
    accounts: Mapping[str, Mapping[int, Mapping[str, Any]]],
    steps: int,
    origin: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that is known, as plain values.

    Shares are means over seeds, with the lowest and the highest; the interval of a difference is over films,
    each with its answers of all seeds, and says nothing of other seeds.

    Args:
        accounts: of each arm and seed, see `Workshop.account`.
    """
    seeds = sorted(next(iter(answers.values())))
    marks = {label: {seed: _marks(rows) for seed, rows in each.items()} for label, each in answers.items()}
    together = {label: _of_all_seeds(each) for label, each in marks.items()}
    return {
        **origin,
        "ablation": name,
        "about": about,
        "seeds": seeds,
        "steps": steps,
        "films": len({row["film"] for rows in answers.values() for row in rows[seeds[0]]}),
        "plan": {"settings": [column.label for column in columns]},
        "trainings": [
            {"arm": label, "seed": seed, **account}
            for label, each in accounts.items()
            for seed, account in each.items()
        ],
        "cells": [
            {
                "setting": column.label,
                **asdict(sorting),
                **rounded(asdict(cell(found))),
                "by_seed": [round(cell(marks[column.label][seed][sorting]).share, DIGITS) for seed in seeds],
            }
            for column in columns
            for sorting, found in together[column.label].items()
        ],
        "differences": [
            line for column in columns if column.label != column.to for line in _differences(column, together)
        ],
        "costs": {
            label: cost
            for label, each in answers.items()
            if (cost := median_cost([row for rows in each.values() for row in rows]))
        },
    }


def _marks(rows: Sequence[Row]) -> dict[Sorting, list[Mark]]:
    found = sorted_marks(rows)
    return {sorting: each for sorting, each in found.items() if (sorting.by, sorting.value) == ALL}


def _of_all_seeds(marks: Mapping[int, _Marks]) -> dict[Sorting, list[Mark]]:
    """The marks of all seeds, whose questions are told apart by them."""
    found: dict[Sorting, list[Mark]] = {}
    for seed, each in marks.items():
        for sorting, given in each.items():
            named = [replace(mark, question=f"{seed} {mark.question}") for mark in given]
            found.setdefault(sorting, []).extend(named)
    return found


def _differences(column: Column, together: Mapping[str, _Marks]) -> Iterator[dict[str, Any]]:
    for sorting, found in together[column.label].items():
        compared = difference(found, together[column.to].get(sorting, ()))
        if compared is not None:
            yield {
                "to": column.to,
                "setting": column.label,
                **asdict(sorting),
                **rounded(asdict(compared)),
            }


def tables(found: Mapping[str, Any]) -> Iterator[str]:
    """What the page of results says of an ablation, in Markdown."""
    seeds = len(found["seeds"])
    yield (
        f"{found['about']} Every model: {found['steps']:,} steps from the same start of its seed, "
        f"{seeds} seed{'' if seeds == 1 else 's'}. Films: {found['films']}."
    )
    if found.get("figure"):
        yield f"![{found['ablation']}]({found['figure']})"
    yield "Share right in free wording, mean over seeds (lowest to highest):"
    yield as_markdown(_share_table(found))
    for other in dict.fromkeys(each["to"] for each in found["differences"]):
        yield f"Difference to {other} over the same questions and seeds, 95 % interval over films:"
        yield as_markdown(difference_table(found, other, asked="free"))
    yield "Training, means over seeds:"
    yield as_markdown(_training_table(found))
    if found["costs"]:
        yield "What is kept of a film, medians over films and seeds:"
        yield as_markdown(cost_table(found))


def _families(found: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys(each["family"] for each in found["cells"])
    return sorted(names, key=lambda name: name not in GROUPS)


def _share_table(found: Mapping[str, Any]) -> list[list[str]]:
    names = _families(found)
    cells = {(each["setting"], each["family"]): each for each in found["cells"]}
    constants = {each["family"]: each["constant"] for each in found["cells"]}
    rows = [["", *names]]
    for label in found["plan"]["settings"]:
        rows.append([label, *(_with_range(cells.get((label, name))) for name in names)])
    return [*rows, [CONSTANT, *(f"{constants[name]:.2f}" for name in names)]]


def _with_range(each: Mapping[str, Any] | None) -> str:
    if each is None:
        return ""
    return f"{each['share']:.2f} ({min(each['by_seed']):.2f} to {max(each['by_seed']):.2f})"


def _training_table(found: Mapping[str, Any]) -> list[list[str]]:
    rows = [["", "CPU minutes", "last loss", "parameters of its own", "CPU minutes of the start"]]
    for label, each in _by_arm(found).items():
        rows.append(
            [
                label,
                f"{mean(one['cpu_seconds'] for one in each) / 60:.1f}",
                f"{mean(one['curve'][-1]['loss'] for one in each):.3f}",
                f"{each[0]['parameters']:,}",
                f"{mean(one['start_cpu_seconds'] for one in each) / 60:.1f}",
            ]
        )
    return rows


def _by_arm(found: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    arms: dict[str, list[Mapping[str, Any]]] = {}
    for each in found["trainings"]:
        arms.setdefault(each["arm"], []).append(each)
    return arms


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: the loss of each arm over its steps, and its share right by family; bands are ranges.

    Raises:
        LongreelError: matplotlib is not installed, or the file cannot be written.
    """
    figure = empty_figure(_SIZE)
    curves, shares = figure.subplots(1, 2)
    _draw_curves(curves, found)
    _draw_shares(shares, found)
    write_png(figure, path)


def _draw_curves(axes: Axes, found: Mapping[str, Any]) -> None:
    drawn = set()
    for label, each in _by_arm(found).items():
        # Arms that differ only in how they watch have one training.
        if each[0]["training"] in drawn:
            continue
        drawn.add(each[0]["training"])
        steps = [point["step"] for point in each[0]["curve"]]
        losses = list(zip(*([point["loss"] for point in one["curve"]] for one in each), strict=True))
        (line,) = axes.plot(steps, [mean(at) for at in losses], label=label)
        axes.fill_between(
            steps, [min(at) for at in losses], [max(at) for at in losses], color=line.get_color(), alpha=0.15
        )
    axes.set_title("loss of the answers in training", fontsize="medium")
    axes.set_xlabel("step")
    axes.set_ylim(bottom=0.0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _draw_shares(axes: Axes, found: Mapping[str, Any]) -> None:
    names, labels = _families(found), found["plan"]["settings"]
    cells = {(each["setting"], each["family"]): each for each in found["cells"]}
    for number, label in enumerate(labels):
        known = [(place, cells[label, name]) for place, name in enumerate(names) if (label, name) in cells]
        middle = [each["share"] for _, each in known]
        errors = [[abs(end(each["by_seed"]) - each["share"]) for _, each in known] for end in (min, max)]
        beside = 0.6 * ((number + 0.5) / len(labels) - 0.5)
        axes.errorbar(
            [place + beside for place, _ in known],
            middle,
            yerr=errors,
            fmt=_MARKERS[number % len(_MARKERS)],
            fillstyle="none",
            capsize=3,
            label=label,
        )
    axes.set_xticks(range(len(names)), names, rotation=30 if len(names) > 6 else 0)
    axes.set_title("share of right answers, lowest to highest seed", fontsize="medium")
    axes.set_ylim(0.0, 1.02)
    axes.grid(alpha=0.3, axis="y")
    axes.legend(fontsize="small")
