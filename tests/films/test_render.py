"""Pictures show what the scenes say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longreel.films.atlas import Atlas
from longreel.films.cards import PAINT
from longreel.films.places import paint_place
from longreel.films.render import FilmRenderer, render_frame
from longreel.films.renderer import card_pose
from longreel.films.scenes import SPLITS, Film, Scene, draw_film
from longreel.films.vocabulary import COLOURS, PLACES, UNSEEN_PLACES


def one_scene(**changes: object) -> Film:
    """A film of a single still-lit scene without drift."""
    film = draw_film(5, 6, size=(96, 64))
    still = (0.5, 0.5, 0.5, 0.5)
    look = replace(
        film.scenes[0].look, camera=still, drift=(0.0,) * 4, light=(1.0, 1.0), period=2.0, phase=0.0
    )
    look = replace(look, card=0.5, round=False, spot=(0.5, 0.5), grown=0.5, tilt=0.0, away=(9.0, 0.0))
    scene = replace(film.scenes[0], start=0.0, end=6.0, look=look, **changes)  # type: ignore[arg-type]
    return replace(film, scenes=(scene,))


def card_pixels(film: Film, t: float) -> NDArray[np.bool_]:
    """Where the frame has exactly the card's paint."""
    frame = render_frame(film, t).astype(int)
    near: NDArray[np.bool_] = np.abs(frame - PAINT[film.scenes[0].colour]).max(axis=2) <= 2
    return near


def card_centre(film: Film, t: float) -> tuple[float, float]:
    rows, columns = np.nonzero(card_pixels(film, t))
    return (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2


def test_the_atlas_has_a_distinct_picture_for_every_object() -> None:
    pixels = Atlas().pixels()
    assert pixels.shape == (256, 64, 64, 4)
    assert (pixels[..., 3] > 128).mean(axis=(1, 2)).min() > 0.1
    assert len({picture.tobytes() for picture in pixels}) == 256


@given(
    seed=st.integers(0, 99),
    at=st.lists(st.floats(0, 20), min_size=3, max_size=6),
    split=st.sampled_from(SPLITS),
)
@settings(max_examples=12, deadline=None)
def test_a_frame_depends_on_film_and_time_alone(seed: int, at: list[float], split: str) -> None:
    film = draw_film(seed, 20, split=split, size=(64, 48))
    renderer = FilmRenderer(film)
    frames = {t: renderer.frame(t) for t in at}
    for t in reversed(at):
        assert np.array_equal(render_frame(film, t), frames[t])
        assert frames[t].shape == (48, 64, 3)
        assert frames[t].dtype == np.uint8


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (48, 128), (320, 180), (640, 32)])
def test_any_small_size(size: tuple[int, int]) -> None:
    film = draw_film(1, 10, size=size)
    assert all(FilmRenderer(film).frame(t).shape == (size[1], size[0], 3) for t in (0, 3.3, 10))


def test_times_outside_show_the_first_and_last_frame() -> None:
    film = draw_film(1, 10, size=(64, 48))
    assert np.array_equal(render_frame(film, -1), render_frame(film, 0))
    assert np.array_equal(render_frame(film, 99), render_frame(film, 10))


@pytest.mark.parametrize("colour", COLOURS)
def test_the_card_has_the_colour(colour: str) -> None:
    film = one_scene(object="fox", colour=colour, place="sea", action="spin")
    assert card_pixels(film, 1.0).mean() > 0.02


def test_colours_stay_apart_in_any_light() -> None:
    paints = np.array([PAINT[colour] for colour in COLOURS], dtype=float)
    for light in (0.85, 1.0, 1.15):
        lit = np.clip(paints * light, 0, 255)
        nearest = np.linalg.norm(lit[:, None] - paints[None], axis=2).argmin(axis=1)
        assert nearest.tolist() == list(range(len(COLOURS)))


@pytest.mark.parametrize(
    ("action", "axis", "sign"), [("left", 1, -1), ("right", 1, 1), ("up", 0, -1), ("down", 0, 1)]
)
def test_movement_goes_its_way(action: str, axis: int, sign: int) -> None:
    film = one_scene(object="fox", colour="purple", place="sea", action=action)
    places = [card_centre(film, t)[axis] for t in (0.1, 0.6, 1.1, 1.6)]
    steps = np.diff(places) * sign
    assert steps.min() > 3
    assert abs(card_centre(film, 2.1)[axis] - places[0]) <= 1


@pytest.mark.parametrize(("action", "sign"), [("grow", 1), ("shrink", -1)])
def test_growing_and_shrinking(action: str, sign: int) -> None:
    film = one_scene(object="fox", colour="purple", place="sea", action=action)
    areas = [card_pixels(film, t).sum() for t in (0.1, 0.6, 1.1, 1.6)]
    assert (np.diff(areas) * sign).min() > 10


def test_blinking_hides_the_card_half_of_the_time() -> None:
    film = one_scene(object="fox", colour="purple", place="sea", action="blink")
    seen = [bool(card_pixels(film, t).any()) for t in (0.25, 0.75, 1.25, 1.75)]
    assert seen == [True, False, True, False]


def test_spinning_turns_the_picture_in_place() -> None:
    film = one_scene(object="fox", colour="purple", place="sea", action="spin")
    assert not np.array_equal(render_frame(film, 1.0), render_frame(film, 1.5))
    first, second = card_centre(film, 1.0), card_centre(film, 1.5)
    assert np.abs(np.subtract(first, second)).max() < 4


def test_a_card_that_does_not_blink_is_missing_for_moments() -> None:
    film = one_scene(object="fox", colour="purple", place="sea", action="spin")
    look = replace(film.scenes[0].look, away=(2.0, 0.4))
    film = replace(film, scenes=(replace(film.scenes[0], look=look),))
    assert [bool(card_pixels(film, t).any()) for t in (0.2, 0.6, 1.8, 2.2, 2.6)] == [
        False,
        True,
        True,
        False,
        True,
    ]


def appearance(film: Film, scene: Scene, t: float) -> NDArray[np.float64]:
    """What can be seen of a card: how large, where and how turned it is; far from all that if it is away."""
    pose = card_pose(film, scene, t)
    if pose is None:
        return np.full(5, 9.0)
    turned = math.radians(pose.degrees)
    return np.array([pose.side / 30, pose.x / 30, pose.y / 20, math.sin(turned), math.cos(turned)])


def share_guessed(views: Sequence[NDArray[np.float64]], actions: Sequence[list[str]]) -> float:
    """How often the commonest action among the 25 most alike views of one film is that of another's view."""
    nearest = ((views[1][:, None] - views[0][None]) ** 2).sum(2).argsort(1)[:, :25]
    said = [Counter(actions[0][i] for i in row).most_common(1)[0][0] for row in nearest]
    return float(np.mean([guess == action for guess, action in zip(said, actions[1], strict=True)]))


def test_one_picture_does_not_tell_the_action_but_two_tell_much() -> None:
    films = [draw_film(seed, 7200, size=(96, 64)) for seed in (1, 2)]
    actions = [[scene.action for scene in film.scenes] for film in films]
    first, second = (
        [
            np.stack([appearance(film, scene, (scene.start + scene.end) / 2 + gap) for scene in film.scenes])
            for film in films
        ]
        for gap in (0.0, 0.2)
    )
    assert share_guessed(first, actions) < 0.2
    assert share_guessed([b - a for a, b in zip(first, second, strict=True)], actions) > 0.6


def test_a_fade_mixes_both_scenes() -> None:
    film = one_scene(object="fox", colour="purple", place="sea", action="spin")
    scene = film.scenes[0]
    first = replace(scene, end=3.0)
    second = replace(scene, place="snow", start=3.0, look=replace(scene.look, fade=0.5))
    fading = replace(film, scenes=(first, second))
    corner = [render_frame(fading, t)[:4, :4].mean() for t in (2.7, 2.9, 3.0, 3.1, 3.3)]
    assert corner == sorted(corner) or corner == sorted(corner, reverse=True)
    assert abs(corner[2] - (corner[0] + corner[4]) / 2) < 6


def test_places_are_told_apart_by_their_look() -> None:
    """A place resembles itself under another seed more than it resembles most others."""
    names = PLACES + UNSEEN_PLACES
    views = [[paint_place(name, seed, 48, 72).astype(float) for name in names] for seed in (1, 2)]

    def summary(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        blocks = picture.reshape(6, 8, 9, 8, 3)
        return np.concatenate([blocks.mean(axis=(1, 3)).ravel(), blocks.std(axis=(1, 3)).ravel()])

    first, second = ([summary(picture) for picture in view] for view in views)
    nearest = [int(np.argmin([np.linalg.norm(a - b) for b in second])) for a in first]
    assert sum(number == best for number, best in enumerate(nearest)) >= 18


def test_the_sketch_style_looks_different_but_keeps_the_card_colour() -> None:
    painted = one_scene(object="fox", colour="purple", place="sea", action="spin")
    sketched = replace(painted, style="sketch")
    assert np.abs(render_frame(painted, 1.0).astype(int) - render_frame(sketched, 1.0)).mean() > 10
    assert card_pixels(sketched, 1.0).mean() > 0.02
