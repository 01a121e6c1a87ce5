"""Which intervals are read closely, against the plain oracle."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.compress.two_levels import TwoLevels, interval_of, most_attended
from longreel.errors import UsageError
from tests.oracles import two_levels


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    ratio=st.integers(1, 4),
    layers=st.integers(1, 3),
    most=st.integers(0, 10),
    seed=st.integers(0, 10**6),
    ties=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_intervals_are_those_of_the_plain_oracle(
    lengths: list[int], ratio: int, layers: int, most: int, seed: int, ties: bool
) -> None:
    random = torch.Generator().manual_seed(seed)
    tokens, begin = [-1, -1], 0
    for length in lengths:
        tokens += range(begin + ratio - 1, begin + length - length % ratio, ratio)
        begin += length
    token = torch.tensor(tokens)
    # Multiples of 1/8 add up without rounding, so that equal sums are equal.
    shares = [
        torch.randint(2 if ties else 1000, (len(tokens),), generator=random).float() / 8
        for _ in range(layers)
    ]
    found = most_attended(shares, [token] * layers, lengths, most)
    plain = two_levels.chosen([each.tolist() for each in shares], [tokens] * layers, lengths, most)
    assert found.tolist() == plain


def test_tokens_lie_in_intervals() -> None:
    assert interval_of(torch.arange(7), [3, 1, 3]).tolist() == [0, 0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize(("dense", "sparse"), [(4, 4), (8, 4), (0, 4), (True, 4), (2, 2.5)])
def test_levels_that_are_none(dense: int, sparse: int) -> None:
    with pytest.raises(UsageError, match=r"keep more than|no ratios"):
        TwoLevels(dense, sparse)


def test_the_dense_ratio_has_to_be_known() -> None:
    TwoLevels(1, 32).check((2, 4, 8))
    TwoLevels(2, 32).check((2, 4, 8))
    with pytest.raises(UsageError, match=r"dense=3 is no ratio .*: give one of 2, 4, 8, or 1"):
        TwoLevels(3, 8).check((2, 4, 8))
