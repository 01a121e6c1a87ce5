"""Context window and pooling over Video-XL: a small one, the release made small, the default model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import longreel
from longreel.compress.context_window import ContextWindow, scaled_frequencies
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.compress.summary_tokens import SummaryTokens
from longreel.errors import UsageError
from longreel.methods import Method
from tests.fakes import arrays, assert_same, broken_off, interrupting, video_xl_model
from tests.models.test_released_checkpoint import QUESTION, SAMPLED, film
from tests.released import write_released

RESCALED = ContextWindow(window=20)


@pytest.mark.parametrize("ratio", [1, 4])
def test_summary_tokens_are_read_by_the_longer_table(ratio: int, tmp_path: Path) -> None:
    model = video_xl_model(Method(cache=SummaryTokens(ratio), positions=RESCALED))
    memory = model.watch(arrays(57))
    assert memory.window is not None
    tokens = memory.header.visual_tokens
    kept, interval = tokens // 48 * (48 // ratio), tokens % 48
    expected = tokens if ratio == 1 else max(kept + interval + interval // ratio, kept - 12 + 48 + 12)
    assert memory.window.target == expected
    rotation = model.adapter.rotation
    table = scaled_frequencies(2 * len(rotation.inv_freq), 1e6, 20, expected).inv_freq
    assert torch.allclose(memory.window.rotation(rotation).inv_freq, table, rtol=1e-9, atol=0)
    memory.save(tmp_path / "film.memory")
    opened = model.open(tmp_path / "film.memory")
    assert_same(memory, opened)
    plain = video_xl_model(Method(cache=SummaryTokens(ratio)))
    assert not torch.equal(memory.layers[1].keys, plain.watch(arrays(57)).layers[1].keys)
    asked = model.ask(opened, "what is it?", max_new_tokens=8, temperature=1.0, seed=1)
    assert asked.text == model.ask(memory, "what is it?", max_new_tokens=8, temperature=1.0, seed=1).text
    assert_same(
        memory, model.watch(arrays(57), resume=broken_off(model, arrays(57), progress=interrupting(2)))
    )


def test_below_the_window_no_bit_changes() -> None:
    one = video_xl_model(Method(cache=SummaryTokens(4))).watch(arrays(57))
    other = video_xl_model(Method(cache=SummaryTokens(4), positions=ContextWindow(window=10_000))).watch(
        arrays(57)
    )
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)


def test_the_default_model_was_trained_on_five_minutes_and_has_no_grid() -> None:
    model = longreel.load(method=Method(positions=ContextWindow()))
    # Two frames a second, four tokens each, some of them not condensed at all.
    assert model.adapter.trained_window == 5 * 60 * 2 * 4
    with pytest.raises(UsageError, match=r"leave pooling out") as caught:
        longreel.load(method="context-window")
    assert len(str(caught.value).splitlines()) == 1


def test_the_release_is_pooled_from_the_grid_of_its_tower(tmp_path: Path) -> None:
    """Stride 2 is its own pooling: the mean of four cells is what bilinear resizing by half gives."""
    folder = write_released(tmp_path / "VideoXL_weight_8").folder
    plain = longreel.load(folder, keep=1 / 8).watch(film())
    pooling = ProgressivePooling(0, (2, 2))
    pooled = longreel.load(folder, method=Method(tokens=pooling, cache=SummaryTokens(8))).watch(film())
    for mine, theirs in zip(pooled.layers, plain.layers, strict=True):
        assert torch.equal(mine.positions, theirs.positions)
        assert torch.allclose(mine.keys, theirs.keys, atol=1e-3)
    grouped = Method(tokens=ProgressivePooling(3, (2, 4)), cache=SummaryTokens(8), positions=RESCALED)
    model = longreel.load(folder, method=grouped)
    assert model.adapter.trained_window == 128 * 4 // 2
    memory = model.watch(film())
    # Of 23 frames eight are sharp.
    assert memory.header.visual_tokens == model.plan(film())[0].visual_tokens == 8 * 4 + 15
    assert model.ask(memory, QUESTION, **SAMPLED).text
