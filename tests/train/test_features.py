"""Films composed from scenes: times, and doubts about things."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longreel.films.scenes import Film, draw_film
from longreel.train.features import FeatureBank, ideal_scenes
from longreel.train.shots import ATTRIBUTES, frame_labels

THINGS = len(ATTRIBUTES[0])


@pytest.fixture(scope="module")
def film() -> Film:
    return draw_film(910_000_000, 120.0)


def bank(film: Film, doubt: float = 0.0) -> FeatureBank:
    return FeatureBank(film, ideal_scenes(film, torch.Generator().manual_seed(0)), doubt)


def test_frames_come_at_the_times_of_their_scenes(film: Film) -> None:
    composed = bank(film).compose(np.random.default_rng(0), 12, 3, begin=1000.0)
    assert composed.film.scenes[0].start == 1000.0
    assert composed.seconds.tolist() == [1000.0 + i / 2 for i in range(len(composed.shares))]
    assert composed.film.seconds == composed.film.scenes[-1].end
    labels = frame_labels(composed.film, composed.seconds.tolist())
    places = composed.shares[:, THINGS + len(ATTRIBUTES[1]) :][:, : len(ATTRIBUTES[2])].argmax(-1)
    # Ideal eyes misread three in a hundred.
    assert (places == labels[:, 2]).float().mean() > 0.8


def test_films_of_few_things_show_each_several_times(film: Film) -> None:
    for seed in range(5):
        composed = bank(film).compose(np.random.default_rng(seed), 12, None, things=3).film
        names = {scene.object for scene in composed.scenes}
        assert len(names) == 3
        of_these = [scene for scene in film.scenes if scene.object in names]
        assert len(composed.scenes) == min(12, len(of_these))


def test_doubts_move_a_part_of_what_things_are_taken_for_and_nothing_else(film: Film) -> None:
    sure, doubting = (bank(film, doubt).compose(np.random.default_rng(1), 12, None) for doubt in (0.0, 1.0))
    order = [scene.object for scene in sure.film.scenes]
    assert order[0] == doubting.film.scenes[0].object
    scene = len(frames_of(sure.film, 0))
    before, after = sure.shares[:scene], doubting.shares[:scene]
    assert torch.equal(before[:, THINGS:], after[:, THINGS:])
    shown = before[:, :THINGS].sum(-1) > 0
    lost = (before[:, :THINGS].max(-1).values - after[:, :THINGS].max(-1).values)[shown]
    assert lost.abs().max() > 0
    assert (after[:, :THINGS].sum(-1) <= before[:, :THINGS].sum(-1) + 1e-5).all()
    assert (after >= 0).all()


def frames_of(film: Film, scene: int) -> list[float]:
    start, end = film.scenes[scene].start, film.scenes[scene].end
    return [time for time in np.arange(film.scenes[0].start, film.seconds, 0.5) if start <= time < end]
