"""Write the model card's tables and the README's demo from stored results: no number is typed by hand.

python benchmarks/fill_tables.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from longreel.cli.demo_report import DemoReport, report_text

ROOT = Path(__file__).parents[1]
CARD = ROOT / "docs/reel_tiny.md"
# What stands between the markers of that name, and where it comes from.
RESULTS = {
    "long films": "docs/results/reel-tiny-answers.json",
    "films like the demo's": "docs/results/reel-tiny-demo-films.json",
}
README = ROOT / "README.md"
DEMOS = ROOT / "docs/results/reel-tiny-demos.json"
EVIDENCE = ROOT / "docs/results/reel-tiny-evidence.json"
COLUMNS = ("recall", "colour", "place", "action", "object", "existence")


def table(result: dict[str, Any], way: str) -> str:
    """Rows of models, columns of families; the last row is the best constant answer."""
    cells = result["cells"]
    rows = ["| | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    for name, ways in cells.items():
        shares = [f"{ways[way][column]['share_right']:.2f}" for column in COLUMNS]
        rows.append(f"| {name} | " + " | ".join(shares) + " |")
    some = next(iter(cells.values()))[way]
    rows.append(
        "| best constant answer | " + " | ".join(f"{some[c]['majority_answer']:.2f}" for c in COLUMNS) + " |"
    )
    counts = ", ".join(f"{column} {some[column]['questions']}" for column in COLUMNS)
    return "\n".join([*rows, "", f"Questions a cell: {counts}."])


def widest(result: dict[str, Any]) -> float:
    """Half the width of the widest 95 % interval of recall and existence in free wording."""
    intervals = [ways["free"][c]["interval_95"] for ways in result["cells"].values() for c in COLUMNS[::5]]
    return max(float(high - low) for low, high in intervals) / 2


def section(result: dict[str, Any], stored: str) -> str:
    """What stands between two markers of the model card."""
    settings, hardware = result["settings"], result["hardware"]
    blind = "*Blind* is the same decoder trained on the same questions without any film. "
    return f"""Share of right answers on {settings["films"]} films of {settings["minutes"]:g} minutes, \
split `{settings["split"]}`, about scenes of at least {settings["min_event"]:g} s. Recall is colour, place, \
action and object together. {blind if "blind" in result["cells"] else ""}\
The widest 95 % interval over films of recall and existence is ±{widest(result):.2f}.

In free wording:

{table(result, "free")}

With four lettered options (existence: two):

{table(result, "options")}

`{result["command"]}`, {hardware["cores"]} cores of an {hardware["cpu"]}, no GPU; \
[stored result](results/{Path(stored).name})."""


def between_marks(page: str, name: str, text: str) -> str:
    """The page with what stands between the two markers of that name replaced."""
    marks = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    page, count = re.subn(marks, lambda found: f"{found[1]}{text}\n{found[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} places are marked {name!r}: there must be one")
    return page


def evidence_section(measured: dict[str, Any]) -> str:
    """How well spans fit, under every fraction measured."""
    results = measured["results"]
    rows = ["| | questions | hit rate | IoU |", "|---|---|---|---|"]
    for keep, result in results.items():
        for name, row in result.items():
            if name != "questions":
                rows.append(
                    f"| {keep}, {name} | {result['questions']} | {row['hit_rate']:.2f} | {row['iou']:.2f} |"
                )
    hardware = measured["hardware"]
    return "\n".join(
        [
            *rows,
            "",
            f"`{measured['command']}`, {hardware['cores']} cores of an {hardware['cpu']}, no GPU; "
            f"[stored result](results/{EVIDENCE.name}).",
        ]
    )


def filled_card(card: str, results: dict[str, dict[str, Any]], evidence: dict[str, Any]) -> str:
    """The card with its tables written anew."""
    for name, result in results.items():
        card = between_marks(card, name, section(result, RESULTS[name]))
    return between_marks(card, "evidence", evidence_section(evidence))


def filled_readme(readme: str, demos: dict[str, Any]) -> str:
    """The README with the first of the stored demos."""
    first = DemoReport.from_dict(demos["demos"][0])
    hardware = demos["hardware"]
    text = f"""This is what `SEED={first.seed} make demo` printed on {hardware["cores"]} cores of an \
{hardware["cpu"]}, without a GPU ([stored result](docs/results/{DEMOS.name}) of \
`{demos["command"]}`):

```text
{report_text(first, ticks=True, stays=True)}
```"""
    return between_marks(readme, "demo output", text)


def stored_results() -> dict[str, dict[str, Any]]:
    """Every result of the card, by the name of its markers."""
    return {name: json.loads((ROOT / path).read_text()) for name, path in RESULTS.items()}


def stored_demos() -> dict[str, Any]:
    """The demos of several seeds; the README shows the first."""
    demos: dict[str, Any] = json.loads(DEMOS.read_text())
    return demos


def stored_evidence() -> dict[str, Any]:
    """How well the spans of answers fit."""
    evidence: dict[str, Any] = json.loads(EVIDENCE.read_text())
    return evidence


def main() -> None:
    """Rewrite card and README in place."""
    CARD.write_text(filled_card(CARD.read_text(), stored_results(), stored_evidence()))
    README.write_text(filled_readme(README.read_text(), stored_demos()))


if __name__ == "__main__":
    main()
