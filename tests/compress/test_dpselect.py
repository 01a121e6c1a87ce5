"""DPSelect: keyframes by peaks of the distance between neighbouring frames."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longreel.compress.base import tokens_kept
from longreel.compress.distances import frame_distances
from longreel.compress.dpselect import DPSelect, peaks, select_keyframes
from longreel.errors import UsageError
from tests.oracles import dpselect as oracle

WINDOWS = st.sampled_from([1, 3, 5, 9, 101])


def random_features(frames: int, patches: int, width: int = 16, seed: int = 0) -> Tensor:
    return torch.randn(frames, patches, width, generator=torch.Generator().manual_seed(seed))


@st.composite
def films_with_ties(draw: st.DrawFn) -> Tensor:
    """Frames whose patches are one of three pictures, so that most distances are equal to another."""
    frames, patches = draw(st.integers(1, 14)), draw(st.integers(1, 3))
    picks = draw(st.lists(st.integers(0, 2), min_size=frames * patches, max_size=frames * patches))
    pictures = torch.tensor([[1.0, 0, 0], [0, 2.0, 0], [3.0, 3.0, 0]])
    return pictures[torch.tensor(picks)].view(frames, patches, 3)


@pytest.mark.parametrize(("frames", "patches"), [(1, 1), (1, 5), (2, 1), (30, 1), (30, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_distances_equal_the_plain_oracle(frames: int, patches: int, dtype: torch.dtype) -> None:
    features = random_features(frames, patches).to(dtype)
    expected = torch.tensor(oracle.patch_distances(features.tolist()))
    per_patch = select_keyframes(features, 1, per_patch=True)
    assert per_patch.distance.dtype == torch.float32
    assert torch.allclose(per_patch.distance, expected, atol=1e-6)
    assert torch.allclose(select_keyframes(features, 1).distance, expected.mean(1), atol=1e-6)
    assert (per_patch.distance[0] == 1).all()


@settings(deadline=None)
@given(films_with_ties(), WINDOWS, st.booleans(), st.data())
def test_selection_equals_the_plain_oracle_also_where_distances_are_equal(
    features: Tensor, window: int, per_patch: bool, data: st.DataObject
) -> None:
    keep = data.draw(st.integers(1, len(features)))
    kept = select_keyframes(features, keep, window, per_patch)
    shape = (keep, features.shape[1]) if per_patch else (keep,)
    assert kept.indices.shape == kept.is_peak.shape == shape
    assert (kept.indices.dtype, kept.is_peak.dtype) == (torch.int64, torch.bool)
    columns = range(features.shape[1]) if per_patch else [slice(None)]
    for column in columns:
        part = (slice(None), column) if per_patch else slice(None)
        indices, is_peak = oracle.selected(kept.distance[part].tolist(), keep, window)
        assert kept.indices[part].tolist() == indices
        assert kept.is_peak[part].tolist() == [is_peak[t] for t in indices]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 3), WINDOWS, st.integers(0, 99), st.booleans())
def test_keep_all_keeps_every_frame_and_only_marks_peaks(
    frames: int, patches: int, window: int, seed: int, per_patch: bool
) -> None:
    kept = select_keyframes(random_features(frames, patches, seed=seed), frames, window, per_patch)
    ascending = torch.arange(frames)
    assert torch.equal(kept.indices, ascending[:, None].expand(-1, patches) if per_patch else ascending)
    assert torch.equal(kept.is_peak, peaks(kept.distance, window))


@settings(deadline=None)
@given(films_with_ties(), WINDOWS)
def test_peaks_are_kept_before_all_others(features: Tensor, window: int) -> None:
    is_peak = peaks(select_keyframes(features, 1).distance, window)
    count = int(is_peak.sum())
    assert torch.equal(select_keyframes(features, count, window).indices, is_peak.nonzero()[:, 0])
    for keep in range(1, len(features) + 1):
        assert int(select_keyframes(features, keep, window).is_peak.sum()) == min(keep, count)


def test_a_still_film_has_one_peak_and_its_first_frames_are_kept() -> None:
    features = random_features(1, 4, width=1000).expand(9, -1, -1)
    for per_patch in (False, True):
        kept = select_keyframes(features, 3, per_patch=per_patch)
        assert (kept.distance[1:] == 0).all()
        assert kept.indices.reshape(3, -1)[:, 0].tolist() == [0, 1, 2]
        assert kept.is_peak.reshape(3, -1)[:, 0].tolist() == [True, False, False]


def test_the_first_frame_gives_way_to_larger_distances() -> None:
    """Its distance is 1 by definition, and opposite pictures are 2 apart."""
    right, left = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    features = torch.stack([right, left, left, left, right, right])
    kept = select_keyframes(features, 2)
    assert kept.distance.tolist() == [1, 2, 0, 0, 2, 0]
    assert kept.indices.tolist() == [1, 4]


def test_a_low_peak_outranks_a_frame_beside_a_higher_peak() -> None:
    angles = torch.tensor([0.0, 1.5, 2.9, 2.9, 3.0, 3.0])
    kept = select_keyframes(torch.stack([angles.cos(), angles.sin()], dim=1)[:, None], 3)
    assert kept.distance[2] > 50 * kept.distance[4]
    assert kept.indices.tolist() == [0, 1, 4]
    assert kept.is_peak.tolist() == [True, False, True]


def test_patches_choose_for_themselves() -> None:
    features = random_features(20, 6)
    together = select_keyframes(features, 5, per_patch=True)
    for n in range(6):
        alone = select_keyframes(features[:, n : n + 1], 5)
        assert torch.equal(together.indices[:, n], alone.indices)
        assert torch.equal(together.is_peak[:, n], alone.is_peak)


def test_zero_vectors_are_at_distance_1_from_everything() -> None:
    features = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0]])[:, None]
    assert select_keyframes(features, 1).distance.tolist() == [1, 1, 1, 1]


def test_small_distances_keep_their_order() -> None:
    """Between nearly equal frames 1 - cos in float32 is rounding noise only."""
    angles = torch.tensor([0.0, 1e-4, 1e-4, 3e-4, 4e-4], dtype=torch.float64)
    features = torch.stack([angles.cos(), angles.sin()], dim=1)[:, None] * 1000
    distance = select_keyframes(features.double(), 1).distance
    expected = torch.tensor([1, 0.5e-8, 0, 2e-8, 0.5e-8])
    assert torch.allclose(distance, expected, rtol=0.02, atol=0)


@settings(deadline=None)
@given(st.integers(2, 20), st.integers(1, 19), st.sampled_from([torch.float32, torch.bfloat16]))
def test_blocks_give_the_distances_of_the_whole_film(frames: int, cut: int, dtype: torch.dtype) -> None:
    features, cut = random_features(frames, 3).to(dtype), min(cut, frames - 1)
    parts = frame_distances(features[:cut]), frame_distances(features[cut:], before=features[cut - 1])
    assert torch.equal(torch.cat(parts), frame_distances(features))


def test_views_and_gradients_make_no_difference() -> None:
    features = random_features(12, 5)
    turned = features.permute(2, 1, 0).contiguous().permute(2, 1, 0).requires_grad_()
    kept, same = select_keyframes(features, 4, per_patch=True), select_keyframes(turned, 4, per_patch=True)
    for a, b in zip(kept, same, strict=True):
        assert torch.equal(a, b)
    assert not same.distance.requires_grad


@pytest.mark.parametrize("window", [0, 2, 4, -1])
def test_a_window_without_a_middle_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match=f"window={window}"):
        select_keyframes(random_features(5, 2), 2, window=window)


@pytest.mark.parametrize("keep", [0, 6, -1])
def test_keep_outside_the_film_is_refused(keep: int) -> None:
    with pytest.raises(ValueError, match=f"keep={keep} is outside 1 to 5"):
        select_keyframes(random_features(5, 2), keep)


def test_features_without_patches_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        select_keyframes(torch.zeros(5, 3), 1)


def in_blocks(features: Tensor, blocks: list[int]) -> list[Tensor]:
    """A film in pieces, the last of which is what is left."""
    ends = [min(sum(blocks[: i + 1]), len(features)) for i in range(len(blocks))] + [len(features)]
    parts = [features[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    return [part for part in parts if len(part)]


@settings(deadline=None)
@given(films_with_ties(), WINDOWS, st.booleans(), st.lists(st.integers(1, 5), max_size=8))
def test_a_stream_marks_the_peaks_of_the_whole_film(
    features: Tensor, window: int, per_patch: bool, blocks: list[int]
) -> None:
    stream = DPSelect(1.0, window, per_patch).stream()
    told, seen = [], 0
    for part in in_blocks(features, blocks):
        told.append(stream.push(part))
        seen += len(part)
        assert sum(len(marks) for marks in told) == max(0, seen - window // 2)
    marks = torch.cat([*told, stream.end()])
    expected = select_keyframes(features, len(features), window, per_patch).is_peak
    assert torch.equal(marks, expected if per_patch else expected[:, None].expand_as(marks))


@settings(deadline=None)
@given(
    films_with_ties(),
    WINDOWS,
    st.booleans(),
    st.lists(st.integers(1, 5), max_size=8),
    st.floats(0.05, 1.0),
    st.integers(0, 3),
)
def test_a_stream_holds_the_best_frames_of_the_whole_film(
    features: Tensor, window: int, per_patch: bool, blocks: list[int], keep: float, missing: int
) -> None:
    """Also where a film has fewer frames than it said."""
    choice = DPSelect(keep, window, per_patch).choice(len(features) + missing)
    most = tokens_kept(len(features) + missing, keep)
    numbers = torch.arange(len(features))[:, None].expand(features.shape[:2])
    held, seen = numbers[:0], 0
    for part in in_blocks(features, blocks):
        held = torch.cat((held, numbers[seen : seen + len(part)]))
        seen += len(part)
        rows = choice.push(part)
        held = held if rows is None else held.gather(0, rows)
        assert len(held) <= most + window // 2
    chosen = choice.end(features.gather(0, held[..., None].expand(-1, -1, features.shape[2])))
    expected = select_keyframes(features, tokens_kept(len(features), keep), window, per_patch)
    indices, is_peak = (
        part if per_patch else part[:, None].expand(-1, features.shape[1])
        for part in (expected.indices, expected.is_peak)
    )
    assert torch.equal(held.gather(0, chosen.first), indices)
    assert torch.equal(chosen.first, chosen.last)
    assert chosen.pivots is not None
    assert torch.equal(chosen.pivots, is_peak)


@pytest.mark.parametrize("settings", [{"keep": 0.0}, {"keep": 1.5}, {"window": 2}])
def test_parts_that_cannot_be(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        DPSelect(**settings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="known length"):
        DPSelect(0.5).choice(None)
