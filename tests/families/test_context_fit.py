"""More frames than fit into a model's context are refused before any of them is encoded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import longreel
from longreel.compress.baselines import KeepAll, RandomTokens, RecentWindow
from longreel.context_fit import _kept_within
from longreel.errors import UsageError
from longreel.model import Model
from longreel.models.base import VisualTokens
from tests.families.test_film_plan import tokens
from tests.families.test_parity import QUESTIONS, film


def narrow(folder: Path, context: int, **settings: Any) -> Model:
    """A model with little room, that fails when a frame is encoded."""
    model = longreel.load(folder, **settings)
    adapter: Any = model.adapter
    adapter.context = context

    def encode(*_: object, **__: object) -> VisualTokens:
        raise AssertionError("a frame was encoded")

    adapter.encode = encode
    return model


def filled(folder: Path, frames: int) -> int:
    """Entries that a film, the text before it and a short question fill."""
    model = longreel.load(folder)
    (plan,) = model.plan(film(frames))
    words = model.adapter.dialogue
    return tokens(plan) + len(words.before(None)) + len(words.after([("?", None)]))


def test_it_is_refused_from_one_entry_too_many(family: str, folder: Path) -> None:
    need = filled(folder, 12)
    with pytest.raises(AssertionError, match="was encoded"):
        narrow(folder, need).watch(film(12))
    with pytest.raises(UsageError, match=f"{need - 1} positions") as caught:
        narrow(folder, need - 1).watch(film(12))
    assert len(str(caught.value).splitlines()) == 1


def test_every_way_out_that_is_named_works(family: str, folder: Path) -> None:
    model = narrow(folder, filled(folder, 12) - 20)
    with pytest.raises(UsageError) as caught:
        model.watch(film(40))
    text = str(caught.value)
    ways: list[tuple[Model, dict[str, Any]]] = []
    for name in ("max_frames", "fps", "max_tokens"):
        if found := re.search(rf"{name}=([0-9.]+)", text):
            ways.append((model, {name: float(found[1]) if name == "fps" else int(found[1])}))
    keep = re.search(r"method='uniform' with keep=([0-9.]+)", text)
    assert keep is not None
    ways.append((narrow(folder, model.adapter.context or 0, method="uniform", keep=float(keep[1])), {}))
    assert {name for _, settings in ways for name in settings} >= {"max_frames", "fps"}
    for tried, settings in ways:
        with pytest.raises(AssertionError, match="was encoded"):
            tried.watch(film(40), **settings)


def test_a_method_that_keeps_less_fits_more(family: str, folder: Path) -> None:
    context = filled(folder, 12) - 1
    with pytest.raises(UsageError, match="keep="):
        narrow(folder, context, method="random", keep=1.0).watch(film(12))
    with pytest.raises(AssertionError, match="was encoded"):
        narrow(folder, context, method="random", keep=0.1).watch(film(12))


def test_a_system_prompt_that_fills_everything(family: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="shorter system="):
        narrow(folder, 300).watch(film(4), system="Look. " * 100)


def test_films_are_counted_together(family: str, folder: Path) -> None:
    model = narrow(folder, filled(folder, 12))
    with pytest.raises(UsageError, match="max_frames="):
        model.watch([film(12), film(12, seed=1)])


def test_images_are_counted_too(family: str, folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    Image.new("RGB", (120, 90)).save(plan)
    model = longreel.load(folder)
    need = filled(folder, 12)
    together = sum(map(tokens, model.plan([film(12), plan]))) - tokens(model.plan(film(12))[0]) + need
    with pytest.raises(AssertionError, match="was encoded"):
        narrow(folder, together).watch([film(12), plan])
    with pytest.raises(UsageError, match=r"plan\.png"):
        narrow(folder, together - 1).watch([film(12), plan])


def test_a_question_needs_room_too(family: str, folder: Path) -> None:
    model = longreel.load(folder)
    memory = model.watch(film(4))
    adapter: Any = model.adapter
    adapter.context = max(memory.header.kept) + len(model.adapter.dialogue.after([(QUESTIONS[0], None)]))
    assert model.ask(memory, QUESTIONS[0], max_new_tokens=2).usage.new_tokens
    adapter.context -= 1
    with pytest.raises(UsageError, match="room for"):
        model.ask(memory, QUESTIONS[0])


@pytest.mark.parametrize("placed", [True, False])
def test_what_a_compressor_keeps_is_counted_as_it_will_be(placed: bool) -> None:
    assert _kept_within(KeepAll(), 100, 7, 100, placed=placed)
    assert not _kept_within(KeepAll(), 100, 7, 99, placed=placed)
    # max(1, floor(7 / 4)) of 14 chunks, and 1 of the last.
    assert _kept_within(RandomTokens(0.25), 100, 7, 15, placed=placed)
    assert not _kept_within(RandomTokens(0.25), 100, 7, 14, placed=placed)


def test_what_is_forgotten_keeps_its_position() -> None:
    assert _kept_within(RecentWindow(20), 100, 7, 20, placed=False)
    assert not _kept_within(RecentWindow(20), 100, 7, 20, placed=True)
