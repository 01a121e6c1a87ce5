"""Recipes for published results: the settings of a row, and the numbers to compare with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from longreel.errors import UsageError
from longreel.evaluate.benchmarks.table import BENCHMARKS
from longreel.method_parameters import PLAIN, MethodParameters, as_given
from longreel.parsing import nearest

# What holds of a system holds of its rows too, which may say more.
_NOTES = ("untold", "differs")
_PARAMETERS = [each.name for each in fields(MethodParameters)]


@dataclass(frozen=True)
class Figure:
    """A published number: of a metric, or of what is sorted under `of` by the tag `by`.

    base: published for the same model without the method, None if it was not.
    """

    metric: str
    value: float
    base: float | None = None
    by: str | None = None
    of: str | None = None


@dataclass(frozen=True)
class Recipe:
    """A row of a paper. Settings are those of `longreel evaluate`, None where they are its defaults.

    prompt: how questions are put, see `filled`. parameters: of the method. source: where the numbers stand.
    untold: what it does not say. differs: what we do otherwise.
    """

    name: str
    title: str
    benchmark: str
    model: str
    method: str
    source: str
    figures: tuple[Figure, ...]
    split: str | None = None
    keep: str | None = None
    budget: int | None = None
    fps: float | None = None
    count: int | None = None
    max_frames: int | None = None
    dtype: str | None = None
    parse: str = "strict"
    subtitles: str = "none"
    prompt: str | None = None
    parameters: MethodParameters = PLAIN
    untold: str = ""
    differs: str = ""


# What a file may say of a recipe in words and numbers, and of which kind; beside parameters of its method.
_VALUES = {
    name: kind
    for name, kind in get_type_hints(Recipe).items()
    if name not in ("name", "figures", "parameters")
}


def read_recipes(path: Path) -> dict[str, Recipe]:
    """The recipes of a TOML file: [rows.NAME] each, over the values of its [systems.SYSTEM].

    Parameters of a method stand among the others, named as its options: `by_time = true`.

    Raises:
        UsageError: the file is missing or of another form, or names a benchmark or a parameter that does not
            exist, or one that the recipe's method does not have.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        rows, systems = content["rows"], content["systems"]
        return {name: _recipe(f"{path}, recipe {name}", name, row, systems) for name, row in rows.items()}
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a file of recipes") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} holds no recipes ({error}): see recipes/published.toml") from None


def _recipe(
    place: str, name: str, row: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]
) -> Recipe:
    """One recipe; `place` is what errors begin with."""
    values = _joined(row, systems[row["system"]])
    if values["benchmark"] not in BENCHMARKS:
        raise UsageError(f"{place} is of {values['benchmark']!r}: known are {', '.join(BENCHMARKS)}")
    if unknown := sorted(set(values) - {*_VALUES, *_PARAMETERS, "figures"}):
        meant = nearest(unknown[0], [*_VALUES, *_PARAMETERS])
        raise UsageError(f"{place} has {', '.join(unknown)}, which no recipe has{meant}")
    try:
        parameters = MethodParameters.of({each: values[each] for each in _PARAMETERS if each in values})
        parameters.check_for([values["method"]])
        plain = {each: as_given(each, values[each], _VALUES[each]) for each in _VALUES if each in values}
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from None
    figures = tuple(Figure(**figure) for figure in values["figures"])
    return Recipe(name=name, figures=figures, parameters=parameters, **plain)


def _joined(row: Mapping[str, Any], system: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row over those of its system."""
    values = {**system, **row}
    del values["system"]
    for note in _NOTES:
        values[note] = "; ".join(filter(None, (system.get(note), row.get(note))))
    if "count" in row:
        # A row with frames of its own has none of the system's.
        values = {each: value for each, value in values.items() if each not in ("fps", "max_frames")}
    if "fps" in row:
        values.pop("count", None)
    return values


def named_recipe(path: Path, name: str) -> Recipe:
    """One of the recipes of a file.

    Raises:
        UsageError: it has none of this name; see `read_recipes`.
    """
    recipes = read_recipes(path)
    if name not in recipes:
        close = ", ".join(get_close_matches(name, recipes, n=3)) or "none of a name like it"
        raise UsageError(
            f"{path} has no recipe {name!r}, but {close}: the same command without a name lists all "
            f"{len(recipes)}"
        )
    return recipes[name]


def compared(recipe: Recipe, result: Mapping[str, Any], setting: str, base: str) -> list[dict[str, Any]]:
    """For every published number, ours under the setting and without the method; None for what was not
    measured, such as free answers without a judge."""
    return [
        {
            "metric": figure.metric if figure.of is None else f"{figure.metric}, {figure.by} {figure.of}",
            "published": figure.value,
            "ours": _ours(figure, result, setting),
            "published_base": figure.base,
            "our_base": _ours(figure, result, base),
        }
        for figure in recipe.figures
    ]


def _ours(figure: Figure, result: Mapping[str, Any], setting: str) -> float | None:
    if figure.of is None:
        wanted, lines, value = (setting, figure.metric), result["metrics"], "value"
        found = [line[value] for line in lines if (line["setting"], line["metric"]) == wanted]
    else:
        place = (setting, figure.metric, figure.by, figure.of)
        found = [
            cell["mean"]
            for cell in result["cells"]
            if (cell["setting"], cell["metric"], cell["by"], cell["value"]) == place
        ]
    return found[0] if found else None
