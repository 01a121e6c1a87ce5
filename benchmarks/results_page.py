"""Write docs/results/README.md from the stored results.

python benchmarks/results_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ablation import result as ablation_result
from experiment import result as experiment_result
from longreel.evaluate.tables import as_markdown, cost_table, share_table

RESULTS = Path(__file__).parents[1] / "docs/results"
PAGE = RESULTS / "README.md"
HEAD = """# Results

Every number in README and docs is from one of these files. This page is written by \
`python benchmarks/results_page.py`; a test fails when it and the files differ.
"""
WAYS = {"free": "In free wording", "options": "With lettered options"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(path) for path in sorted(RESULTS.glob("*.json")))])


def section(path: Path) -> str:
    """What one file says about itself, and its tables if it is of `longreel evaluate`."""
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    parts = [f"## [{path.name}]({path.name})", f"`{result['command']}`", _origin(result)]
    if "ablation" in result:
        parts += ablation_result.tables(result)
    elif "experiment" in result:
        parts += experiment_result.tables(result)
    elif "plan" in result:
        parts += _tables(result)
    elif "rows" in result:
        about = [result[name].removesuffix(".") for name in ("film", "note") if name in result]
        parts += [". ".join(about) + ".", _rows(result["rows"])]
    if "peak_by_length" in result:
        parts += ["Peak memory of our reader at 1 frame per second:", _rows(result["peak_by_length"])]
    return "\n\n".join(parts) + "\n"


def _origin(result: dict[str, Any]) -> str:
    hardware, versions = result["hardware"], result.get("versions", {})
    gpu = hardware.get("gpu") or hardware.get("cuda")
    where = f"{hardware['cores']} cores of an {hardware['cpu']}, {gpu or 'no GPU'}"
    return "; ".join([where, *(f"{name} {version}" for name, version in versions.items())])


def _rows(rows: list[dict[str, Any]]) -> str:
    """Equal records as a table."""
    names = [name.replace("_", " ") for name in rows[0]]
    return as_markdown([names, *([str(value) for value in row.values()] for row in rows)])


def _tables(result: dict[str, Any]) -> list[str]:
    parts = []
    for asked in dict.fromkeys(cell["asked"] for cell in result["cells"]):
        parts += [f"{WAYS[asked]}, share right ± half of the 95 % interval over films:"]
        parts += [as_markdown(share_table(result, asked=asked))]
        for by in dict.fromkeys(cell["by"] for cell in result["cells"] if cell["by"] != "all"):
            for family in ("recall", "existence", "needle"):
                table = share_table(result, asked=asked, by=by, family=family)
                if len(table[0]) > 2:
                    parts += [f"{family.capitalize()} by {by}:", as_markdown(table)]
    return [*parts, "Cost, medians over films:", as_markdown(cost_table(result))]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
