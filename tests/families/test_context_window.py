"""Films longer than the trained window, on every family: one rotary table for the whole memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import longreel
from longreel.compress.baselines import RandomTokens, UniformFrames
from longreel.compress.context_window import ContextWindow, RescaledWindow
from longreel.errors import MemoryFileError, UsageError
from longreel.identity import hash_tensors
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.model import Model
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.stock import Stock
from tests.families.test_context_fit import filled, narrow
from tests.families.test_parity import QUESTIONS, film, logits, seen

# A film of 12 frames reaches more than twice as far, whichever the family.
WINDOW = 3
ASKED: list[tuple[str, str | None]] = [(QUESTIONS[0], None)]


def loaded(folder: Path, part: ContextWindow | None, chunk: int = 11, **parts: Any) -> Model:
    model = longreel.load(folder, method=Method(positions=part, **parts))
    model.adapter.interval = chunk  # type: ignore[misc]
    return model


def window_of(memory: VideoMemory) -> RescaledWindow:
    assert memory.window is not None
    return memory.window


def extent(model: Model, source: Any) -> int:
    """Positions that one film takes up."""
    (plan,) = model.plan(source)
    found = plan.visual_tokens if plan.reach is None else plan.reach
    assert found
    return found


def test_below_the_window_no_bit_changes(family: str, folder: Path) -> None:
    plain, within = loaded(folder, None), loaded(folder, ContextWindow(window=10_000))
    one, other = plain.watch(film(12)), within.watch(film(12))
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)
        assert torch.equal(mine.positions, theirs.positions)
    assert torch.equal(logits(plain, one, ASKED), logits(within, other, ASKED))
    assert window_of(other).scale == window_of(other).attention_factor == 1.0
    assert torch.equal(
        window_of(other).rotation(plain.adapter.rotation).inv_freq, plain.adapter.rotation.inv_freq
    )


@pytest.mark.parametrize("ramp", ["paper", "yarn", "linear"])
@pytest.mark.parametrize("chunk", [11, 10_000])
def test_logits_are_those_of_the_unmodified_model_with_the_same_table(
    family: str, folder: Path, ramp: str, chunk: int
) -> None:
    model, stock = loaded(folder, ContextWindow(ramp, WINDOW), chunk), Stock.load(family, folder)
    source = film(12)
    memory = model.watch(source)
    window = window_of(memory)
    assert window.scale > 2
    rotary = stock.model.model.language_model.rotary_emb
    rotary.inv_freq = torch.tensor(window.inv_freq, dtype=torch.float32)
    rotary.attention_scaling = window.attention_factor
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], ASKED, fps=2.0)
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, ASKED)
    assert (found - expected[-len(found) :]).abs().max() <= 2e-4
    unscaled = logits(model, loaded(folder, None).watch(source), ASKED)
    assert (found - unscaled).abs().max() > 1e-2


def test_auto_is_what_the_films_take_up(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW))
    expected = extent(model, film(12))
    assert window_of(model.watch(film(12))).target == expected
    both = [film(12), film(8, seed=1)]
    # Between two films of LLaVA-OneVision stands a new line, which is text.
    assert window_of(model.watch(both)).target == sum(
        plan.visual_tokens if plan.reach is None else plan.reach  # type: ignore[misc]
        for plan in model.plan(both)
    )


def test_auto_counts_after_the_other_stages(family: str, folder: Path) -> None:
    part = ContextWindow(window=WINDOW)
    thinned = loaded(folder, part, frames=UniformFrames(0.5))
    expected = extent(thinned, film(24))
    assert window_of(thinned.watch(film(24))).target == expected
    pruned = loaded(folder, part, cache=RandomTokens(0.25))
    found = window_of(pruned.watch(film(24)))
    if family != "llava_onevision":
        # Entries stay where they stood.
        assert found.target == extent(pruned, film(24))
        return
    # 96 tokens in chunks of 11, two of each kept: eight whole chunks, then one of 8 behind 16 entries.
    assert found.target == max(7 * 2 + 11, 8 * 2 + 8)


def test_a_fixed_target_is_taken_as_it_is(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=10, target=400))
    assert window_of(model.watch(film(6))).scale == 40
    assert window_of(model.watch(iter(film(6)))).scale == 40


def test_the_window_of_the_family_is_the_default(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow())
    config: Any = model.adapter.model.config  # type: ignore[attr-defined]
    expected = {
        # 32 frames of a grid of three, halved to two.
        "llava_onevision": 32 * 4,
        "qwen2_vl": 384 + 1,
        "qwen2_5_vl": 3600 * 2 + 1,
        "qwen3_vl": config.get_text_config().max_position_embeddings,
    }
    assert window_of(model.watch(film(6))).window == expected[family]


def test_saved_and_opened_again_it_has_the_same_table(family: str, folder: Path, tmp_path: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW))
    memory = model.watch(film(12))
    memory.save(tmp_path / "film.memory")
    # Whatever a model is set to, a memory is asked by its own table.
    reopened = loaded(folder, None).open(tmp_path / "film.memory")
    assert_same(memory, reopened)
    assert reopened.window == memory.window
    assert torch.equal(logits(model, memory, ASKED), logits(model, reopened, ASKED))
    assert f"scale {window_of(memory).scale:.4g}" in str(reopened.report())


@pytest.mark.parametrize("when", [1, 2])
def test_an_interrupted_watch_goes_on_by_the_same_table(family: str, folder: Path, when: int) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW))
    source = film(40)
    whole = model.watch(source)
    partial = broken_off(model, source, progress=interrupting(when))
    assert partial.window == whole.window
    assert_same(whole, model.watch(source, resume=partial))


def test_two_threads_with_two_scales_do_not_meet(family: str, folder: Path) -> None:
    adapter = loaded(folder, None).adapter
    models = [Model(adapter, Method(positions=ContextWindow(window=size))) for size in (WINDOW, 2 * WINDOW)]
    source = film(12)

    def run(model: Model) -> tuple[VideoMemory, torch.Tensor]:
        memory = model.watch(source)
        return memory, logits(model, memory, ASKED)

    alone = [run(model) for model in models]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(run, models * 2))
    for (memory, found), (expected, scores) in zip(together, alone * 2, strict=True):
        assert_same(memory, expected)
        assert torch.equal(found, scores)
    assert not torch.equal(alone[0][1], alone[1][1])


def test_evidence_is_looked_for_by_the_same_table(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW))
    held = model.watch(film(12)).key_values
    ids = model.adapter.dialogue.after(ASKED)
    new = list(model.adapter.generate(held, ids, max_new_tokens=3))
    found = model.adapter.attention(held, ids, new)
    wrong = model.adapter.attention(replace(held, window=None), ids, new)
    assert all(not torch.allclose(one, other) for one, other in zip(found[1:], wrong[1:], strict=True))


def test_the_model_stays_as_it_is(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW))
    network: Any = model.adapter.model  # type: ignore[attr-defined]
    rotary = network.model.language_model.rotary_emb
    before, table = hash_tensors(network.state_dict()), rotary.inv_freq.clone()
    memory = model.watch(film(12))
    model.extend(memory, 1000)
    model.ask(memory, QUESTIONS[0], max_new_tokens=2)
    assert hash_tensors(network.state_dict()) == before
    assert torch.equal(rotary.inv_freq, table)


def test_films_appended_within_the_target_are_those_of_the_joined_film(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW, target=400), chunk=8)
    films = [film(8), film(8, seed=1)]
    parts = model.append(model.watch(films[0]), films[1])
    assert_same(parts, model.watch(films))


def test_films_appended_beyond_the_target_are_refused(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW))
    memory = model.watch(film(12))
    with pytest.raises(UsageError, match=r"model\.extend\(memory, target=\d+\)") as caught:
        model.append(memory, film(12, seed=1))
    assert len(str(caught.value).splitlines()) == 1
    target = int(str(caught.value).split("target=")[1].split(")")[0])
    longer = model.append(model.extend(memory, target), film(12, seed=1))
    assert window_of(longer).target == target
    assert window_of(longer).watched_target == window_of(memory).target
    assert model.ask(longer, QUESTIONS[0], max_new_tokens=2).usage.new_tokens


def test_more_than_a_fixed_target_is_refused_before_anything_is_encoded(family: str, folder: Path) -> None:
    need = extent(loaded(folder, None), film(24))
    part = ContextWindow(window=WINDOW, target=need)
    with pytest.raises(AssertionError, match="was encoded"):
        narrow(folder, 100_000, method=Method(positions=part)).watch(film(24))
    short = replace(part, target=need - 1)
    with pytest.raises(UsageError, match=rf"ContextWindow\(target={need}\)"):
        narrow(folder, 100_000, method=Method(positions=short)).watch(film(24))
    with pytest.raises(UsageError, match="more than the"):
        narrow(folder, 100_000, method=Method(positions=short)).watch([film(12), film(14)])


def test_a_film_of_unknown_length_needs_a_target_and_tells_if_it_was_too_short(
    family: str, folder: Path
) -> None:
    with pytest.raises(UsageError, match="known length"):
        loaded(folder, ContextWindow()).watch(iter(film(6)))
    memory = loaded(folder, ContextWindow(window=4, target=5)).watch(iter(film(24)))
    assert any("larger target" in warning for warning in memory.header.warnings)


def test_a_rescaled_window_makes_room(family: str, folder: Path) -> None:
    need = filled(folder, 12)
    with pytest.raises(UsageError, match="fits into"):
        narrow(folder, need // 2).watch(film(12))
    part = ContextWindow(window=100, target=400)
    with pytest.raises(AssertionError, match="was encoded"):
        narrow(folder, need // 2, method=Method(positions=part)).watch(film(12))
    model = loaded(folder, part)
    memory = model.watch(film(12))
    adapter: Any = model.adapter
    adapter.context = need // 2
    assert model.ask(memory, "?", max_new_tokens=2).usage.new_tokens


@pytest.mark.parametrize("ramp", ["paper", "yarn"])
def test_extending_turns_keys_to_where_watching_again_puts_them(family: str, folder: Path, ramp: str) -> None:
    """Exactly so in the first layer, which no attention came before; nearly so behind it."""
    source = film(12)
    start = extent(loaded(folder, None), source)
    model = loaded(folder, ContextWindow(ramp, WINDOW, target=start))
    memory = model.watch(source)
    longer = model.extend(memory, 3 * start)
    again = loaded(folder, ContextWindow(ramp, WINDOW, target=3 * start)).watch(source)
    assert window_of(longer) == replace(window_of(again), watched_target=start)
    assert torch.allclose(longer.layers[0].keys, again.layers[0].keys, atol=1e-5)
    assert torch.equal(longer.layers[0].values, again.layers[0].values)
    for extended, held, watched in zip(longer.layers[1:], memory.layers[1:], again.layers[1:], strict=True):
        assert torch.equal(extended.values, held.values)
        assert torch.equal(extended.positions, watched.positions)
        left = (extended.keys - watched.keys).norm() / watched.keys.norm()
        stale = (held.keys - watched.keys).norm() / watched.keys.norm()
        assert 0 < left < stale


def test_extending_is_marked_and_can_be_saved(family: str, folder: Path, tmp_path: Path) -> None:
    model = loaded(folder, None)
    memory = model.watch(film(12))
    target = 3 * model.adapter.trained_window
    longer = model.extend(memory, target)
    longer.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert_same(longer, reopened)
    assert window_of(reopened).watched_target == model.adapter.trained_window
    assert "an approximation" in str(reopened.report())
    assert reopened.header.method == memory.header.method
    assert torch.equal(logits(model, longer, ASKED), logits(model, reopened, ASKED))
    assert memory.window is None
    further = model.extend(longer, 2 * target)
    assert window_of(further).watched_target == model.adapter.trained_window


def test_extending_to_what_there_is_changes_nothing(family: str, folder: Path) -> None:
    model = loaded(folder, ContextWindow(window=WINDOW, target=400))
    memory = model.watch(film(6))
    assert model.extend(memory, 400) is memory
    plain = loaded(folder, None)
    unscaled = plain.watch(film(6))
    assert plain.extend(unscaled, plain.adapter.trained_window) is unscaled


@pytest.mark.parametrize("target", [0, -1, 399, 2.5, True, "auto"])
def test_targets_that_a_memory_cannot_be_extended_to(target: Any, checkpoints: dict[str, Path]) -> None:
    model = loaded(checkpoints["qwen2_vl"], ContextWindow(window=WINDOW, target=400))
    with pytest.raises(UsageError, match="target=") as caught:
        model.extend(model.watch(film(4)), target)
    assert len(str(caught.value).splitlines()) == 1


def test_an_incomplete_memory_is_not_extended(checkpoints: dict[str, Path]) -> None:
    model = loaded(checkpoints["qwen2_vl"], None)
    partial = broken_off(model, film(40), progress=interrupting(2))
    with pytest.raises(UsageError, match="incomplete"):
        model.extend(partial, 1000)


def test_a_table_for_heads_of_another_width_is_refused(checkpoints: dict[str, Path]) -> None:
    model = loaded(checkpoints["qwen2_vl"], ContextWindow(window=WINDOW))
    memory = model.watch(film(4))
    assert memory.header.window is not None
    short = memory.header.window.model_copy(update={"inv_freq": memory.header.window.inv_freq[1:]})
    changed = replace(memory, header=memory.header.model_copy(update={"window": short}))
    with pytest.raises(MemoryFileError, match="other shapes"):
        model.ask(changed, QUESTIONS[0])


def test_a_target_below_the_window_of_the_family(family: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="shorter than the"):
        loaded(folder, ContextWindow(target=20)).watch(film(4))
