"""PivotKV: scores, choice and new times of a chunk's tokens."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from longreel.compress.base import Chunk, tokens_kept
from longreel.compress.distances import chunk_changes
from longreel.compress.pivot_kv import (
    PivotKV,
    attention_received,
    layer_counts,
    small_keys,
    squeezed_times,
    time_counts,
    tokens_to_keep,
)
from longreel.errors import UsageError
from tests.oracles import pivot_kv as oracle
from tests.oracles import retake as retake_oracle

HEADS = [(1, 1), (4, 4), (4, 2), (6, 2), (4, 1)]
# Few different values, so that most scores are equal to another.
SCORES = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 1.5]), st.booleans()), min_size=1, max_size=20)


def projections(heads: int, kv_heads: int, tokens: int, width: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(heads * 100 + kv_heads)
    query = torch.randn(heads, tokens, width, generator=generator)
    return query * 2, torch.randn(kv_heads, tokens, width, generator=generator)


@pytest.mark.parametrize(("heads", "kv_heads"), HEADS)
@pytest.mark.parametrize("block", [1, 3, 11, 128])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_scores_equal_the_plain_oracle(heads: int, kv_heads: int, block: int, dtype: torch.dtype) -> None:
    query, key = (part.to(dtype) for part in projections(heads, kv_heads, 11))
    scores = attention_received(query, key, block)
    assert (scores.shape, scores.dtype) == ((11,), torch.float32)
    expected = torch.tensor(oracle.attention_received(query.tolist(), key.tolist()))
    assert torch.allclose(scores, expected, rtol=1e-5)


@settings(deadline=None)
@given(st.sampled_from(HEADS), st.integers(1, 40), st.integers(1, 50))
def test_the_block_size_does_not_change_scores_which_sum_to_the_tokens(
    heads: tuple[int, int], tokens: int, block: int
) -> None:
    query, key = projections(*heads, tokens)
    scores = attention_received(query, key, block)
    assert torch.allclose(scores, attention_received(query, key), rtol=1e-5)
    assert math.isclose(float(scores.double().sum()), tokens, rel_tol=1e-5)


def test_half_precision_is_computed_in_float32() -> None:
    query, key = (part.half() for part in projections(4, 2, 30))
    scores = attention_received(query, key)
    assert torch.equal(scores, attention_received(query.float(), key.float()))
    # In float16 these products would overflow.
    assert attention_received(query * 100, key * 100).isfinite().all()


def test_equal_keys_receive_the_same() -> None:
    query, key = projections(4, 2, 9)
    assert torch.allclose(attention_received(query, key[:, :1].expand(-1, 9, -1)), torch.ones(9))


class LargestTensor(TorchDispatchMode):
    """Notes the elements of the largest tensor that any operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for part in made if isinstance(made, (tuple, list)) else [made]:
            if isinstance(part, Tensor):
                self.elements = max(self.elements, part.numel())
        return made


def test_no_tensor_is_larger_than_one_block_of_rows() -> None:
    query, key = projections(4, 2, 256)
    with LargestTensor() as largest:
        attention_received(query.requires_grad_(), key, block=16)
    assert largest.elements == 4 * 16 * 256


@pytest.mark.parametrize(
    "shapes",
    [((4, 5, 8), (3, 5, 8)), ((4, 5, 8), (2, 6, 8)), ((5, 8), (5, 8)), ((0, 5, 8), (1, 5, 8))],
)
def test_projections_that_do_not_fit_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        attention_received(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_no_tokens_receive_nothing() -> None:
    assert attention_received(torch.zeros(4, 0, 8), torch.zeros(2, 0, 8)).shape == (0,)


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(ValueError, match="block=0"):
        attention_received(*projections(1, 1, 3), block=0)


@settings(deadline=None)
@given(SCORES, st.data())
def test_the_choice_equals_the_plain_oracle(tokens: list[tuple[float, bool]], data: st.DataObject) -> None:
    keep = data.draw(st.integers(0, len(tokens)))
    scores, pivots = [score for score, _ in tokens], [pivot for _, pivot in tokens]
    for mask in (pivots, None):
        kept = tokens_to_keep(torch.tensor(scores), keep, None if mask is None else torch.tensor(mask))
        assert kept.dtype == torch.int64
        assert kept.tolist() == oracle.tokens_to_keep(scores, keep, mask or [False] * len(scores))


@settings(deadline=None)
@given(SCORES)
def test_keeping_all_keeps_the_order(tokens: list[tuple[float, bool]]) -> None:
    scores = torch.tensor([score for score, _ in tokens])
    assert tokens_to_keep(scores, len(tokens)).tolist() == list(range(len(tokens)))


def test_pivots_stay_however_low_their_scores() -> None:
    """The released code gives pivots the average score, by which none of these would stay."""
    scores = torch.tensor([9.0, 8.0, 7.0, 0.1, 0.0, 0.2])
    pivots = torch.tensor([False, False, False, True, True, True])
    assert tokens_to_keep(scores, 2, pivots).tolist() == [3, 5]
    assert tokens_to_keep(scores, 4, pivots).tolist() == [0, 3, 4, 5]


@pytest.mark.parametrize("keep", [-1, 4])
def test_keeping_more_than_there_is_is_refused(keep: int) -> None:
    with pytest.raises(ValueError, match=f"keep={keep} is outside 0 to 3"):
        tokens_to_keep(torch.zeros(3), keep)


def test_pivots_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3,\), \(4,\)"):
        tokens_to_keep(torch.zeros(3), 1, torch.zeros(4, dtype=torch.bool))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=30), st.integers(0, 10**6), st.data())
def test_times_equal_the_plain_oracle(times: list[int], first: int, data: st.DataObject) -> None:
    times = [first + t for t in times]
    kept = sorted(data.draw(st.sets(st.integers(0, len(times) - 1), min_size=1)))
    fraction = Fraction(len(kept), len(times))
    squeezed = squeezed_times(torch.tensor(times), torch.tensor(kept), len(kept) / len(times))
    assert squeezed.dtype == torch.int64
    assert squeezed.tolist() == oracle.squeezed_times(times, kept, fraction)


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_keep_1_leaves_times_as_they_are(times: list[int]) -> None:
    everything = torch.arange(len(times))
    assert squeezed_times(torch.tensor(times, dtype=torch.int32), everything, 1.0).tolist() == times


def test_times_start_at_the_first_that_is_kept() -> None:
    times = torch.tensor([7, 7, 8, 8, 9, 10])
    assert squeezed_times(times, torch.tensor([2, 4, 5]), 0.5).tolist() == [8, 8, 9]
    assert squeezed_times(times, torch.tensor([], dtype=torch.int64), 0.5).tolist() == []


def test_a_fraction_is_taken_as_it_is_meant() -> None:
    """0.29 * 100 is 28.999999999999996 in floats."""
    assert squeezed_times(torch.tensor([0, 100]), torch.tensor([0, 1]), 0.29).tolist() == [0, 29]
    assert tokens_kept(100, 0.29) == 29


@settings(deadline=None)
@given(st.integers(1, 20_000), st.data())
def test_a_share_of_the_tokens_is_kept_exactly(tokens: int, data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, tokens))
    assert tokens_kept(tokens, keep / tokens) == keep


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 10_000))
def test_a_decimal_fraction_is_rounded_down_exactly(tokens: int, parts: int) -> None:
    assert tokens_kept(tokens, parts / 10_000) == max(1, parts * tokens // 10_000)


def test_nothing_is_kept_of_nothing() -> None:
    assert tokens_kept(0, 0.5) == 0


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 12), st.data())
def test_layers_share_out_what_stays(layers: int, tokens: int, data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, tokens))
    row = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.5, 9.0]), min_size=tokens, max_size=tokens)
    scores = data.draw(st.lists(row, min_size=layers, max_size=layers))
    counts = layer_counts([torch.tensor(layer) for layer in scores], keep)
    assert sum(counts) == keep * layers
    assert all(1 <= count <= tokens for count in counts)
    weights = [max(weight, keep / 100) for weight in retake_oracle.layer_weights(scores, keep)]
    exact = [1 + weight * (keep - 1) * layers / sum(weights) for weight in weights]
    if max(exact) <= tokens:
        assert all(abs(count - share) < 1 for count, share in zip(counts, exact, strict=True))
    for one in range(layers):
        for other in range(layers):
            assert weights[one] <= weights[other] or counts[one] >= counts[other]


def test_equal_layers_keep_equally_many() -> None:
    assert layer_counts([torch.tensor([3.0, 2.0, 1.0, 0.0])] * 4, 2) == [2, 2, 2, 2]
    assert layer_counts([torch.full((4,), 9.0), torch.zeros(4)], 2) == [3, 1]
    part = PivotKV(0.5, by_layer=True)
    kept = part.choose(Chunk(4), [torch.tensor([9.0, 8.0, 7.0, 0.0]), torch.tensor([1.0, 0.0, 2.0, 3.0])])
    assert [layer.tolist() for layer in kept] == [[0, 1, 2], [3]]


CHANGES = st.sampled_from([0.0, 0.001, 0.1, 0.25, 0.3, 1.0, 1.7])


@settings(deadline=None)
@given(st.lists(st.tuples(CHANGES, st.integers(1, 40)), min_size=1, max_size=8), st.data())
def test_chunks_share_out_what_stays(chunks: list[tuple[float, int]], data: st.DataObject) -> None:
    changes, tokens = [change for change, _ in chunks], [count for _, count in chunks]
    total = data.draw(st.integers(len(tokens), sum(tokens)))
    counts = time_counts(changes, tokens, total)
    assert sum(counts) == total
    assert all(1 <= count <= of for count, of in zip(counts, tokens, strict=True))
    exact = retake_oracle.time_shares(changes, tokens, total)
    # A rounding of floats may bring the plain one to the next whole number.
    assert all(abs(count - share) < 1 + 1e-9 for count, share in zip(counts, exact, strict=True))


@settings(deadline=None)
@given(st.lists(st.tuples(CHANGES, st.integers(1, 4000)), min_size=1, max_size=8), st.floats(0.01, 1))
def test_each_chunk_gets_what_keeps_its_share(chunks: list[tuple[float, int]], keep: float) -> None:
    changes, tokens = [change for change, _ in chunks], [count for _, count in chunks]
    part = PivotKV(keep, by_time=True)
    allotted = part.allotted(tokens, changes)
    counts = [each.count(of) for each, of in zip(allotted, tokens, strict=True)]
    total = sum(tokens_kept(of, keep) for of in tokens)
    assert (sum(counts), counts) == (total, time_counts(changes, tokens, total))
    assert not any(each.needs_film for each in allotted)
    if len(set(changes)) == len(set(tokens)) == 1:
        assert counts == [part.count(of) for of in tokens]


def test_what_changes_keeps_more() -> None:
    assert time_counts([0.3, 0.1], [100, 100], 42) == [31, 11]
    assert time_counts([0.9, 0.1, 0.0], [10, 100, 100], 62) == [10, 49, 3]
    assert time_counts([0.0, 0.0], [10, 20], 17) == [6, 11]


def test_changes_are_those_within_chunks() -> None:
    """Still, then turning by a right angle each frame; what leads from one chunk to the next counts not."""
    still, turned = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert chunk_changes([[still, still], [turned, still, turned]]) == [0.0, 1.0]
    assert chunk_changes([[still, turned], [turned]]) == [1.0, 0.0]
    assert chunk_changes([[still], [turned, turned, still]]) == [0.5, 0.5]
    assert chunk_changes([[still]]) == [1.0]
    coarse = torch.tensor([[0.0, 2.0], [0.0, 4.0]])
    assert chunk_changes([[turned, coarse, still]]) == [0.5]


@pytest.mark.parametrize("frames", [[3, 3, 2], [1, 1, 1], [4, 1]])
def test_changes_equal_the_plain_oracle(frames: list[int]) -> None:
    generator = torch.Generator().manual_seed(len(frames))
    chunks = [list(torch.randn(count, 5, 8, generator=generator)) for count in frames]
    expected = retake_oracle.chunk_changes([[frame.tolist() for frame in chunk] for chunk in chunks])
    assert chunk_changes(chunks) == pytest.approx(expected, abs=1e-6)


def test_short_keys_are_worth_most() -> None:
    key = torch.tensor([[[3.0, 4.0], [0.0, 1.0]], [[0.0, 5.0], [2.0, 0.0]]])
    assert small_keys(key).tolist() == [-5.0, -1.5]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"keep": 0.5, "budget": 4},
        {"keep": 0.0},
        {"budget": 0},
        {"keep": 0.5, "chunk_frames": 0},
        {"keep": 0.5, "chunk_frames": 10**11},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        PivotKV(**wrong)
    assert len(str(caught.value).splitlines()) == 1
