"""What a film shows is drawn by rule and by seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.errors import UsageError
from longreel.films.scenes import (
    SPLITS,
    Film,
    action_is_held_out,
    colour_is_held_out,
    draw_film,
    place_is_held_out,
)
from longreel.films.vocabulary import (
    ACTIONS,
    COLOURS,
    OBJECTS,
    PLACES,
    UNSEEN_PLACES,
    question_words,
    where,
    with_article,
)


def test_words_are_single_and_mean_one_thing() -> None:
    groups = (OBJECTS, COLOURS, PLACES, UNSEEN_PLACES, ACTIONS)
    words = [word for group in groups for word in group]
    assert [len(group) for group in groups] == [256, 8, 16, 4, 8]
    assert len(words) == len(set(words))
    assert all(word.isalpha() and word.islower() for word in words)
    assert set(words) <= set(question_words())


def test_places_and_things_are_spoken_naturally() -> None:
    assert where("beach") == "at the beach"
    assert where("space") == "in space"
    assert where("forest") == "in the forest"
    assert [with_article(word) for word in ("fox", "owl", "unicorn")] == ["a fox", "an owl", "a unicorn"]


@given(seed=st.integers(0, 2**70), seconds=st.floats(5, 900), split=st.sampled_from(SPLITS))
@settings(max_examples=60, deadline=None)
def test_scenes_fill_the_film(seed: int, seconds: float, split: str) -> None:
    film = draw_film(seed, seconds, split=split)
    assert film == draw_film(seed, seconds, split=split)
    assert film.scenes[0].start == 0
    assert film.scenes[-1].end == seconds
    assert all(before.end == after.start for before, after in pairwise(film.scenes))
    assert all(scene.seconds >= 0.5 - 1e-9 for scene in film.scenes)
    assert all(before.place != after.place for before, after in pairwise(film.scenes))
    for before, after in pairwise(film.scenes):
        assert after.look.fade <= min(before.seconds, after.seconds) / 2
    _check_held_out(film)


def _check_held_out(film: Film) -> None:
    rules = {
        (colour_is_held_out(scene.object, scene.colour), action_is_held_out(scene.object, scene.action))
        for scene in film.scenes
    }
    assert rules == {(film.split == "unseen-combinations",) * 2}
    places = {scene.place for scene in film.scenes}
    if film.split == "unseen-places":
        assert places <= set(UNSEEN_PLACES)
    else:
        assert places <= set(PLACES)
        held_out = {place_is_held_out(scene.object, scene.place) for scene in film.scenes}
        assert held_out == {film.split == "unseen-combinations"}
    assert film.style == ("sketch" if film.split == "unseen-style" else "paint")


def test_a_quarter_of_all_pairs_is_held_out() -> None:
    assert sum(colour_is_held_out(o, c) for o in OBJECTS for c in COLOURS) == 256 * 8 / 4
    assert sum(place_is_held_out(o, p) for o in OBJECTS for p in PLACES) == 256 * 16 / 4
    assert sum(action_is_held_out(o, a) for o in OBJECTS for a in ACTIONS) == 256 * 8 / 4


def test_scene_lengths_are_mixed() -> None:
    lengths = [scene.seconds for scene in draw_film(1, 3600).scenes]
    short = sum(length < 2 for length in lengths) / len(lengths)
    assert 0.2 < short < 0.3
    assert max(lengths) <= 8
    assert sum(length > 7 for length in lengths) > 50


def test_scene_lengths_can_be_bounded() -> None:
    lengths = [scene.seconds for scene in draw_film(2, 300, min_scene=2, max_scene=4).scenes]
    assert min(lengths) >= 2
    assert max(lengths) <= 4


@pytest.mark.parametrize("seconds", [60, 600, 3600, 10800])
def test_most_things_are_seen_once_and_some_never(seconds: float) -> None:
    counts = Counter(scene.object for scene in draw_film(3, seconds).scenes)
    once = sum(count == 1 for count in counts.values())
    assert once == min(round(0.75 * counts.total()), 128)
    assert len(counts) <= 192


def test_different_seeds_give_different_films() -> None:
    casts = {tuple(scene.object for scene in draw_film(seed, 60).scenes) for seed in range(20)}
    assert len(casts) == 20


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": -1}, "-1"),
        ({"seconds": 4.0}, "4"),
        ({"seconds": 10801.0}, "10801"),
        ({"seconds": float("nan")}, "nan"),
        ({"split": "test"}, "'test'"),
        ({"size": (15, 64)}, "15x64"),
        ({"size": (64, 4097)}, "64x4097"),
        ({"fps": 0.0}, "0 frames"),
        ({"min_scene": 3.0, "max_scene": 2.0}, "3 to 2"),
    ],
)
def test_impossible_films_are_refused(change: dict[str, object], named: str) -> None:
    settings: dict[str, object] = {"seed": 1, "seconds": 10.0, **change}
    with pytest.raises(UsageError, match=named) as caught:
        draw_film(**settings)  # type: ignore[arg-type]
    assert "choose" in str(caught.value)
    assert "\n" not in str(caught.value)
