"""The recipes of the default models."""

from __future__ import annotations

from pathlib import Path

import pytest

from longreel.train.recipe import Recipe, load_recipe

FOLDER = Path(__file__).parents[2] / "recipes"
NAMES = sorted(path.stem for path in FOLDER.glob("reel_*.toml"))


def recipe(name: str) -> Recipe:
    return load_recipe(FOLDER / f"{name}.toml")


@pytest.mark.parametrize("name", NAMES)
def test_recipes_are_sound(name: str) -> None:
    assert recipe(name).decoder


def test_the_uncompressed_model_differs_in_its_ratios_alone() -> None:
    larger, other = (recipe(name).model_dump() for name in ("reel_larger", "reel_larger_uncompressed"))
    assert {tuple(stage.pop("ratios")) for stage in other["decoder"]} == {(1,)}
    assert all(len(stage.pop("ratios")) > 1 for stage in larger["decoder"])
    assert other == larger
