"""Plans from the facts of films, without a published model."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.errors import UsageError
from longreel.film_plan import frames_setting, most_frames, nominal_times
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling
from tests.fakes import arrays, fake_model


def test_the_report_tells_the_plan() -> None:
    memory = fake_model().watch(arrays(7))
    plan = memory.header.sources[0].plan
    assert plan is not None
    assert (plan.frames, plan.height, plan.width, plan.visual_tokens) == (7, 4, 4, 21)
    assert "7 frames of 4x4" in str(memory.report())
    assert memory.report().to_dict()["sources"][0]["plan"]["visual_tokens"] == 21


def test_a_method_that_selects_plans_what_it_selects() -> None:
    model = fake_model("uniform", 0.3)
    sources = [arrays(23), arrays(1), arrays(31)]
    memory = model.watch(sources)
    plans = model.plan(sources)
    assert [plan.frames for plan in plans] == [film.frames_encoded for film in memory.header.sources]
    assert sum(plan.visual_tokens or 0 for plan in plans) == memory.header.visual_tokens


def test_films_longer_than_a_context_are_watched_where_the_model_allows_it() -> None:
    model = fake_model()
    assert model.adapter.context is None
    assert model.watch(arrays(300)).header.visual_tokens == 900


def test_a_budget_of_tokens_is_kept_or_refused() -> None:
    model = fake_model()
    assert model.watch(arrays(10), max_tokens=30).header.visual_tokens == 30
    with pytest.raises(UsageError, match=r"max_frames=9 or fps=1\.8"):
        model.watch(arrays(10), max_tokens=29)


def test_a_size_is_chosen_before_frames_are_read() -> None:
    with open_film(arrays(3), sampling=Sampling(fps=2.0)) as stream:
        stream.resize_to((4, 6))
        assert next(iter(stream)).pixels.shape == (3, 3, 4, 6)
        with pytest.raises(UsageError, match="before"):
            stream.resize_to((8, 8))


@settings(max_examples=40)
@given(
    fps=st.floats(0.2, 5.0),
    start=st.floats(0.0, 3.0),
    length=st.floats(4.0, 20.0),
    shown=st.floats(0.5, 8.0),
)
def test_frames_begin_at_their_planned_times_or_a_little_before(
    fps: float, start: float, length: float, shown: float
) -> None:
    sampling = Sampling(fps=fps, start=start)
    film = arrays(max(2, int(length * shown)), fps=shown)
    with open_film(film, sampling=sampling, block=1_000) as stream:
        assert stream.expected is not None
        planned = nominal_times(sampling, stream.info.duration, stream.expected)
        seconds = torch.cat([frames.seconds for frames in stream])
    assert len(planned) == len(seconds)
    assert ((seconds - planned).abs() <= max(1 / fps, 1 / shown) + 1e-9).all()


@given(most=st.integers(1, 200), fitting=st.integers(0, 250))
def test_the_most_frames_that_fit(most: int, fitting: int) -> None:
    expected = min(most, fitting) or None
    assert most_frames(most, lambda frames: frames <= fitting) == expected


@given(frames=st.integers(1, 5_000), length=st.floats(0.1, 90_000))
def test_a_rate_asks_for_no_more_frames(frames: int, length: float) -> None:
    rate = float(frames_setting(frames, length).split("fps=")[1])
    assert 0.98 * frames <= rate * length <= frames * (1 + 1e-9)
