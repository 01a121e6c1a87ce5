"""Keyframes, pooling, attention and a longer window in one method, on every family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import longreel
from longreel.compress.context_window import ContextWindow
from longreel.compress.dpselect import DPSelect
from longreel.compress.pivot_kv import PivotKV
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.key_values import TEXT
from longreel.methods import Method
from longreel.model import Model
from longreel.models.base import FilmPart
from longreel.token_shrinking import shrunk
from longreel.video.frames import Frames
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.test_parity import QUESTIONS, film

UNIFORM = ProgressivePooling(group=0, strides=(2, 2))
PROGRESSIVE = ProgressivePooling(group=3, strides=(1, 2))


def loaded(folder: Path, **parts: Any) -> Model:
    return longreel.load(folder, method=Method(**parts))


@pytest.mark.parametrize(
    "parts",
    [
        {"features": DPSelect(), "tokens": UNIFORM},
        {"tokens": PROGRESSIVE},
        {"features": DPSelect(), "tokens": PROGRESSIVE},
        {"features": DPSelect(0.5), "tokens": PROGRESSIVE},
    ],
    ids=["keyframes, uniform", "progressive", "keyframes, progressive", "half of the frames, progressive"],
)
def test_all_parts_together(family: str, folder: Path, parts: dict[str, Any], tmp_path: Path) -> None:
    cache = PivotKV(0.5, chunk_frames=4)
    model = loaded(folder, cache=cache, positions=ContextWindow(window=3), **parts)
    source = film(12)
    memory = model.watch(source)
    assert memory.window is not None
    (plan,) = model.plan(source)
    if "features" not in parts or parts["features"].keep == 1:
        assert memory.header.visual_tokens == plan.visual_tokens
    whole = loaded(folder, positions=ContextWindow(window=3)).watch(source)
    assert whole.window is not None
    # Fewer tokens that move together reach less far.
    assert 3 <= memory.window.target < whole.window.target
    memory.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert_same(memory, reopened)
    assert model.ask(reopened, QUESTIONS[0], max_new_tokens=2).usage.memory_tokens
    assert_same(memory, model.watch(source, resume=broken_off(model, source, progress=interrupting(1))))


@pytest.mark.parametrize("features", [None, DPSelect(), DPSelect(0.5)], ids=["none", "marked", "half"])
@pytest.mark.parametrize("order", [0, 1])
def test_an_image_stays_whole_among_all_parts(
    family: str, folder: Path, features: DPSelect | None, order: int, tmp_path: Path
) -> None:
    picture = tmp_path / "plan.png"
    Image.fromarray(film(1, seed=9)[0][0]).save(picture)
    cache = PivotKV(0.5, chunk_frames=4)
    model = loaded(
        folder, cache=cache, tokens=PROGRESSIVE, positions=ContextWindow(window=3), features=features
    )
    sources = [str(picture), film(40)][:: -1 if order else 1]
    memory, alone = model.watch(sources), model.watch(film(40))
    image = memory.header.visual_tokens - alone.header.visual_tokens
    assert image == model.plan(sources)[order].visual_tokens
    for layer, other in zip(memory.layers, alone.layers, strict=True):
        assert visual_entries(layer.token) == image + visual_entries(other.token)
    # The table is for all of the image, and for what is left of the film.
    assert memory.header.warnings == alone.header.warnings == ()
    assert memory.window is not None
    assert alone.window is not None
    assert memory.window.target > alone.window.target
    assert_same(memory, model.watch(sources, resume=broken_off(model, sources, progress=interrupting(2))))


def visual_entries(token: torch.Tensor) -> int:
    return int((token != TEXT).sum())


def test_a_pooled_token_is_of_a_keyframe_where_its_middle_is(family: str, folder: Path) -> None:
    model = loaded(folder)
    clip, side = model.adapter.clip, model.adapter.frame_size(90, 120, 4)
    pixels = torch.zeros(4 * clip, 3, *side, dtype=torch.uint8)
    block = Frames(pixels, torch.arange(4 * clip, dtype=torch.float64))
    tokens = model.adapter.encode(block, FilmPart(fps=1.0), unpooled=True)
    assert tokens.grid is not None
    rows, columns = tokens.grid[:2]
    pivot = torch.zeros(4, rows, columns, dtype=torch.bool)
    pivot[:, 1, 1] = True
    less = shrunk(replace(tokens, pivot=pivot.flatten()), ProgressivePooling(2, (1, 3)), 0)
    assert less.pivot is not None
    marked = [less.pivot[less.frame == frame].tolist() for frame in less.frame.unique()]
    sharp = pivot[0].flatten().tolist()
    # Three by three cells become one, and of three by four the middles of two are in columns 1 and 3.
    coarse = [True] if columns == 3 else [True, False]
    assert marked == [sharp, coarse, sharp, coarse]
