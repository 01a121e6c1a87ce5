"""A result as text and Markdown tables: a row per setting, a column per family or value of a tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from longreel.evaluate.result import ALL
from longreel.evaluate.settings import BASE
from longreel.films.questions import GROUPS

CONSTANT = "best constant answer"


def share_table(
    result: Mapping[str, Any], *, asked: str, by: str = "", family: str = "recall"
) -> list[list[str]]:
    """Shares right, with the best constant answer as last row; the first row and column are names.

    Args:
        asked: "free" or "options".
        by: a tag that gives the columns, of answers of one `family`; "" for a column per family.
    """
    if by:
        cells = [c for c in result["cells"] if (c["asked"], c["by"], c["family"]) == (asked, by, family)]
        column = "value"
    else:
        cells = [c for c in result["cells"] if (c["asked"], c["by"]) == (asked, ALL[0])]
        column = "family"
    names = _ordered(cells, column)
    shares = {(cell["setting"], cell[column]): cell for cell in cells}
    found = {cell["setting"] for cell in cells}
    settings = [label for label in result["plan"]["settings"] if label in {*found, *result.get("failed", ())}]
    rows = [["", *names]]
    for label in settings:
        rows.append([label, *(_share(shares.get((label, name))) for name in names)])
    if cells:
        constants = {cell[column]: cell["constant"] for cell in reversed(cells)}
        rows.append([CONSTANT, *(f"{constants[name]:.2f}" for name in names)])
    return rows


def difference_table(result: Mapping[str, Any], to: str, *, asked: str) -> list[list[str]]:
    """How much larger shares are than under the setting `to`, each over the questions that both answered."""
    lines = [each for each in result["differences"] if (each["to"], each["asked"]) == (to, asked)]
    names = _ordered(lines, "family")
    found = {(line["setting"], line["family"]): line for line in lines}
    rows = [["", *names]]
    for label in dict.fromkeys(line["setting"] for line in lines if line["setting"] != to):
        rows.append([label, *(signed(found.get((label, name)), "difference", 2) for name in names)])
    return rows


def signed(line: Mapping[str, Any] | None, name: str, digits: int) -> str:
    """A difference with its interval, `-0.10 [-0.15, -0.05]`; empty if there is none."""
    if line is None:
        return ""
    text = f"{line[name]:+.{digits}f}"
    if line["interval"] is None:
        return text
    low, high = line["interval"]
    return f"{text} [{low:+.{digits}f}, {high:+.{digits}f}]"


def compared_with(result: Mapping[str, Any]) -> list[str]:
    """What settings are compared with: the base model first, then what was asked for beside it."""
    base = [BASE] if BASE in result["plan"]["settings"] else []
    return list(dict.fromkeys([*base, result["baseline"]]))


def cost_table(result: Mapping[str, Any]) -> list[list[str]]:
    """What watching and asking cost, medians over films."""
    # Results of before say nothing of the frames that a method left out unseen.
    raw = ["raw frames"] if any("raw_frames" in cost for cost in result["costs"].values()) else []
    rows = [["", *raw, "frames", "visual tokens", "kept", "memory", "watching", "an answer"]]
    for label, cost in result["costs"].items():
        rows.append(
            [
                label,
                *(f"{cost['raw_frames']:,.0f}" for _ in raw),
                f"{cost['frames']:,.0f}",
                f"{cost['visual_tokens']:,.0f}",
                f"{cost['kept']:,.0f}",
                f"{cost['memory_bytes'] / 2**20:.2f} MiB",
                _seconds(cost["watch_seconds_per_minute"], "s/min"),
                _seconds(cost["ask_seconds"], "ms"),
            ]
        )
    measured = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
    return [[row[column] for column in measured] for row in rows]


def _seconds(seconds: float | None, unit: str) -> str:
    """Nothing where it was not measured."""
    if seconds is None:
        return ""
    return f"{1000 * seconds:.0f} ms" if unit == "ms" else f"{seconds:.2f} {unit}"


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first to the left and numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(rows[0]) - 1), *lines[1:]])


def _ordered(cells: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    """Names in order of appearance, groups of families first."""
    names = list(dict.fromkeys(cell[column] for cell in cells))
    return sorted(names, key=lambda name: name not in GROUPS)


def _share(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    if cell["interval"] is None:
        return f"{cell['share']:.2f}"
    low, high = cell["interval"]
    return f"{cell['share']:.2f} ±{(high - low) / 2:.2f}"
