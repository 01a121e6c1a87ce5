"""Means, their intervals, and differences between settings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.evaluate.benchmarks.base import Metric, Unit
from longreel.evaluate.benchmarks.metrics import difference_of, mean_of, means_by
from tests.oracles.class_means import class_mean

PLAIN = Metric("plain", lambda scored: [], scale=1)
BY_TASK = Metric("by task", lambda scored: [], classes="task", scale=1)
UNITS = st.lists(
    st.builds(
        Unit,
        id=st.uuids().map(str),
        film=st.sampled_from("abcd"),
        value=st.floats(0, 1),
        tags=st.fixed_dictionaries(
            {"task": st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True).map(tuple)}
        ),
    ),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=50)
@given(UNITS)
def test_means_are_those_counted_one_by_one(units: list[Unit]) -> None:
    plain, by_task = mean_of(units, PLAIN), mean_of(units, BY_TASK)
    assert plain is not None
    assert by_task is not None
    assert plain.value == pytest.approx(sum(unit.value for unit in units) / len(units))
    assert by_task.value == pytest.approx(class_mean([(unit.value, unit.tags["task"]) for unit in units]))
    assert (plain.units, plain.videos) == (len(units), len({unit.film for unit in units}))
    for mean in (plain, by_task):
        assert (mean.interval is None) == (mean.videos == 1)
        if mean.interval is not None:
            low = min(unit.value for unit in units)
            high = max(unit.value for unit in units)
            assert low - 1e-9 <= mean.interval[0] <= mean.interval[1] <= high + 1e-9
    for name, mean in means_by(units, "task", BY_TASK).items():
        members = [unit.value for unit in units if name in unit.tags["task"]]
        assert (mean.units, mean.value) == (len(members), pytest.approx(sum(members) / len(members)))


@settings(deadline=None, max_examples=30)
@given(UNITS)
def test_nothing_differs_from_itself(units: list[Unit]) -> None:
    found = difference_of(units, units[::-1], BY_TASK)
    assert found is not None
    assert (found.value, found.units) == (0, len(units))


def test_a_difference_is_over_the_units_both_have() -> None:
    ours = [Unit(str(i), "a", 1.0, {}) for i in range(4)]
    theirs = [Unit(str(i), "a", 0.5, {}) for i in (2, 3, 9)]
    found = difference_of(ours, theirs, PLAIN)
    assert found is not None
    assert (found.value, found.units) == (0.5, 2)
    assert difference_of(ours, [], PLAIN) is None
    assert mean_of([], PLAIN) is None


def test_answers_about_one_video_count_as_one_when_they_agree() -> None:
    together = [Unit(str(i), str(i % 10), float(i % 10 < 5), {}) for i in range(200)]
    apart = [Unit(str(i), str(i % 10), float(i // 10 % 2), {}) for i in range(200)]
    wide, narrow = mean_of(together, PLAIN), mean_of(apart, PLAIN)
    assert wide is not None
    assert narrow is not None
    assert wide.interval is not None
    assert wide.interval[1] - wide.interval[0] > 0.4
    assert narrow.interval == (0.5, 0.5)
