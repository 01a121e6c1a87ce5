"""A benchmark's result as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from longreel.evaluate.benchmarks.data import PROBLEMS, in_words
from longreel.evaluate.tables import signed


def metric_table(result: Mapping[str, Any]) -> list[list[str]]:
    """A row per setting, a column per metric; then how many answers could not be read."""
    names = list(dict.fromkeys(line["metric"] for line in result["metrics"]))
    found = {(line["setting"], line["metric"]): line for line in result["metrics"]}
    rows = [["", *names, "unparsed"]]
    for setting, answers in result["answers"].items():
        values = [_value(found.get((setting, name)), "value") for name in names]
        rows.append([setting, *values, f"{answers['unparsed_percent']:.1f} %"])
    return rows


def difference_table(result: Mapping[str, Any], to: str) -> list[list[str]]:
    """How much larger metrics are than under the setting `to`, each over what both have."""
    lines = [line for line in result["differences"] if line["to"] == to]
    names = list(dict.fromkeys(line["metric"] for line in lines))
    found = {(line["setting"], line["metric"]): line for line in lines}
    rows = [["", *names]]
    for label in dict.fromkeys(line["setting"] for line in lines if line["setting"] != to):
        rows.append([label, *(_counted(found.get((label, name))) for name in names)])
    return rows


def _counted(line: Mapping[str, Any] | None) -> str:
    return "" if line is None else f"{signed(line, 'value', 1)} of {line['units']:,}"


def sorted_table(result: Mapping[str, Any], metric: str, tag: str) -> list[list[str]]:
    """A row per value of a tag, a column per setting."""
    cells = [cell for cell in result["cells"] if (cell["metric"], cell["by"]) == (metric, tag)]
    settings = list(dict.fromkeys(cell["setting"] for cell in cells))
    found = {(cell["value"], cell["setting"]): cell for cell in cells}
    values = dict.fromkeys(cell["value"] for cell in cells)
    rows = [[tag, *settings, "units"]]
    for value in values:
        units = max(found[value, setting]["units"] for setting in settings if (value, setting) in found)
        shown = [_value(found.get((value, setting)), "mean") for setting in settings]
        rows.append([value, *shown, str(units)])
    return rows


def sortings(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs of metric and tag for which there is a table."""
    return list(dict.fromkeys((cell["metric"], cell["by"]) for cell in result["cells"]))


def denominator(data: Mapping[str, Any]) -> str:
    """What was asked of what there is, in one line."""
    published = data["questions_published"]
    of = f"{data['questions_found']:,}" if published is None else f"{published:,} published"
    videos = f"{data['clips_watched']:,} of {data['clips']:,} videos"
    if data["clips"] < data["clips_found"]:
        videos += f", the first of {data['clips_found']:,}"
    line = f"{data['questions_asked']:,} of {of} questions, {videos}"
    lost = [
        f"{len(data[problem])} {in_words(problem)}: {_listed(data[problem])}"
        for problem in (*PROBLEMS, "renamed")
        if data[problem]
    ]
    return "; ".join([line, *lost])


def remarks(result: Mapping[str, Any]) -> list[str]:
    """What else bears on the numbers: why videos are left out, damage in others, missing subtitles."""
    data, lines = result["data"], [f"{name}: {reason}" for name, reason in result["data"]["reasons"].items()]
    lines += _over_fewer_classes(result)
    for label, answers in result["answers"].items():
        lines += [f"{label}: {line}" for line in _not_marked(answers, result["parse"])]
    damaged = {film for each in result["answers"].values() for film in each["damaged_videos"]}
    if damaged:
        lines.append(
            f"{len(damaged)} damaged in part, watched as far as they can be read: {_listed(sorted(damaged))}"
        )
    if data["without_subtitles"] and result["plan"]["task"]["subtitles"] != "none":
        lines.append(f"{data['without_subtitles']:,} subtitle files are missing, their questions had none")
    return lines


def _over_fewer_classes(result: Mapping[str, Any]) -> list[str]:
    """Which means over classes lack some of them, and under which settings if not under all."""
    found: dict[str, list[str]] = {}
    for line in result["metrics"]:
        if absent := line.get("absent_classes"):
            of = line["classes"] + len(absent)
            said = f"{line['metric']} is over {line['classes']} of {of}, without {_listed(absent)}"
            found.setdefault(said, []).append(line["setting"])
    every = len(result["answers"])
    return [said if len(at) == every else f"{', '.join(at)}: {said}" for said, at in found.items()]


def _not_marked(answers: Mapping[str, Any], parse: str) -> list[str]:
    """Answers that count otherwise than right or wrong, or could not be given."""
    lines = []
    if unread := answers["unreadable_judgements"]:
        way = "left out" if parse == "strict" else "counted as 0"
        lines.append(f"{unread:,} judgements cannot be read and are {way} (they are in judgements.jsonl)")
    elif answers["not_judged"]:
        lines.append(f"{answers['not_judged']:,} free answers are not graded: name a judge with --judge")
    if answers["left_out"]:
        lines.append(f"{answers['left_out']:,} answers are left out of the denominator, as lmms-eval does")
    if answers["too_long_to_ask"]:
        lines.append(
            f"{answers['too_long_to_ask']:,} questions are too long to be asked, and counted as wrong"
        )
    return lines


def _listed(names: Sequence[str] | Mapping[str, str]) -> str:
    shown = list(names)[:5]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _value(line: Mapping[str, Any] | None, name: str) -> str:
    if line is None:
        return ""
    if line["interval"] is None:
        return f"{line[name]:.1f}"
    low, high = line["interval"]
    return f"{line[name]:.1f} \N{PLUS-MINUS SIGN}{(high - low) / 2:.1f}"
