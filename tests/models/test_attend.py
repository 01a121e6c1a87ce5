"""Attention over one or several segments, against a plain softmax of everything at once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longreel.models.engine import attend as module
from longreel.models.engine.attend import Segment, attend, grouped_scores
from tests.allocation import Allocation


def plain(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """Query by query and head by head: the i-th last token sees all entries but the i - 1 last."""
    _, heads, tokens, width = query.shape
    entries = keys.shape[1]
    out = torch.zeros(1, heads, tokens, width)
    for head in range(heads):
        kv = head // (heads // len(keys))
        for token in range(tokens):
            seen = entries - tokens + token + 1
            scores = [scale * float(query[0, head, token] @ keys[kv, entry]) for entry in range(seen)]
            shares = torch.tensor(scores).softmax(0)
            out[0, head, token] = sum(shares[entry] * values[kv, entry] for entry in range(seen))
    return out


@given(
    tokens=st.integers(1, 9),
    cuts=st.lists(st.integers(1, 7), min_size=0, max_size=3),
    groups=st.sampled_from([1, 2, 3]),
    scale=st.sampled_from([None, 0.3]),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_it_is_causal_attention_however_the_memory_lies(
    tokens: int, cuts: list[int], groups: int, scale: float | None, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    entries = sum(cuts) + tokens
    query, keys, values = draw(1, 2 * groups, tokens, 6), draw(2, entries, 6), draw(2, entries, 6)
    lengths = [*cuts, tokens]
    segments = [Segment(*part) for part in zip(keys.split(lengths, 1), values.split(lengths, 1), strict=True)]
    expected = plain(query, keys, values, 6**-0.5 if scale is None else scale)
    assert torch.allclose(attend(query, segments, scale), expected, atol=1e-5)
    assert torch.allclose(attend(query, [Segment(keys, values)], scale), expected, atol=1e-5)


@pytest.mark.parametrize("apart", [False, True])
def test_blocks_of_queries_do_not_matter(apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(1, 4, 50, 8, generator=generator)
    keys, values = (torch.randn(2, 70, 8, generator=generator) for _ in range(2))
    cut = 20 if apart else 0
    segments = [Segment(keys[:, :cut], values[:, :cut]), Segment(keys[:, cut:], values[:, cut:])][not apart :]
    whole = attend(query, segments)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert torch.allclose(attend(query, segments), whole, atol=1e-6)


def test_scores_are_those_of_each_head_and_its_keys() -> None:
    query, keys = torch.randn(6, 3, 4), torch.randn(2, 5, 4)
    scores = grouped_scores(query, keys, scale=2.0)
    for head in range(6):
        assert torch.allclose(scores[head], 2 * query[head] @ keys[head // 3].T, atol=1e-5)


def test_peak_memory_is_bounded_however_many_rows_read_a_long_memory() -> None:
    generator = torch.Generator().manual_seed(0)
    heads, head_dim, entries = 32, 4, 20_000

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    memory = Segment(draw(2, entries, head_dim), draw(2, entries, head_dim))
    peaks, rows = [], []
    for tokens in (26, 52):
        own = Segment(draw(2, tokens, head_dim), draw(2, tokens, head_dim))
        query = draw(1, heads, tokens, head_dim)
        with Allocation() as allocation:
            found = attend(query, [memory, own])
        peaks.append(allocation.peak)
        rows.append((found[0, 17, 9], _plainly(query[0, 17, 9], memory, own, head=17, row=9)))
    scores = 26 * heads * entries * 4
    assert 2 * scores <= peaks[0]
    assert peaks[1] - peaks[0] < scores / 10
    assert all(torch.allclose(found, expected, atol=1e-5) for found, expected in rows)


def _plainly(query: Tensor, memory: Segment, own: Segment, head: int, row: int) -> Tensor:
    """One query's attention to the memory and to its own text up to itself."""
    keys = torch.cat((memory.keys[head // 16], own.keys[head // 16, : row + 1]))
    values = torch.cat((memory.values[head // 16], own.values[head // 16, : row + 1]))
    return (keys @ query / query.shape[-1] ** 0.5).softmax(0) @ values
