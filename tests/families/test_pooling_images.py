"""Images beside pooled films stay whole, and count for the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import longreel
from longreel.compress.context_window import ContextWindow
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.methods import Method
from tests.families.test_parity import QUESTIONS, film


@pytest.mark.parametrize("order", [0, 1])
def test_an_image_stays_whole_beside_a_pooled_film(
    family: str, folder: Path, order: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "plan.png"
    Image.fromarray(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)
    method = Method(tokens=ProgressivePooling(3, (1, 2)), positions=ContextWindow(window=3))
    model, plain = longreel.load(folder, method=method), longreel.load(folder)
    shown = [str(path), film(8)][:: -1 if order else 1]
    plans, whole = model.plan(shown), plain.plan(shown)
    assert plans[order].visual_tokens == whole[order].visual_tokens
    memory = model.watch(shown)
    assert memory.header.visual_tokens == sum(plan.visual_tokens or 0 for plan in plans)
    pooled = next(stage for stage in memory.header.stages if stage.name == "pool")
    assert pooled.before > pooled.after == memory.header.visual_tokens
    assert memory.window is not None
    assert memory.window.target > 3
    assert model.ask(memory, QUESTIONS[0], max_new_tokens=2).usage.memory_tokens
