"""Progressive pooling: sharp and coarse frames in turn."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate

from longreel.compress.progressive_pooling import pool_frames, tokens_per_frame
from tests.oracles import progressive_pooling as oracle

GRIDS = st.tuples(st.integers(1, 9), st.integers(1, 9))
STRIDES = st.tuples(st.integers(1, 5), st.integers(1, 10))
GROUPS = st.integers(0, 5)


def random_features(frames: int, grid: tuple[int, int] = (27, 27), width: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(frames)
    return torch.randn(frames, grid[0] * grid[1], width, generator=generator)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 7), GRIDS, GROUPS, STRIDES)
def test_tokens_equal_the_plain_oracle(
    frames: int, grid: tuple[int, int], group: int, strides: tuple[int, int]
) -> None:
    features = random_features(frames, grid)
    pooled = pool_frames(features, grid, group, strides)
    tokens, frame = oracle.pool_frames(features.tolist(), grid, group, strides)
    assert pooled.frame.tolist() == frame
    assert pooled.frame.dtype == torch.int64
    assert torch.allclose(pooled.tokens, torch.tensor(tokens).view(-1, 2), atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), GROUPS, STRIDES, st.data())
def test_blocks_give_the_tokens_of_the_whole_film(
    frames: int, group: int, strides: tuple[int, int], data: st.DataObject
) -> None:
    features, grid = random_features(frames, (6, 5), width=9), (6, 5)
    cuts = sorted(data.draw(st.sets(st.integers(1, frames))) | {0, frames})
    parts = [
        (first, pool_frames(features[first:last], grid, group, strides, first))
        for first, last in itertools.pairwise(cuts)
    ]
    whole = pool_frames(features, grid, group, strides)
    assert torch.equal(torch.cat([part.tokens for _, part in parts]), whole.tokens)
    assert torch.equal(torch.cat([first + part.frame for first, part in parts]), whole.frame)


@pytest.mark.parametrize(
    ("strides", "group", "tokens"),
    [
        ((2, 2), 0, 50_176),
        ((4, 4), 0, 12_544),
        ((8, 8), 0, 4_096),
        ((2, 4), 4, 21_952),
        ((2, 8), 4, 15_616),
        ((2, 4), 8, 17_248),
        ((2, 8), 8, 9_856),
        ((2, 4), 16, 14_896),
        ((2, 8), 16, 6_976),
    ],
)
def test_256_frames_become_the_tokens_of_the_paper(strides: tuple[int, int], group: int, tokens: int) -> None:
    pooled = pool_frames(random_features(256, width=1), group=group, strides=strides)
    counts = tokens_per_frame(256, group=group, strides=strides)
    assert len(pooled.tokens) == len(pooled.frame) == counts.sum() == tokens
    assert torch.equal(pooled.frame.bincount(), counts)


def test_the_first_frame_of_a_group_is_sharp_and_a_short_group_stays() -> None:
    assert tokens_per_frame(10).tolist() == [196, 16, 16, 16, 196, 16, 16, 16, 196, 16]
    assert tokens_per_frame(4, first=3).tolist() == [16, 196, 16, 16]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_stride_2_is_the_pooling_of_the_base_model(dtype: torch.dtype) -> None:
    """LLaVA-OneVision resizes 27 x 27 features bilinearly to 14 x 14."""
    features = random_features(3, width=16).to(dtype)
    images = features.transpose(1, 2).reshape(3, 16, 27, 27)
    expected = interpolate(images, size=(14, 14), mode="bilinear").flatten(2).transpose(1, 2)
    pooled = pool_frames(features, group=0)
    assert pooled.tokens.dtype == dtype
    assert torch.equal(pooled.tokens, expected.flatten(0, 1))


@pytest.mark.parametrize(("group", "strides"), [(0, (2, 8)), (1, (2, 8)), (4, (2, 2))])
def test_one_frame_per_group_or_equal_strides_pool_uniformly(group: int, strides: tuple[int, int]) -> None:
    features = random_features(6)
    uniform = pool_frames(features, group=3, strides=(2, 2))
    assert torch.equal(pool_frames(features, group=group, strides=strides).tokens, uniform.tokens)


def test_a_ramp_shows_one_bilinear_step_without_antialiasing() -> None:
    """Averaging, or pooling twice, gives other values."""
    row, column = torch.meshgrid(torch.arange(27.0), torch.arange(27.0), indexing="ij")
    ramp = (1000 * row + column).view(1, 729, 1).expand(2, -1, -1)
    centres = torch.tensor([2.875, 9.625, 16.375, 23.125])
    coarse = pool_frames(ramp).tokens[196:, 0]
    assert torch.allclose(coarse, (1000 * centres[:, None] + centres).flatten())


@pytest.mark.parametrize("stride", [1, 2, 5, 27, 100])
def test_constant_frames_stay_constant(stride: int) -> None:
    pooled = pool_frames(torch.full((2, 729, 3), 0.7), strides=(stride, stride))
    assert len(pooled.tokens) == 2 * math.ceil(27 / stride) ** 2
    assert torch.allclose(pooled.tokens, torch.tensor(0.7))


def test_stride_1_changes_nothing() -> None:
    features = random_features(3, (4, 6))
    assert torch.equal(pool_frames(features, (4, 6), 2, (1, 1)).tokens, features.flatten(0, 1))


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((2, 728, 3), {}, "729"),
        ((729, 3), {}, "729"),
        ((2, 729, 3), {"strides": (2, 0)}, "stride 0"),
        ((2, 729, 3), {"group": -1}, "group=-1"),
        ((2, 729, 3), {"first": -1}, "first=-1"),
    ],
)
def test_values_that_cannot_work_are_refused(
    shape: tuple[int, ...], arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pool_frames(torch.zeros(shape), **arguments)
