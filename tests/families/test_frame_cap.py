"""Long films are sampled as the Qwen releases sample them, unless frames per second are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.model import Model
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.test_film_plan import assert_as_planned, numbered_film
from tests.families.test_parity import film

QWEN = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


def of_at_most(folder: Path, frames: int, **settings: Any) -> Model:
    """A model whose release samples at most so many frames."""
    model = longreel.load(folder, **settings)
    model.adapter.processing["max_frames"] = frames  # type: ignore[attr-defined]
    return model


@pytest.fixture(params=QWEN)
def folder(request: pytest.FixtureRequest, checkpoints: dict[str, Path]) -> Path:
    """Of each family that has a most."""
    return checkpoints[str(request.param)]


def test_the_releases_have_768(checkpoints: dict[str, Path]) -> None:
    most = {family: longreel.load(folder).adapter.most_frames for family, folder in checkpoints.items()}
    assert most == {**dict.fromkeys(QWEN, 768), "llava_onevision": None}


def test_a_long_film_is_sampled_from_its_first_to_its_last_frame(folder: Path, tmp_path: Path) -> None:
    source = numbered_film(tmp_path / "film.mp4", 97, (64, 48))
    memory = assert_as_planned(of_at_most(folder, 8), source)
    # Ten frames a second: as linspace(0, 96, 8) of the release, to a frame.
    found = (memory.timeline.frames * 10).round()
    assert (found - torch.from_numpy(np.linspace(0, 96, 8))).abs().max() < 1
    assert (found[0], found[-1]) == (0, 96)
    assert assert_as_planned(of_at_most(folder, 8), source, fps=2.0).header.sources[0].frames_encoded == 20
    assert assert_as_planned(of_at_most(folder, 8), source, end=3.0).timeline.frames.tolist() == [
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
    ]
    assert_as_planned(of_at_most(folder, 8), source, start=4.0)
    assert_as_planned(of_at_most(folder, 1), source)


def test_of_fewer_frames_they_are_larger(checkpoints: dict[str, Path]) -> None:
    many = longreel.load(checkpoints["qwen3_vl"]).plan(film(60))[0]
    few = of_at_most(checkpoints["qwen3_vl"], 12).plan(film(60))[0]
    assert (many.frames, few.frames) == (60, 12)
    assert few.height * few.width > 2 * many.height * many.width


def test_a_film_of_unknown_length_is_watched_to_its_end(folder: Path) -> None:
    memory = of_at_most(folder, 8).watch(iter(film(20)))
    assert memory.header.sources[0].frames_encoded == 20


def test_a_short_film_may_grow_until_it_is_long(folder: Path) -> None:
    model = of_at_most(folder, 8)
    memory = model.append(model.watch(film(4)), film(4, seed=1))
    assert memory.header.sources[1].frames_encoded == 4
    for earlier, more in ((memory, film(2)), (model.watch(film(20)), film(1))):
        with pytest.raises(UsageError, match="watch the first part again with fps=2,") as caught:
            model.append(earlier, more)
        assert len(str(caught.value).splitlines()) == 1
    asked = model.watch(film(20), fps=2.0)
    assert model.append(asked, film(9)).header.sources[1].frames_encoded == 9


@pytest.mark.parametrize("when", [1, 2])
def test_a_thinned_film_is_gone_on_with(folder: Path, tmp_path: Path, when: int) -> None:
    source = numbered_film(tmp_path / "film.mp4", 300, (64, 48))
    model = of_at_most(folder, 40)
    model.adapter.interval = 7  # type: ignore[misc]
    partial = broken_off(model, source, progress=interrupting(when))
    assert_same(model.watch(source, resume=partial), model.watch(source))


def times(model: Model, source: Any, **settings: Any) -> list[int]:
    """Positions on the axis of time, from where the film begins."""
    memory = model.watch(source, **settings)
    layer = memory.layers[0]
    positions = layer.positions[0, layer.token >= 0]
    return sorted(set((positions - positions[0]).tolist()))


def test_thinned_frames_stand_as_far_apart_as_they_are(checkpoints: dict[str, Path]) -> None:
    """Qwen2.5-VL: two positions a second, whatever the sampling."""
    folder = checkpoints["qwen2_5_vl"]
    # Five frames from 0 to 19.49 s, in pairs.
    assert times(of_at_most(folder, 5), film(39)) == [0, 19, 38]
    assert times(longreel.load(folder), film(40), max_frames=4) == [0, 20]
    assert times(longreel.load(folder, method="uniform", keep=0.1), film(40)) == [0, 20]
    assert times(longreel.load(folder), film(8)) == [0, 2, 4, 6]
