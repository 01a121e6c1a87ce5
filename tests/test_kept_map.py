"""The map of what was kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from longreel.compress.dpselect import DPSelect
from longreel.compress.pivot_kv import PivotKV
from longreel.errors import UsageError
from longreel.kept_map import draw_map, kept_map
from longreel.key_values import TEXT
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.timeline import Timeline
from tests.cli.conftest import Run, run
from tests.fakes import GRIDLESS, arrays, fake_model, halved

__all__ = ["run"]


def plain_shares(memory: VideoMemory, layer: int) -> dict[float, float]:
    """By the time of a frame, entries kept for each of its tokens, counted one by one."""
    shown = [
        float(first)
        for first, count in zip(memory.timeline.first, memory.timeline.tokens, strict=True)
        for _ in range(count)
    ]
    kept = [shown[token] for token in memory.layers[layer].token.tolist() if token != TEXT]
    return {time: kept.count(time) / shown.count(time) for time in sorted(set(shown))}


@pytest.mark.parametrize("method", GRIDLESS)
def test_shares_are_those_counted_one_by_one(method: str) -> None:
    memory = fake_model(halved(method)).watch([arrays(21), arrays(5, seed=1)])
    drawn = kept_map(memory)
    assert len(drawn.edges) == drawn.shares.shape[1] + 1
    for layer, row in enumerate(drawn.shares):
        assert row.tolist() == pytest.approx(list(plain_shares(memory, layer).values()), nan_ok=True)
    kept = [len([token for token in layer.token.tolist() if token != TEXT]) for layer in memory.layers]
    assert drawn.share == pytest.approx(sum(kept) / len(kept) / memory.header.visual_tokens)


def test_long_films_are_drawn_in_fewer_columns() -> None:
    memory = fake_model("keep-all", None).watch(arrays(100))
    drawn = kept_map(memory, columns=7)
    assert drawn.shares.shape == (3, 7)
    assert torch.equal(drawn.shares, torch.ones(3, 7, dtype=torch.float64))


def test_a_memory_without_a_film() -> None:
    memory = fake_model().watch(arrays(3))
    empty = VideoMemory(memory.layers, Timeline.empty(), memory.header)
    with pytest.raises(UsageError, match="no film"):
        kept_map(empty)


def test_a_picture_of_it(run: Run, tmp_path: Path) -> None:
    method = Method(cache=PivotKV(0.3, chunk_frames=8), features=DPSelect(), name="retake")
    memory = fake_model(method).watch([arrays(40), arrays(30, seed=1)])
    memory.save(tmp_path / "film.memory")
    said = run("map", tmp_path / "film.memory", "-o", tmp_path / "map.png")
    assert said.code == 0, said.err
    assert "3 layers over 35.0 s" in said.out
    picture = np.asarray(Image.open(tmp_path / "map.png").convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    again = run("map", tmp_path / "film.memory", "-o", tmp_path / "again.png", "--json")
    assert len(again.json["shares"]) == 3
    assert len(again.json["seconds"]) == len(again.json["shares"][0]) + 1
    missing = run("map", tmp_path / "film.memory", "-o", tmp_path / "none" / "map.png")
    assert missing.code == 1
    assert "cannot be written" in missing.error


def test_drawing_returns_what_was_drawn(tmp_path: Path) -> None:
    memory = fake_model().watch(arrays(20))
    assert torch.equal(draw_map(memory, tmp_path / "map.png").shares, kept_map(memory).shares)
