"""The arithmetic of wanted times, apart from any film."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.errors import UsageError
from longreel.video.sampling import Sampling
from longreel.video.selection import Selection
from longreel.video.targets import Begin, Grid, Listed, even_rate, frames_wanted, plan_targets, spread

steady = settings(deadline=None, derandomize=True)
lengths = st.floats(0.01, 20_000)
rates = st.floats(0.01, 200)
counts = st.integers(1, 300)


def all_times(targets: Any, most: int = 10_000) -> list[float]:
    times = itertools.takewhile(lambda time: time is not None, map(targets.at, range(most)))
    return list(times)


@steady
@given(lengths, counts, st.floats(0, 1000))
def test_a_spread_lies_in_the_middle_of_equal_parts(length: float, count: int, start: float) -> None:
    times = spread(count, start, start + length)
    assert len(times) == count
    assert all(start < time < start + length for time in times)
    assert math.fsum(times) / count == pytest.approx(start + length / 2)
    assert all(
        later - earlier == pytest.approx(length / count, abs=1e-9)
        for earlier, later in itertools.pairwise(times)
    )


@steady
@given(st.floats(0.05, 50), st.floats(0.1, 30), st.floats(0, 50))
def test_a_grid_starts_at_its_start_and_ends_before_its_end(length: float, fps: float, start: float) -> None:
    grid = Grid(start, 1 / fps, start + length)
    times = all_times(grid)
    assert times[0] == start
    assert all(time < start + length for time in times[1:])
    assert len(times) == grid.before(math.nextafter(start + length, math.inf))
    assert times[-1] + 1 / fps >= start + length - 1e-6
    for number, time in enumerate(times):
        assert grid.before(time + 0.5 / fps) == number + 1


@steady
@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.floats(0, 120))
def test_listed_times_are_ascending_and_counted(times: list[float], until: float) -> None:
    targets = plan_targets(Sampling(seconds=tuple(times)), None)
    assert all_times(targets) == sorted(times)
    assert targets.before(until) == sum(time < until for time in times)


@steady
@given(rates, counts, lengths)
def test_a_cap_gives_evenly_spread_times_or_the_grid(fps: float, most: int, length: float) -> None:
    targets = plan_targets(Sampling(fps=fps, max_frames=most), length)
    wanted = frames_wanted(targets, length, None)
    assert wanted is not None
    assert 1 <= wanted <= most
    assert targets.unique
    if isinstance(targets, Listed):
        assert targets.times == spread(most, 0.0, length)


@steady
@given(
    st.lists(st.floats(0.001, 3), min_size=1, max_size=40),
    st.one_of(
        st.builds(Sampling, fps=st.floats(0.1, 20)),
        st.builds(Sampling, count=st.integers(1, 40)),
        st.builds(Sampling, seconds=st.lists(st.floats(0, 60), min_size=1, max_size=20).map(tuple)),
    ),
)
def test_the_frame_on_screen_is_picked(gaps: list[float], sampling: Sampling) -> None:
    """Against the slow definition: for each wanted time, the last frame that begins not later."""
    begins = [0.0, *itertools.accumulate(gaps)]
    end = begins[-1] + 1.0
    targets = plan_targets(sampling, end)
    selection: Selection[int] = Selection(targets, 0.0, Begin())
    picked: list[int] = []
    for number, begin in enumerate(begins):
        if (found := selection.offer(begin, number)) is not None:
            picked += [found.item] * found.times
    if (found := selection.finish(end)) is not None:
        picked += [found.item] * found.times
    times = [time for time in all_times(targets) if time < end]
    slow = [max(number for number, begin in enumerate(begins) if begin <= time) for time in times]
    if targets.unique:
        slow = [number for number, _ in itertools.groupby(slow)]
    # On the border of two frames, rounding may decide either way.
    near = any(abs(time - begin) < 1e-6 for time in times for begin in [*begins[1:], end])
    assert near or picked == slow


@pytest.mark.parametrize(
    "values",
    [
        {"fps": 0.0},
        {"fps": -1.0},
        {"fps": math.nan},
        {"fps": math.inf},
        {"fps": 1e9},
        {"fps": "2"},
        {"fps": True},
        {"count": 0},
        {"count": -3},
        {"count": 2.5},
        {"count": 10**8},
        {"max_frames": 0},
        {"max_frames": True},
        {"start": -1.0},
        {"start": math.nan},
        {"end": math.inf},
        {"end": 0.0},
        {"end": 0.0, "start": 0.0},
        {"start": 3.0, "end": 1.0},
        {"seconds": ()},
        {"seconds": (1.0, -1.0)},
        {"seconds": (1.0, math.nan)},
        {"seconds": ("1",)},
        {"seconds": "12"},
        {"fps": 1.0, "count": 3},
        {"count": 3, "seconds": (1.0,)},
        {"count": 3, "max_frames": 2},
        {"seconds": (1.0,), "start": 1.0},
    ],
)
def test_values_that_cannot_work(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        Sampling(**values)
    message = str(caught.value)
    assert "\n" not in message
    assert any(name in message for name in values)


def test_fixed_numbers_need_a_length() -> None:
    with pytest.raises(ValueError, match="unknown"):
        plan_targets(Sampling(count=3), None)
    assert plan_targets(Sampling(count=3, end=6.0), None) == Listed((1.0, 3.0, 5.0))
    assert frames_wanted(plan_targets(Sampling(fps=1.0), None), None, 25.0) is None
    assert frames_wanted(plan_targets(Sampling(), 4.0), 4.0, 25.0) == 100


@steady
@given(st.integers(1, 20_000), st.floats(0.5, 60), st.floats(0.1, 200), st.integers(2, 900))
def test_a_cap_lies_as_the_samplers_of_releases_have_it(
    frames: int, rate: float, fps: float, cap: int
) -> None:
    """np.linspace(0, frames - 1, cap), to one frame, in a film of even rate; or the grid if it has fewer."""
    length = frames / rate
    targets = plan_targets(Sampling(fps=fps, cap=cap), length)
    times = [time for time in all_times(targets, 2 * cap) if time < length]
    grid = plan_targets(Sampling(fps=fps), length)
    if grid.before(length) <= cap:
        assert targets == grid
        return
    assert len(times) == cap
    assert even_rate(Sampling(fps=fps, cap=cap), length) == pytest.approx((cap - 1) / times[-1])
    shown = [math.floor(time * rate) for time in times]
    for number, frame in enumerate(shown):
        assert abs(frame - number * (frames - 1) / (cap - 1)) <= 1 + 1e-6
    assert shown[-1] == frames - 1


def test_a_cap_of_one_and_of_no_known_length() -> None:
    assert frames_wanted(plan_targets(Sampling(fps=2.0, cap=1), 60.0), 60.0, None) == 1
    assert plan_targets(Sampling(fps=2.0, cap=5), None) == plan_targets(Sampling(fps=2.0), None)
    assert frames_wanted(plan_targets(Sampling(fps=2.0, cap=5, start=4.0, end=9.0), 60.0), 60.0, None) == 5
    with pytest.raises(UsageError, match="cap=0"):
        Sampling(fps=2.0, cap=0)


def test_only_frames_on_a_grid_come_at_an_even_rate() -> None:
    assert even_rate(Sampling(fps=3.0), 60.0) == 3.0
    assert even_rate(Sampling(fps=3.0, max_frames=9), 60.0) is None
    assert even_rate(Sampling(fps=3.0, max_frames=900), 60.0) == 3.0
    assert even_rate(Sampling(count=4), 60.0) is None
