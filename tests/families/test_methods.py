"""Every method of the table on every family."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.methods import method_names, named_method
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.test_parity import QUESTIONS, film

# The strides of context-window are larger than the grids of these checkpoints; see test_pooling.
METHODS = [name for name in method_names() if named_method(name).tokens is None]
METHODS = [name for name in METHODS if not named_method(name).needs_summary_tokens]


@pytest.mark.parametrize("method", METHODS)
def test_it_watches_saves_and_answers(family: str, folder: Path, method: str, tmp_path: Path) -> None:
    model = longreel.load(folder, method=method)
    model.adapter.interval = 11  # type: ignore[misc]
    memory = model.watch(film(12))
    memory.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert_same(memory, reopened)
    # Greedily, random weights may end every answer before its first word.
    answers = model.ask(reopened, list(QUESTIONS), max_new_tokens=4, temperature=1.0, seed=1)
    assert any(answer.usage.new_tokens and answer.evidence for answer in answers)
    assert "entries" in str(memory.report())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("when", [1, 2])
def test_an_interrupted_watch_goes_on(family: str, folder: Path, method: str, when: int) -> None:
    model = longreel.load(folder, method=method)
    model.adapter.interval = 11  # type: ignore[misc]
    source = film(40)
    whole = model.watch(source)
    partial = broken_off(model, source, progress=interrupting(when))
    assert_same(whole, model.watch(source, resume=partial))


def test_random_keeps_text_and_a_share_of_each_chunk(family: str, folder: Path) -> None:
    everything = longreel.load(folder).watch(film(12))
    model = longreel.load(folder, method="random", keep=0.25)
    model.adapter.interval = 8  # type: ignore[misc]
    memory = model.watch(film(12))
    token, all_of_them = memory.layers[0].token, everything.layers[0].token
    chunks = memory.header.visual_tokens / 8
    assert (token == TEXT).sum() == (all_of_them == TEXT).sum()
    assert (token != TEXT).sum() == 2 * chunks
    visual = token[token != TEXT]
    assert torch.equal(visual, visual.sort().values)


def test_a_recent_window_keeps_the_end(family: str, folder: Path) -> None:
    model = longreel.load(folder, method="recent-window", budget=10)
    model.adapter.interval = 8  # type: ignore[misc]
    memory = model.watch(film(12))
    for layer in memory.layers:
        visual = layer.token[layer.token != TEXT]
        last = memory.header.visual_tokens
        assert visual.tolist() == list(range(last - 10, last))
        assert layer.keys.shape[1] == len(layer.token) == layer.positions.shape[-1]


def test_uniform_frames_stay_within_a_budget(family: str, folder: Path) -> None:
    everything = longreel.load(folder).watch(film(24)).header.visual_tokens
    memory = longreel.load(folder, method="uniform", budget=everything // 3).watch(film(24))
    assert everything / 6 < memory.header.visual_tokens <= everything // 3
    seconds = memory.timeline.frames
    assert seconds[0] == 0
    assert seconds.diff().max() <= 3 * seconds.diff().min()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"method": "random", "budget": 9}, "keep="),
        ({"method": "recent-window", "keep": 0.5}, "budget="),
        ({"method": "uniform", "keep": 0.5, "budget": 9}, "one of them"),
        ({"method": "recent-window", "budget": 0}, "budget=0"),
        ({"method": "uniform", "budget": 1.5}, "1.5"),
        ({"positions": "mine"}, "'mine'"),
    ],
)
def test_settings_that_cannot_be(
    settings: dict[str, object], named: str, checkpoints: dict[str, Path]
) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        longreel.load(checkpoints["qwen2_vl"], **settings)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 1


def test_a_budget_below_a_frame_is_refused(family: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="holds no frame"):
        longreel.load(folder, method="uniform", budget=1).watch(film(4))
