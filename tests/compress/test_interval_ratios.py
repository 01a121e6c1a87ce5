"""Ratios for each interval or film: what is chosen, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.compress.base import FilmFacts, NextInterval
from longreel.compress.dynamic_intervals import DynamicIntervals, spent_on
from longreel.compress.interval_ratios import DrawnRatios, ListedRatios, RatioWithin
from longreel.compress.summary_tokens import SummaryTokens
from longreel.errors import UsageError
from tests.oracles import dynamic

KNOWN = (2, 4, 8, 16)


def facts(tokens: int | None, number: int = 0, *, interval: int = 48, is_film: bool = True) -> FilmFacts:
    return FilmFacts("film", number, tokens, interval, 4, KNOWN, is_film)


def summaries(tokens: int, interval: int, ratio: int) -> int:
    kept = 0
    for first in range(0, tokens, interval):
        slots = SummaryTokens(ratio).slots(min(interval, tokens - first))
        kept += min(interval, tokens - first) if slots is None else len(slots)
    return kept


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 100))
def test_the_smallest_ratio_that_fits_a_budget(tokens: int, budget: int, interval: int) -> None:
    fits = [ratio for ratio in (1, *KNOWN) if summaries(tokens, interval, ratio) <= budget]
    film = facts(tokens, interval=interval)
    if fits:
        rule = RatioWithin(budget).of_film(film)
        assert {rule.ratio_of(NextInterval(number, 48)) for number in range(5)} == {fits[0]}
        return
    least = summaries(tokens, interval, 16)
    with pytest.raises(UsageError, match=f"give budget={least},"):
        RatioWithin(budget).of_film(film)
    assert RatioWithin(least).of_film(film)


def test_a_listed_ratio_is_that_with_the_number_of_the_interval() -> None:
    part = ListedRatios((2, 8, 1)).of_film(facts(100))
    assert [part.ratio_of(NextInterval(number, 48)) for number in range(4)] == [2, 8, 1, 1]


@pytest.mark.parametrize(
    ("films", "message"),
    [
        ([96], "3 ratios for 2 intervals: give as many"),
        ([96, 96], "3 ratios for 4 intervals"),
        ([0], "3 ratios for 0 intervals"),
        ([96, None], "film: a ratio for each interval needs a film of known length"),
    ],
)
def test_lists_of_another_length_are_refused(films: list[int | None], message: str) -> None:
    part = ListedRatios((2, 4, 8))
    with pytest.raises(UsageError, match=message):
        part.check_count(map(facts, films))
    part.check_count(map(facts, [97]))
    part.check_count(map(facts, [96, 1]))


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2000), st.integers(1, 48))
def test_a_drawn_ratio_divides_its_interval_and_depends_on_seed_and_number_alone(
    seed: int, number: int, tokens: int
) -> None:
    drawn = DrawnRatios(KNOWN, seed=seed).of_film(facts(None, 3)).ratio_of(NextInterval(number, tokens, 9, 1))
    again = DrawnRatios(seed=seed).of_film(facts(50, 0)).ratio_of(NextInterval(number, tokens))
    assert drawn == again
    assert drawn in ([ratio for ratio in KNOWN if tokens % ratio == 0] or [2])


def test_drawing_is_even_and_of_a_film_for_all_of_it() -> None:
    by_interval = DrawnRatios().of_film(facts(None))
    drawn = [by_interval.ratio_of(NextInterval(number, 48)) for number in range(800)]
    assert all(150 < drawn.count(ratio) < 250 for ratio in KNOWN)
    of_films = []
    for film in range(400):
        rule = DrawnRatios((2, 8), "film").of_film(facts(None, film))
        of_films.append({rule.ratio_of(NextInterval(number, 48)) for number in range(5)})
    assert all(len(ratios) == 1 for ratios in of_films)
    assert 150 < of_films.count({2}) < 250
    assert of_films.count({2}) + of_films.count({8}) == 400


LENGTHS = st.lists(st.integers(1, 12).map(lambda steps: steps * 16), max_size=30)
FRACTIONS = st.fractions(Fraction(1, 16), Fraction(1), max_denominator=50)


@settings(deadline=None)
@given(LENGTHS, FRACTIONS)
def test_what_intervals_spend_equals_the_plain_oracle_and_stays_within_what_was_seen(
    lengths: list[int], fraction: Fraction
) -> None:
    expected = dynamic.ratios(lengths, fraction, KNOWN, 192)
    seen = kept = 0
    for number, (length, ratio) in enumerate(zip(lengths, expected, strict=True)):
        assert spent_on(NextInterval(number, length, seen, kept), fraction, KNOWN, 192) == ratio
        seen, kept = seen + length, kept + length // ratio
        assert kept <= fraction * seen


def test_a_still_film_comes_near_its_budget_and_a_change_after_it_is_seen_finely() -> None:
    rule = DynamicIntervals(0.125).of_film(facts(None, interval=192))
    seen = kept = 0
    for number in range(10):
        ratio = rule.ratio_of(NextInterval(number, 192, seen, kept))
        seen, kept = seen + 192, kept + 192 // ratio
    assert ratio == 8
    assert kept >= 0.85 * seen / 8
    assert rule.ratio_of(NextInterval(10, 16, seen, kept)) == 2
    assert rule.most_kept(seen) == seen // 8


def test_intervals_end_where_no_ratio_leaves_a_rest() -> None:
    film = FilmFacts("film", 0, None, 64, 4, KNOWN)
    borders = DynamicIntervals(0.5).of_film(film).borders
    assert borders is not None
    assert (borders.step, borders.longest) == (4, 16)
    borders = DynamicIntervals(0.5, ratios=(2, 4), longest=9).of_film(film).borders
    assert borders is not None
    assert (borders.step, borders.longest) == (1, 9)


def test_a_film_that_fits_is_kept_whole_and_an_image_has_one_ratio() -> None:
    assert DynamicIntervals(budget=500).of_film(facts(500)).ratio_of(NextInterval(0, 48)) == 1
    image = DynamicIntervals(budget=100).of_film(facts(500, is_film=False))
    assert image.borders is None
    assert image.ratio_of(NextInterval(0, 48)) == 8


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({}, "give one of keep= and budget="),
        ({"keep": 0.5, "budget": 10}, "give one of keep= and budget="),
        ({"keep": 0.5, "shortest": 0}, "shortest=0"),
        ({"keep": 0.5, "longest": 3, "shortest": 4}, "longest=3"),
        ({"keep": 0.5, "history": 1}, "history=1"),
        ({"keep": 0.5, "ratios": ()}, "are no ratios"),
    ],
    ids=str,
)
def test_dynamic_settings_that_cannot_be(chosen: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        DynamicIntervals(**chosen)  # type: ignore[arg-type]


def test_what_no_ratio_of_the_model_reaches() -> None:
    with pytest.raises(UsageError, match=r"keep=0\.05 is less .* keep at least 1/16"):
        DynamicIntervals(0.05).check(KNOWN)
    with pytest.raises(UsageError, match=r"budget=30 of its 500 visual tokens is less .* give budget=32"):
        DynamicIntervals(budget=30).of_film(facts(500))
    with pytest.raises(UsageError, match="film of known length"):
        DynamicIntervals(budget=30).of_film(facts(None))
    with pytest.raises(UsageError, match="film of known length"):
        RatioWithin(30).of_film(facts(None))
    for part in (ListedRatios((2, 3)), DrawnRatios((3,)), DynamicIntervals(0.5, ratios=(1, 3))):
        with pytest.raises(UsageError, match="not trained to condense 3x: its ratios are 2, 4, 8, 16"):
            part.check(KNOWN)
    for ratios in ((), (0,), (2.5,), (True,)):
        with pytest.raises(UsageError, match="are no ratios"):
            ListedRatios(ratios)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not 'frame'"):
        DrawnRatios(each="frame")
