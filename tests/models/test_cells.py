"""The tower with cells: what each shows of a frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longreel.models import reel_tiny
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.cells import coverage, ends_of_cells
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.glance_tower import GlanceTower, GlanceTowerConfig, focused, shares_of
from longreel.models.video_xl.modeling import VideoXLModel
from tests.oracles import cells as oracle

WORDS = (5, 3, 4, 2)
middles = st.floats(-0.2, 1.2)
sides = st.floats(-0.1, 1.5)


def shares(seed: int, *shape: int, certain: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(*shape, count, generator=generator).softmax(-1) for count in WORDS]
    return [drawn[0] * certain, drawn[1] * certain, *drawn[2:]]


@given(
    st.tuples(middles, middles, sides),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(20, 90), st.integers(20, 90)),
)
def test_cells_are_covered_as_the_oracle_has_it(
    box: tuple[float, float, float], cells: tuple[int, int], size: tuple[int, int]
) -> None:
    found = coverage(torch.tensor(box), cells, size)
    torch.testing.assert_close(found, torch.tensor(oracle.coverage(box, cells, size)), rtol=1e-4, atol=1e-5)


@given(st.floats(0.25, 0.75), st.floats(0.25, 0.75), st.floats(0.0, 0.5))
def test_cells_cover_as_much_as_there_is_of_a_thing_within_the_picture(
    x: float, y: float, side: float
) -> None:
    covered = coverage(torch.tensor([x, y, side]), (8, 12), (64, 96))
    assert covered.sum() * 64 == pytest.approx(side**2 * 64 * 64, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("certain", [1.0, 0.7, 0.0])
def test_features_are_those_of_the_oracle(certain: float) -> None:
    parts = shares(0, 3, certain=certain)
    covered = torch.tensor([[0.0, 0.3], [1.0, 0.5], [0.25, 0.9]])
    found = ends_of_cells(parts).at(covered)
    assert found.shape == (3, 2, 2 * sum(WORDS))
    for frame in range(3):
        for cell in range(2):
            said = [part[frame].tolist() for part in parts]
            expected = oracle.cell_features(float(covered[frame, cell]), *said)
            torch.testing.assert_close(found[frame, cell], torch.tensor(expected))


def test_a_covered_cell_is_the_mean_of_the_tokens_without_a_grid_but_for_the_place_it_hides() -> None:
    parts = shares(1, 2)
    mean = focused(parts).mean(-2)
    hidden = slice(sum(WORDS[:2]), sum(WORDS[:3]))
    cell = ends_of_cells(parts).covered
    mean[:, hidden] = 0
    torch.testing.assert_close(cell, mean)


def config(**more: Any) -> GlanceTowerConfig:
    return GlanceTowerConfig(words=WORDS, glance=(4, 8), look=(4, 8), motion=8, **more)


def test_the_tower_makes_cells_of_what_it_sees() -> None:
    torch.manual_seed(0)
    tower = GlanceTower(config(cells=(4, 6))).eval()
    pixels = torch.randint(0, 256, (2, 5, 3, 64, 96), dtype=torch.uint8)
    with torch.no_grad():
        found, sight = tower(pixels), tower.see(pixels)
    assert found.shape == (2, 5, 24, tower.config.hidden_size)
    covered = oracle.coverage(sight.box[1, 3].tolist(), (4, 6), (64, 96))
    said = [part[1, 3].tolist() for part in shares_of(sight, 1.0)]
    expected = torch.tensor([oracle.cell_features(share, *said) for share in covered])
    torch.testing.assert_close(found[1, 3], expected, rtol=1e-3, atol=1e-4)


def test_a_surer_tower_tells_things_at_a_lower_temperature() -> None:
    torch.manual_seed(0)
    plain = GlanceTower(config()).eval()
    surer = GlanceTower(config(sureness=2.0)).eval()
    surer.load_state_dict(plain.state_dict())
    pixels = torch.randint(0, 256, (2, 5, 3, 64, 96), dtype=torch.uint8)
    with torch.no_grad():
        one, other = plain(pixels)[..., 0, : WORDS[0]], surer(pixels)[..., 0, : WORDS[0]]
    certain = one.sum(-1, keepdim=True)
    squares = (one / certain) ** 2
    torch.testing.assert_close(other, certain * squares / squares.sum(-1, keepdim=True))


@pytest.mark.parametrize("sureness", [0.0, -1.0, float("inf"), float("nan")])
def test_a_sureness_that_is_none_is_refused(sureness: float) -> None:
    with pytest.raises(ValueError, match="sureness"):
        config(sureness=sureness)


def test_the_config_comes_back_from_its_file(tmp_path: Path) -> None:
    for cells in (None, (4, 6)):
        config(cells=cells).save_pretrained(tmp_path)
        back = GlanceTowerConfig.from_pretrained(tmp_path)
        assert back.cells == (None if cells is None else list(cells))
        assert back.num_tokens == (4 if cells is None else 24)


@pytest.mark.parametrize("cells", [(4,), (0, 3), (2, 3, 4)])
def test_cells_that_are_no_grid_are_refused(cells: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rows and columns"):
        config(cells=cells)


def test_a_model_has_a_grid_only_with_cells() -> None:
    known = VideoXLAdapter.from_folder(Path(reel_tiny.__file__).parent)
    assert "cells" not in known.model.config.vision_config
    assert not known.has_token_grid
    settings = known.model.config.to_dict()
    settings["vision_config"] = {**settings["vision_config"], "cells": [8, 12]}
    model = VideoXLModel(VideoXLConfig(**{**settings, "pool": 2}))
    assert model.vision_tower.is_grid
    assert model.vision_tower.grid == (8, 12)
    assert model.tokens_per_frame == 24
