"""A result as text and Markdown tables: a row per setting, a column per family or value of a tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from longreel.evaluate.result import ALL
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
    settings = list(dict.fromkeys(cell["setting"] for cell in cells))
    rows = [["", *names]]
    for label in settings:
        rows.append([label, *(_share(shares.get((label, name))) for name in names)])
    if settings:
        rows.append([CONSTANT, *(f"{shares[settings[0], name]['constant']:.2f}" for name in names)])
    return rows


def cost_table(result: Mapping[str, Any]) -> list[list[str]]:
    """What watching and asking cost, medians over films."""
    rows = [["", "frames", "visual tokens", "kept", "memory", "watching", "an answer"]]
    for label, cost in result["costs"].items():
        rows.append(
            [
                label,
                f"{cost['frames']:,.0f}",
                f"{cost['visual_tokens']:,.0f}",
                f"{cost['kept']:,.0f}",
                f"{cost['memory_bytes'] / 2**20:.2f} MiB",
                f"{cost['watch_seconds_per_minute']:.2f} s/min",
                "" if cost["ask_seconds"] is None else f"{1000 * cost['ask_seconds']:.0f} ms",
            ]
        )
    return rows


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
