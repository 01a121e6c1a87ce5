"""Dynamic compression: intervals that end where the picture changes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longreel.compress.distances import frame_distances
from longreel.compress.dynamic import BorderRule, IntervalFinder, depth_scores, dynamic_intervals
from tests.oracles import dynamic

RULES = st.builds(
    lambda step, shortest, more, sharpness, history, look_ahead: BorderRule(
        (shortest + more) * step, shortest * step, sharpness, history, look_ahead, step
    ),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 8),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(2, 20),
    st.integers(0, 6),
)


@st.composite
def films(draw: st.DrawFn) -> Tensor:
    """Scenes of one picture each, which may drift; plateaus and equal similarities included."""
    scenes = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.booleans()), max_size=6))
    frames = []
    for picture, length, drifts in scenes:
        for step in range(length):
            vector = [0.1, 0.0, 0.0, 0.0, 0.0]
            vector[picture + 1] = 1.0
            vector[0] += 0.1 * step * drifts
            frames.append(vector)
    return torch.tensor(frames).view(-1, 5)


def similarities(features: Tensor) -> list[float]:
    """From the distances under test elsewhere, so that equal ones are equal in the oracle as well."""
    return [1 - distance for distance in frame_distances(features[:, None])[1:, 0].tolist()]


def scene_film(lengths: list[int], drift: float = 0.01) -> Tensor:
    """Scenes at right angles to each other that drift a little."""
    frames = []
    for number, length in enumerate(lengths):
        for step in range(length):
            vector = torch.zeros(len(lengths) + 1)
            vector[number], vector[-1] = 1.0, drift * step
            frames.append(vector)
    return torch.stack(frames)


@settings(deadline=None, max_examples=50)
@given(films(), st.integers(1, 30), st.integers(0, 30))
def test_depths_equal_the_plain_oracle(features: Tensor, history: int, look_ahead: int) -> None:
    found = depth_scores(features, history, look_ahead)
    expected = dynamic.depths(similarities(features), history, look_ahead)
    assert torch.allclose(found, torch.tensor(expected, dtype=torch.float64), atol=1e-12)
    assert (found >= 0).all()


@settings(deadline=None, max_examples=50)
@given(films(), RULES)
def test_intervals_equal_the_plain_oracle(features: Tensor, rule: BorderRule) -> None:
    depths = depth_scores(features, rule.history, rule.look_ahead).tolist()
    expected = dynamic.intervals(depths, rule) if len(features) else []
    assert [list(frames) for frames in dynamic_intervals(features, rule)] == expected


@settings(deadline=None, max_examples=50)
@given(films(), RULES, st.data())
def test_blocks_give_the_intervals_of_the_whole_film_and_few_frames_wait(
    features: Tensor, rule: BorderRule, data: st.DataObject
) -> None:
    finder, closed, offered = IntervalFinder(rule), [], 0
    while offered < len(features):
        block = data.draw(st.integers(1, len(features) - offered))
        closed += finder.offer(features[offered : offered + block])
        offered += block
        decided = closed[-1].stop if closed else 0
        assert offered - decided <= rule.longest + rule.look_ahead
    assert closed + finder.finish() == dynamic_intervals(features, rule)
    assert finder.finish() == []


@settings(deadline=None, max_examples=50)
@given(films(), RULES)
def test_intervals_cover_every_frame_once_and_keep_to_their_lengths(
    features: Tensor, rule: BorderRule
) -> None:
    intervals = dynamic_intervals(features, rule)
    assert [frame for interval in intervals for frame in interval] == list(range(len(features)))
    assert all(rule.shortest <= len(interval) <= rule.longest for interval in intervals[:-1])
    assert all(1 <= len(interval) <= rule.longest for interval in intervals[-1:])
    assert all(len(interval) % rule.step == 0 for interval in intervals[:-1])


@settings(deadline=None, max_examples=50)
@given(films(), RULES, st.data())
def test_going_on_behind_an_interval_gives_the_intervals_of_the_whole_film(
    features: Tensor, rule: BorderRule, data: st.DataObject
) -> None:
    intervals = dynamic_intervals(features, rule)
    number = data.draw(st.integers(0, len(intervals)))
    begin = intervals[number - 1].stop if number else 0
    first = max(0, begin - 2 * rule.history)
    middle = data.draw(st.integers(first, begin))
    finder = IntervalFinder(rule)
    finder.review(features[first:middle])
    finder.review(features[middle:begin])
    found = finder.offer(features[begin:]) + finder.finish()
    assert [range(each.start + first, each.stop + first) for each in found] == intervals[number:]


def test_scenes_become_intervals() -> None:
    features = scene_film([8, 6, 9, 4, 7])
    found = dynamic_intervals(features, BorderRule(longest=20))
    assert [len(frames) for frames in found] == [8, 6, 9, 4, 7]


def test_a_border_waits_for_a_whole_number_of_steps() -> None:
    found = dynamic_intervals(scene_film([9, 6, 9]), BorderRule(longest=20, step=4))
    assert [len(frames) for frames in found] == [12, 4, 8]


def test_a_cut_in_the_first_gap_has_nothing_to_stand_out_from() -> None:
    assert dynamic_intervals(scene_film([1, 5]), BorderRule(longest=20)) == [range(6)]


def test_a_still_film_is_cut_by_length_alone() -> None:
    features = torch.randn(1, 64, generator=torch.Generator().manual_seed(0)).repeat(25, 1)
    # Brightness alone changes no direction, but its rounding.
    features *= torch.linspace(1, 2, 25)[:, None]
    assert [len(frames) for frames in dynamic_intervals(features)] == [10, 10, 5]


def test_a_slow_change_has_no_depth_and_a_cut_has() -> None:
    angles = torch.cat([torch.arange(6.0) ** 2 * 0.01, 2 + torch.arange(4.0) * 0.01])
    depth = depth_scores(torch.stack([angles.cos(), angles.sin()], dim=1))
    assert depth[:5].max() < 0.01 < 1 < depth[5]


def test_what_is_usual_is_what_was_seen_last() -> None:
    """A soft cut stands out once the hard ones before it are forgotten."""
    angles = torch.cat([torch.tensor([0.0, 1.5] * 8), torch.full((20,), 1.5), torch.full((6,), 1.7)])
    features = torch.stack([angles.cos(), angles.sin()], dim=1)
    soft = range(36, 42)
    assert dynamic_intervals(features, BorderRule(longest=50, history=15))[-1] == soft
    assert dynamic_intervals(features, BorderRule(longest=50, history=256))[-1] != soft


def test_half_precision_and_a_single_frame_work() -> None:
    assert dynamic_intervals(scene_film([5, 4]).half(), BorderRule(longest=20)) == [range(5), range(5, 9)]
    assert dynamic_intervals(torch.ones(1, 3)) == [range(1)]
    assert dynamic_intervals(torch.ones(0, 3)) == []
    assert depth_scores(torch.ones(1, 3)).shape == (0,)


@pytest.mark.parametrize(
    "rule",
    [
        {"shortest": 0},
        {"longest": 3, "shortest": 4},
        {"history": 1},
        {"look_ahead": -1},
        {"longest": 10, "step": 4},
    ],
    ids=str,
)
def test_rules_that_cannot_work_are_refused(rule: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(reversed(rule))):
        BorderRule(**rule)
