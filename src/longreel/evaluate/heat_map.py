"""Shares of needles found, by how deep they lie and how long the film is: as a table and as a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longreel.evaluate.run_folder import Row
from longreel.figures import empty_figure, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL = (0.62, 0.42)
_FRAME = (1.5, 1.3)
_MOST_COLUMNS = 3


def depth_grid(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For every setting, film length and depth: how many needles were asked for and found.

    begins: of how many the answer began with the gold, where that was recorded. lettered: how many had
    options; unparsed: from how many of these answers no letter could be read.
    """
    cells: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        for answer in row["answers"]:
            tags = answer["tags"]
            if "depth" in tags:
                cells[row["setting"], tags["film length"], tags["depth"]].append(answer)
    return [
        {
            "setting": setting,
            "length": length,
            "depth": depth,
            "questions": len(answers),
            "right": sum(answer["right"] for answer in answers),
            **({"begins": sum(each["begins"] for each in answers)} if "begins" in answers[0] else {}),
            **_read(answers),
        }
        for (setting, length, depth), answers in cells.items()
    ]


def _read(answers: Sequence[Row]) -> dict[str, int]:
    letters = [each["letter"] for each in answers if "letter" in each]
    return {"lettered": len(letters), "unparsed": letters.count(None)} if letters else {}


def unparsed_answers(result: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """By setting, from how many answers no letter could be read, and of how many with options."""
    found: dict[str, tuple[int, int]] = {}
    for cell in result.get("grid", ()):
        if "lettered" in cell:
            unread, asked = found.get(cell["setting"], (0, 0))
            found[cell["setting"]] = unread + cell["unparsed"], asked + cell["lettered"]
    return found


def grid_tables(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """By setting, a table of found and asked: a row per depth, a column per length of film."""
    tables: dict[str, list[list[str]]] = {}
    if "grid" not in result:
        return tables
    for setting in _settings(result):
        cells, lengths, depths = _axes(result, setting)
        rows = [["depth", *lengths]]
        for depth in depths:
            rows.append([depth, *(_of(cells.get((length, depth))) for length in lengths)])
        tables[setting] = rows
    return tables


def draw_heat_map(result: Mapping[str, Any], path: Path) -> None:
    """Write a PNG with a panel for each setting: depth downwards, length to the right, share found as colour.

    Raises:
        LongreelError: matplotlib is not installed, or the file cannot be written.
    """
    settings = _settings(result)
    columns = min(len(settings), _MOST_COLUMNS)
    lines = -(-len(settings) // columns)
    _, lengths, depths = _axes(result, settings[0])
    width = columns * (_CELL[0] * max(len(lengths), 4) + _FRAME[0])
    height = lines * (_CELL[1] * max(len(depths), 3) + _FRAME[1])
    figure = empty_figure((width, height))
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for panel, setting in zip(panels, settings, strict=False):
        _draw(panel, result, setting)
    for panel in panels[len(settings) :]:
        panel.set_axis_off()
    write_png(figure, path)


def _draw(axes: Axes, result: Mapping[str, Any], setting: str) -> None:
    cells, lengths, depths = _axes(result, setting)
    shares = [[_share(cells.get((length, depth))) for length in lengths] for depth in depths]
    axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for row, line in enumerate(shares):
        for column, share in enumerate(line):
            known = share == share
            colour = "black" if known and share > 0.6 else "white"
            text = f"{share:.0%}" if known else "no room"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize="small",
                color=colour if known else "0.4",
            )
    axes.set_xticks(range(len(lengths)), [length.split()[0] for length in lengths])
    axes.set_yticks(range(len(depths)), [f"{float(depth):.0%}" for depth in depths])
    axes.set_xlabel(f"length of film, {lengths[0].split()[1]}")
    axes.set_ylabel("depth")
    axes.set_title(setting, fontsize="medium")


def _settings(result: Mapping[str, Any]) -> list[str]:
    """Those that saw the film, in the order of the plan, whether or not they had room for it."""
    return [label for label in result["plan"]["settings"] if label in result["plan"]["methods"]]


def _axes(
    result: Mapping[str, Any], setting: str
) -> tuple[dict[tuple[str, str], Mapping[str, Any]], list[str], list[str]]:
    """The cells of a setting by length and depth, and all lengths and depths, ascending."""
    grid = result["grid"]
    lengths = sorted({cell["length"] for cell in grid}, key=lambda text: float(text.split()[0]))
    depths = sorted({cell["depth"] for cell in grid}, key=float)
    cells = {(cell["length"], cell["depth"]): cell for cell in grid if cell["setting"] == setting}
    return cells, lengths, depths


def _share(cell: Mapping[str, Any] | None) -> float:
    return float("nan") if cell is None else cell["right"] / cell["questions"]


def _of(cell: Mapping[str, Any] | None) -> str:
    return "" if cell is None else f"{cell['right']}/{cell['questions']}"
