"""Images beside films for the released Video-XL: an only one in tiles, several each as a frame (spec a)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import longreel
from longreel.errors import UsageError
from longreel.models.base import ImagePart
from longreel.models.canvases import Canvas, on_canvas
from tests.fakes import assert_same, broken_off, interrupting
from tests.models.test_released_checkpoint import adapter_of, encoded, film
from tests.released import IMAGE, write_released

TOKENS = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> longreel.Model:
    return longreel.load(write_released(tmp_path_factory.mktemp("released")).folder, keep=1 / 4)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Noise, as wide as three tiles and as high as two."""
    rng = np.random.default_rng(3)
    path = tmp_path / "plan.png"
    Image.fromarray(rng.integers(0, 256, (2 * IMAGE, 3 * IMAGE, 3), dtype=np.uint8)).save(path)
    return path


def test_an_only_image_is_seen_in_its_tiles(model: longreel.Model, plan: Path) -> None:
    adapter = adapter_of(model)
    pixels = torch.from_numpy(np.array(Image.open(plan))).permute(2, 0, 1)
    canvas = on_canvas(pixels, Canvas(3 * IMAGE, 2 * IMAGE))
    cut = [
        canvas[:, row : row + IMAGE, column : column + IMAGE]
        for row in (0, IMAGE)
        for column in (0, IMAGE, 2 * IMAGE)
    ]
    assert adapter.images is not None
    found = adapter.images.encode(pixels, ImagePart(1, alone=True)).embeddings
    assert torch.allclose(found, encoded(adapter, torch.stack(cut)).flatten(0, 1), atol=1e-5)
    memory = model.watch([film(5), plan])
    assert [record.visual_tokens for record in memory.header.sources] == [5 * TOKENS, 6 * TOKENS]
    assert [plan.visual_tokens for plan in model.plan([film(5), plan])] == [5 * TOKENS, 6 * TOKENS]
    assert model.ask(memory, "What is it?", max_new_tokens=3).usage.new_tokens


@pytest.mark.parametrize(
    ("settings", "ratio"),
    [
        ({"keep": 1 / 4, "video_xl": longreel.VideoXL(intervals="dynamic", ratios=(2, 4))}, 4),
        ({"budget": 12}, 2),
        ({"video_xl": longreel.VideoXL(draw="film", ratios=(2,))}, 2),
    ],
    ids=str,
)
def test_an_image_is_an_interval_of_its_own(
    tmp_path: Path, plan: Path, settings: dict[str, Any], ratio: int
) -> None:
    model = longreel.load(write_released(tmp_path).folder, **settings)
    memory = model.watch([film(5), plan])
    intervals = memory.header.intervals or ()
    assert intervals[-1] == (6 * TOKENS, ratio)
    assert sum(tokens for tokens, _ in intervals) == 11 * TOKENS
    again = model.watch([film(5), plan])
    assert_same(memory, again)


def test_several_are_seen_as_frames(model: longreel.Model, plan: Path) -> None:
    named: list[Any] = [plan, film(23), plan]
    memory = model.watch(named)
    assert [record.visual_tokens for record in memory.header.sources] == [TOKENS, 23 * TOKENS, TOKENS]
    assert_same(model.watch(named, resume=broken_off(model, named, progress=interrupting(2))), memory)
    with pytest.raises(UsageError, match="watch everything together"):
        model.append(model.watch(film(4)), plan)
