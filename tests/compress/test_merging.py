"""Merging neighbouring frames."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longreel.compress.merging import Merging, merge_frames
from longreel.errors import UsageError
from tests.oracles import merging as oracle


def walk(frames: int, patches: int, seed: int) -> Tensor:
    """Frames that change a little from one to the next."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(frames, patches, 6, generator=generator, dtype=torch.float64).cumsum(0)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 500), st.booleans(), st.data())
def test_stretches_equal_the_plain_oracle(
    frames: int, patches: int, seed: int, hard: bool, data: st.DataObject
) -> None:
    features, keep = walk(frames, patches, seed), data.draw(st.integers(1, frames))
    expected = oracle.merged(features.tolist(), keep, hard)
    found = merge_frames(features, keep, hard=hard)
    for n in range(patches):
        assert found.first[:, n].tolist() == [frame["first"] for frame in expected]
        assert found.last[:, n].tolist() == [frame["last"] for frame in expected]
    each = merge_frames(features, keep, hard=hard, per_patch=True)
    for n in range(patches):
        alone = oracle.merged(features[:, n : n + 1].tolist(), keep, hard)
        assert each.first[:, n].tolist() == [frame["first"] for frame in alone]


def test_equal_frames_merge_from_the_beginning() -> None:
    features = torch.ones(5, 2, 3)
    assert merge_frames(features, 3).first[:, 0].tolist() == [0, 3, 4]


@pytest.mark.parametrize("keep", [0, 4])
def test_keeping_more_than_there_is_is_refused(keep: int) -> None:
    with pytest.raises(ValueError, match=f"keep={keep} is outside 1 to 3"):
        merge_frames(torch.zeros(3, 1, 2), keep)
    with pytest.raises(UsageError):
        Merging(0.0)
