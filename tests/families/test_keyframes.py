"""Frames that stay by their features, chosen when the film has ended, on every family."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import longreel
from longreel.compress.base import tokens_kept
from longreel.compress.baselines import KeepAll
from longreel.compress.dpselect import DPSelect, select_keyframes
from longreel.compress.merging import Merging, merge_frames
from longreel.errors import UsageError
from longreel.key_values import TEXT, KeyValues
from longreel.methods import Method
from longreel.model import Model
from longreel.models.base import VisualTokens
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.test_parity import QUESTIONS, film
from tests.families.test_retake import encoded

FRAMES = 23
KEEP = 0.4
SELECTORS = [DPSelect(KEEP), DPSelect(KEEP, per_patch=False), Merging(KEEP), Merging(KEEP, hard=True)]


def thinned(folder: Path, selector: Any) -> Model:
    return longreel.load(folder, method=Method(features=selector))


def stretches(selector: Any, features: Tensor) -> list[list[range]]:
    """For every frame that stays and each of its patches, the frames that it stands for."""
    keep, patches = tokens_kept(len(features), KEEP), features.shape[1]
    if isinstance(selector, Merging):
        merged = merge_frames(features, keep, hard=selector.hard, per_patch=selector.per_patch)
        first, last = merged.first.tolist(), merged.last.tolist()
    else:
        indices = select_keyframes(features, keep, 3, selector.per_patch).indices
        first = last = (indices if selector.per_patch else indices[:, None].expand(-1, patches)).tolist()
    return [[range(a, b + 1) for a, b in zip(*rows, strict=True)] for rows in zip(first, last, strict=True)]


def expected_tokens(selector: Any, tokens: VisualTokens) -> VisualTokens:
    """What stays of a film, gathered patch by patch."""
    patches = int(tokens.frame.unique_consecutive(return_counts=True)[1][0])
    features = tokens.embeddings.reshape(-1, patches, tokens.embeddings.shape[1])
    stands = stretches(selector, features)
    soft = isinstance(selector, Merging) and not selector.hard

    def gathered(part: Tensor) -> Tensor:
        rows = part.reshape(-1, patches, part.shape[-1])
        each = [
            rows[list(one), n].mean(0) if soft else rows[one[-1], n]
            for row in stands
            for n, one in enumerate(row)
        ]
        return torch.stack(each)

    words = dict(tokens.words)
    woven = {}
    for number, row in enumerate(stands):
        source = min(one[0] for one in row)
        if (ids := words.get(source * patches)) is not None:
            woven[number * patches] = ids
    if stands[0] and min(one[0] for one in stands[0]) and 0 in words:
        later = woven.get(0)
        # The first film's first frame has nothing before it that ends.
        woven[0] = words[0] if later is None else later[1:]
    count = len(stands) * patches
    return VisualTokens(
        gathered(tokens.embeddings),
        torch.stack(
            [tokens.start.reshape(-1, patches)[one[0], n] for row in stands for n, one in enumerate(row)]
        ),
        torch.stack(
            [tokens.end.reshape(-1, patches)[one[-1], n] for row in stands for n, one in enumerate(row)]
        ),
        torch.arange(len(stands)).repeat_interleave(patches),
        tuple(sorted(woven.items())),
        None if tokens.place is None else tokens.place[:, :count],
        None if tokens.deep is None else torch.stack([gathered(level) for level in tokens.deep]),
    )


def watched(model: Model, tokens: VisualTokens) -> KeyValues:
    """The memory of these tokens, without the stages before them."""
    watcher = model.adapter.watcher(model.adapter.dialogue.before(None), KeepAll())
    watcher.push(tokens)
    return watcher.finish()


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_what_stays_is_what_is_chosen_of_the_whole_film(selector: Any, family: str, folder: Path) -> None:
    model = thinned(folder, selector)
    source = film(FRAMES)
    memory = model.watch(source)
    expected = expected_tokens(selector, encoded(model, source))
    theirs = watched(model, expected)
    assert memory.header.visual_tokens == len(expected)
    for mine, other in zip(memory.layers, theirs.layers, strict=True):
        assert torch.equal(mine.token, other.token)
        assert torch.equal(mine.positions, other.positions)
        assert torch.allclose(mine.keys, other.keys, atol=1e-4)
        assert torch.allclose(mine.values, other.values, atol=1e-4)
    shown = memory.seconds()[memory.layers[0].token != TEXT]
    assert shown[:, 0].tolist() == expected.start.tolist()
    stages = {stage.name: (stage.before, stage.after) for stage in memory.header.stages}
    plan = memory.header.sources[0].plan
    assert plan is not None
    assert stages["keyframes"] == (plan.visual_tokens, len(expected))


@pytest.mark.parametrize("selector", [DPSelect(KEEP), Merging(KEEP)], ids=str)
@pytest.mark.parametrize("when", [1, 3, 4])
def test_an_interrupted_watch_goes_on(
    selector: Any, when: int, family: str, folder: Path, tmp_path: Path
) -> None:
    retake = longreel.Retake(chunk_frames=8).cache(0.5, None)
    model = longreel.load(folder, method=Method(features=selector, cache=retake))
    sources = [film(37, seed=1), film(19, seed=2)]
    whole = model.watch(sources)
    partial = broken_off(model, sources, progress=interrupting(when))
    partial.save(tmp_path / "film.memory")
    assert_same(whole, model.watch(sources, resume=model.open(tmp_path / "film.memory")))


def test_it_goes_on_where_it_was_broken_off_while_prefilling(family: str, folder: Path) -> None:
    retake = longreel.Retake(chunk_frames=8).cache(0.5, None)
    model = longreel.load(folder, method=Method(features=DPSelect(0.7), cache=retake))
    whole = model.watch(film(40))
    adapter: Any = model.adapter
    made = adapter.watcher

    def pressing(*given: Any, **named: Any) -> Any:
        watcher = made(*given, **named)
        push, pushes = watcher.push, []

        def pressed(tokens: VisualTokens) -> None:
            push(tokens)
            pushes.append(1)
            if len(pushes) == 2:
                raise KeyboardInterrupt

        watcher.push = pressed
        return watcher

    adapter.watcher = pressing
    partial = broken_off(model, film(40))
    adapter.watcher = made
    assert 0 < partial.header.visual_tokens < whole.header.visual_tokens
    assert_same(whole, model.watch(film(40), resume=partial))


@pytest.mark.parametrize("select", ["peaks", "merge"])
def test_a_budget_is_for_the_frames_that_stay(select: str, family: str, folder: Path) -> None:
    """Frames are selected first, and then the fraction is told."""

    def watched_with(**amount: Any) -> longreel.VideoMemory:
        settings = longreel.Retake(chunk_frames=8, keyframes=0.5, select=select)
        return longreel.load(folder, method="retake", retake=settings, **amount).watch(film(FRAMES))

    whole = watched_with(keep=1.0)
    plan = whole.header.sources[0].plan
    assert plan is not None
    assert plan.visual_tokens is not None
    share = Fraction(whole.header.visual_tokens, plan.visual_tokens)
    prompt = math.ceil((plan.visual_tokens + (plan.text_tokens or 0)) * share)
    assert prompt < plan.visual_tokens + (plan.text_tokens or 0)
    for budget in (prompt, prompt // 3):
        part, same = watched_with(budget=budget), watched_with(keep=budget / prompt)
        for mine, theirs in zip(part.layers, same.layers, strict=True):
            assert torch.equal(mine.keys, theirs.keys)
    assert max(watched_with(budget=prompt).header.kept) == max(whole.header.kept)


def test_at_keep_1_all_frames_stay(family: str, folder: Path) -> None:
    everything = longreel.load(folder).watch(film(FRAMES))
    for selector in (DPSelect(), Merging(1.0)):
        memory = thinned(folder, selector).watch(film(FRAMES))
        for mine, theirs in zip(memory.layers, everything.layers, strict=True):
            assert torch.equal(mine.keys, theirs.keys)


def test_what_cannot_be(family: str, folder: Path) -> None:
    model = thinned(folder, DPSelect(KEEP))
    memory = model.watch(film(6))
    with pytest.raises(UsageError, match=r"keyframes=0\.4"):
        model.append(memory, film(4))
    with pytest.raises(UsageError, match="known length"):
        model.watch(iter(film(4)))
    with pytest.raises(UsageError, match="transcript"):
        model.watch(film(4), subtitles=[(0.0, 1.0, "A fox.")])
    assert model.ask(memory, QUESTIONS[0], max_new_tokens=2).usage.memory_tokens == memory.header.kept[0]
    with pytest.raises(UsageError, match="'best'"):
        longreel.load(folder, method="retake", retake=longreel.Retake(select="best"))


def test_settings_of_retake_become_its_parts() -> None:
    settings = longreel.Retake(keyframes=0.5, window=5, per_patch=False)
    assert settings.features() == DPSelect(0.5, 5, per_patch=False)
    assert replace(settings, select="merge").features() == Merging(0.5, per_patch=False)
    assert replace(settings, select="merge-hard").features() == Merging(0.5, hard=True, per_patch=False)
    assert longreel.Retake(pivots=False).features() is None
    assert longreel.Retake(pivots=False, keyframes=0.5).features() == DPSelect(0.5)
