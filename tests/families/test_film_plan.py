"""What is planned from a film's facts is what comes out, on every family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.memory import VideoMemory
from longreel.model import Model
from tests.families.test_parity import film
from tests.video.make import Recipe, write


def numbered_film(path: Path, frames: int, size: tuple[int, int]) -> str:
    """An mp4 of 10 frames a second."""
    write(path, Recipe(frames=frames, fps=10, size=size, options={"preset": "ultrafast"}))
    return str(path)


def pictures(frames: int, height: int, width: int, fps: float = 2.0) -> list[tuple[np.ndarray, float]]:
    rng = np.random.default_rng(3)
    return [(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), i / fps) for i in range(frames)]


def tokens(plan: longreel.FilmPlan) -> int:
    """Visual ones and the text among them."""
    return (plan.visual_tokens or 0) + (plan.text_tokens or 0)


def assert_as_planned(model: Model, source: Any, **settings: Any) -> VideoMemory:
    (plan,) = model.plan(source, **settings)
    memory = model.watch(source, **settings)
    (record,) = memory.header.sources
    text = int((memory.layers[0].token == TEXT).sum()) - len(model.adapter.dialogue.before(None))
    assert record.frames_encoded == plan.frames
    assert memory.header.visual_tokens == plan.visual_tokens
    assert text == plan.text_tokens
    assert record.plan is not None
    assert record.plan.model_dump() == {
        field: getattr(plan, field) for field in type(record.plan).model_fields
    }
    return memory


@pytest.mark.parametrize("shape", [(5, 61, 47), (12, 90, 120), (1, 40, 200)])
def test_arrays_become_what_was_planned(family: str, folder: Path, shape: tuple[int, int, int]) -> None:
    memory = assert_as_planned(longreel.load(folder), pictures(*shape))
    assert "patches" in str(memory.report())


@pytest.mark.parametrize("frames", [35, 41])
def test_a_film_becomes_what_was_planned(family: str, folder: Path, frames: int, tmp_path: Path) -> None:
    source = numbered_film(tmp_path / "film.mp4", frames, (74, 130))
    model = longreel.load(folder)
    assert_as_planned(model, source)
    assert_as_planned(model, source, fps=3.0, start=0.4)
    assert_as_planned(model, source, count=5)
    assert_as_planned(model, source, max_frames=3)


def test_arrays_shown_longer_than_a_step_are_counted_once(family: str, folder: Path) -> None:
    assert_as_planned(longreel.load(folder), pictures(6, 60, 80, fps=0.7))


def test_of_selected_frames_only_those_are_planned(family: str, folder: Path) -> None:
    model = longreel.load(folder, method="uniform", keep=0.3)
    memory = assert_as_planned(model, film(23))
    assert memory.header.sources[0].frames_encoded < 23


def test_patches_are_what_the_tower_looks_at(family: str, folder: Path) -> None:
    model = longreel.load(folder)
    (plan,) = model.plan(film(7))
    adapter: Any = model.adapter
    pixels = torch.zeros(7, 3, *plan.size, dtype=torch.uint8)
    if family == "llava_onevision":
        side = adapter.model.config.vision_config.patch_size
        assert plan.patches == 7 * (plan.height // side) * (plan.width // side)
    else:
        assert plan.patches == len(adapter.patches(pixels)[0])


def test_several_films_are_planned_one_by_one(family: str, folder: Path) -> None:
    model = longreel.load(folder)
    sources = [film(5), film(4, seed=2)]
    plans = model.plan(sources)
    memory = model.watch(sources)
    text = int((memory.layers[0].token == TEXT).sum()) - len(model.adapter.dialogue.before(None))
    assert sum(plan.visual_tokens or 0 for plan in plans) == memory.header.visual_tokens
    assert sum(plan.text_tokens or 0 for plan in plans) == text


def test_a_budget_makes_frames_smaller(family: str, folder: Path) -> None:
    if family == "llava_onevision":
        pytest.skip("its frames have one size")
    model = longreel.load(folder)
    source = film(9)
    (free,) = model.plan(source)
    smallest = free
    for budget in range(tokens(free), 0, -1):
        try:
            (plan,) = model.plan(source, max_tokens=budget)
        except UsageError:
            break
        assert tokens(plan) <= budget
        assert plan.frames == 9
        smallest = plan
    assert smallest.height * smallest.width < free.height * free.width
    # A token of each of five pairs, or the least pixels of the tiny settings, 56 * 56.
    assert smallest.visual_tokens == 5 * (1 if family == "qwen3_vl" else 4)
    memory = assert_as_planned(model, source, max_tokens=tokens(smallest))
    assert "at most" in str(memory.report())


def test_a_budget_that_changes_nothing_gives_the_same_memory(family: str, folder: Path) -> None:
    model = longreel.load(folder)
    one, other = model.watch(film(5)), model.watch(film(5), max_tokens=10_000)
    assert all(
        torch.equal(mine.keys, theirs.keys) for mine, theirs in zip(one.layers, other.layers, strict=True)
    )


def test_too_small_a_budget_names_what_would_fit(family: str, folder: Path) -> None:
    model = longreel.load(folder)
    source = film(40)
    with pytest.raises(UsageError, match="max_frames=") as caught:
        model.watch(source, max_tokens=45)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    most = int(text.split("max_frames=")[1].split(" ")[0])
    rate = float(text.split("fps=")[1].split(",")[0])
    assert model.plan(source, max_tokens=45, max_frames=most)[0].frames == most
    assert model.plan(source, max_tokens=45, fps=rate)
    with pytest.raises(UsageError):
        model.plan(source, max_tokens=45, max_frames=most + 1)


def test_a_budget_of_nothing(family: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="not even one frame"):
        longreel.load(folder).watch(film(6), max_tokens=1)


@pytest.mark.parametrize("wrong", [0, -3, 2.5, True, "many"])
def test_budgets_that_are_none(wrong: object, checkpoints: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="whole number"):
        longreel.load(checkpoints["qwen2_vl"]).watch(film(4), max_tokens=wrong)  # type: ignore[arg-type]


def test_films_of_unknown_length(family: str, folder: Path) -> None:
    model = longreel.load(folder)
    memory = model.watch(iter(film(4)))
    plan = memory.header.sources[0].plan
    assert plan is not None
    assert plan.frames is None
    assert "unknown" in str(memory.report())
    with pytest.raises(UsageError, match="known length"):
        model.watch(iter(film(4)), max_tokens=500)
    with pytest.raises(UsageError, match="once only"):
        model.plan(iter(film(4)))
