"""A conversation in one pass against watching interval by interval, in loss and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from longreel.key_values import Interval
from longreel.models.engine.prefill import Prefill, cut
from longreel.models.video_xl.configuration import SummaryTokenConfig
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.train.conversations.chat import IGNORE
from longreel.train.conversations.cuts import EqualCuts, equal_lengths
from longreel.train.conversations.layout import Block, lay_out
from longreel.train.conversations.model import ConversationModel, recompute_activations
from tests.oracles.truncated import truncated_loss
from tests.shapes import DECODER
from tests.train.conversations.sharded import GivenTokens

WIDTH, INTERVAL = DECODER["hidden_size"], 12


class GivenRatios:
    """A plan that draws nothing."""

    def __init__(self, ratios: Sequence[int]) -> None:
        self._ratios = ratios

    def draw(self, place: int, lengths: Sequence[int]) -> list[int]:
        return list(self._ratios) if len(self._ratios) > 1 else list(self._ratios) * len(lengths)


@pytest.fixture(scope="module", params=["learned", "mean"])
def model(request: pytest.FixtureRequest) -> SummaryTokenLM:
    torch.manual_seed(0)
    made = SummaryTokenLM(SummaryTokenConfig(vocab_size=40, summary_start=request.param, **DECODER))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made.double()


def trained(
    model: SummaryTokenLM,
    ratios: Sequence[int] | None,
    truncate: int | None = None,
    interval: int = INTERVAL,
) -> Any:
    plan: Any = None if ratios is None else GivenRatios(ratios)
    cuts = EqualCuts(interval, plan)
    return ConversationModel(model, model, GivenTokens(), cuts=cuts, truncate=truncate)


def gradients(model: SummaryTokenLM, loss: Tensor, *more: Tensor) -> dict[str, Tensor]:
    named = dict(model.named_parameters())
    found = torch.autograd.grad(loss, [*named.values(), *more], allow_unused=True)
    names = [*named, *map(str, range(len(more)))]
    return {name: part for name, part in zip(names, found, strict=True) if part is not None and part.any()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, part in one.items():
        # Rotations are made in single precision.
        assert apart(part, other[name]) < 1e-4, name


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize(
    ("tokens", "ratios"), [(36, [4]), (30, [2]), (36, [2, 1, 12]), (31, [1]), (29, [3, 5, 2]), (5, [12])]
)
@pytest.mark.parametrize("recompute", [False, True])
def test_loss_and_gradients_are_those_of_watching(
    model: SummaryTokenLM, tokens: int, ratios: list[int], recompute: bool
) -> None:
    model.eval()
    torch.manual_seed(1)
    visual = torch.randn(tokens, WIDTH, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(0, 40, (15,))
    labels = torch.full_like(ids, IGNORE)
    labels[11:] = ids[11:]
    expected = model.loss(ids[:4], visual, ids[4:11], ids[11:], interval=INTERVAL, ratios=ratios)
    pupil = trained(model, ratios)
    recompute_activations(model.model)
    pupil.train(recompute)
    found = pupil(ids, labels, [{"before": 4, "seen": [visual]}], 0)["loss"]
    torch.testing.assert_close(found, expected)
    assert_same(gradients(model, found, visual), gradients(model, expected, visual))


class GivenCuts:
    """A plan that cuts what is shown first as it is told."""

    condenses = True

    def __init__(self, intervals: list[Interval]) -> None:
        self._intervals = intervals

    def of(self, place: int, shown: Any, visual: Any) -> list[list[Interval]]:
        return [self._intervals]


@pytest.mark.parametrize("recompute", [False, True])
def test_intervals_of_any_lengths(model: SummaryTokenLM, recompute: bool) -> None:
    model.eval()
    torch.manual_seed(2)
    cut = [Interval(8, 8), Interval(3, 2), Interval(16, 4), Interval(1, 1), Interval(5, 2), Interval(2, 4)]
    visual = torch.randn(35, WIDTH, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(0, 40, (12,))
    labels = torch.where(torch.arange(12) > 8, ids, IGNORE)
    lengths, ratios = zip(*cut, strict=True)
    expected = model.loss(ids[:4], visual, ids[4:9], ids[9:], interval=lengths, ratios=ratios)
    pupil = ConversationModel(model, model, GivenTokens(), cuts=GivenCuts(cut))
    recompute_activations(model.model)
    pupil.train(recompute)
    found = pupil(ids, labels, [{"before": 4, "seen": [visual]}], 0)["loss"]
    torch.testing.assert_close(found, expected)
    assert_same(gradients(model, found, visual), gradients(model, expected, visual))


def said_in_turn(model: SummaryTokenLM, pieces: Sequence[Tensor], ratios: Sequence[int]) -> Tensor:
    """Hidden states of all text, watched piece by piece; ids are text, floats are films."""
    prefill = Prefill(model)
    hidden, past = [], 0
    for piece in pieces:
        if piece.dtype == torch.int64:
            hidden.append(prefill.text(piece))
            continue
        count = len(equal_lengths(len(piece), INTERVAL))
        for part, compressor in cut(len(piece), INTERVAL, ratios[past : past + count]):
            prefill.visual(piece[part], compressor)
        past += count
    return torch.cat(hidden)


@settings(max_examples=15, deadline=None)
@given(
    pieces=st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=6),
    seed=st.integers(0, 100),
    data=st.data(),
)
def test_films_and_text_in_any_order(pieces: list[tuple[bool, int]], seed: int, data: st.DataObject) -> None:
    torch.manual_seed(seed)
    model = SummaryTokenLM(SummaryTokenConfig(vocab_size=40, **DECODER)).double()
    made: list[Tensor] = [torch.randint(0, 40, (2,))]
    shown: list[dict[str, Any]] = []
    for is_text, length in pieces:
        if is_text:
            made.append(torch.randint(0, 40, (length,)))
        elif made[-1].dtype == torch.int64:
            shown.append({"before": sum(len(each) for each in made if each.dtype == torch.int64)})
            made.append(torch.randn(length, WIDTH, dtype=torch.float64))
            shown[-1]["seen"] = [made[-1]]
    made.append(torch.randint(0, 40, (3,)))
    lengths = [n for each in shown for n in equal_lengths(len(each["seen"][0]), INTERVAL)]
    ratios = [data.draw(st.sampled_from([1, 2, 3, 5])) for _ in lengths]
    ids = torch.cat([each for each in made if each.dtype == torch.int64])
    labels = torch.full_like(ids, IGNORE)
    labels[-2:] = ids[-2:]
    with torch.no_grad():
        hidden = said_in_turn(model, made, ratios)
        expected = cross_entropy(model.scores(hidden[-3:-1]), ids[-2:])
        found = trained(model, ratios or None)(ids, labels, shown, 0)["loss"]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("truncate", [0, 1])
def test_a_truncated_gradient_is_that_of_the_loop_which_lets_go(truncate: int) -> None:
    """The loop holds each interval's reading of far memory as numbers, the text's reading as it is."""
    torch.manual_seed(3)
    model = SummaryTokenLM(SummaryTokenConfig(vocab_size=40, **DECODER)).double()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    visual = torch.randn(12, WIDTH, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(0, 40, (6,))
    labels = torch.full_like(ids, IGNORE)
    labels[4:] = ids[4:]
    shown = [{"before": 2, "seen": [visual]}]
    found = trained(model, [2], truncate, interval=4)(ids, labels, shown, 0)["loss"]
    expected = truncated_loss(model, ids[:2], visual, ids[2:], 2, 4, 2, truncate)
    torch.testing.assert_close(found, expected)
    cut_short = gradients(model, found, visual)
    assert_same(cut_short, gradients(model, expected, visual))
    whole = trained(model, [2], interval=4)(ids, labels, shown, 0)["loss"]
    torch.testing.assert_close(found, whole)
    assert apart(gradients(model, whole, visual)["0"], cut_short["0"]) > 1e-2


def test_a_sample_of_text_alone(model: SummaryTokenLM) -> None:
    ids = torch.arange(8)
    labels = torch.where(ids > 4, ids, IGNORE)
    hidden = said_in_turn(model, [ids], [])
    expected = cross_entropy(model.scores(hidden[4:7]), ids[5:])
    torch.testing.assert_close(trained(model, [4])(ids, labels, [], 0)["loss"], expected)


def test_the_sum_is_divided_by_the_tokens_of_the_step(model: SummaryTokenLM) -> None:
    ids = torch.arange(8)
    labels = torch.where(ids > 4, ids, IGNORE)
    own = trained(model, None)(ids, labels, [], 0)["loss"]
    torch.testing.assert_close(trained(model, None)(ids, labels, [], 0, 12)["loss"], own * 3 / 12)


def test_what_stays_whole_is_one_stretch() -> None:
    layout = lay_out(7, [Block(2, (Interval(12, 1), Interval(12, 1), Interval(6, 1)))])
    assert len(layout.stretches) == 1
    assert layout.positions.tolist() == list(range(37))
    assert layout.text.tolist() == [0, 1, *range(32, 37)]
    assert layout.slots is None


@pytest.mark.parametrize("ratios", [None, [4]])
def test_what_nobody_reads_gives_gradients_of_zero_to_all_weights(
    model: SummaryTokenLM, ratios: list[int] | None
) -> None:
    ids = torch.arange(8)
    labels = torch.where(ids > 4, ids, IGNORE)
    blank: Any = torch.ones(4, WIDTH, dtype=torch.float64, requires_grad=True)
    plan: Any = None if ratios is None else GivenRatios(ratios)
    cuts = EqualCuts(INTERVAL, plan)
    with_blank = ConversationModel(model, model, GivenTokens(), cuts=cuts, blank=blank)
    found, own = (each(ids, labels, [], 0)["loss"] for each in (with_blank, trained(model, ratios)))
    torch.testing.assert_close(found, own)
    assert_same(gradients(model, found), gradients(model, own))
    given = torch.autograd.grad(
        with_blank(ids, labels, [], 0)["loss"], [blank, *model.parameters()], allow_unused=True
    )
    assert given[0] is not None
    assert not given[0].any()
    if ratios is not None:
        assert all(gradient is not None for gradient in given)


def test_a_decoder_that_stays_makes_its_activations_again_too() -> None:
    """What learns before it, such as the projector alone, needs its gradient."""
    model = SummaryTokenLM(SummaryTokenConfig(vocab_size=40, attention_dropout=0.5, **DECODER))
    model.requires_grad_(False)
    recompute_activations(model.model)
    calls: list[bool] = []
    model.model.layers[1].mlp.register_forward_pre_hook(lambda module, *_: calls.append(module.training))
    visual = torch.randn(20, WIDTH, requires_grad=True)
    ids = torch.arange(8)
    pupil = trained(model, None).train()
    pupil(ids, torch.where(ids > 4, ids, IGNORE), [{"before": 2, "seen": [visual]}], 0)["loss"].backward()
    assert visual.grad is not None
    assert calls == [False, False]
