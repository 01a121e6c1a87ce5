"""Watching with a ratio for each interval, and with intervals that end where the picture changes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from longreel import VideoXL
from longreel.compress.context_window import ContextWindow
from longreel.compress.distances import frame_distances
from longreel.errors import UsageError
from longreel.memory import VideoMemory
from longreel.methods import Method, named_method
from longreel.model import Model
from longreel.models.base import FilmPart, VisualTokens
from longreel.video.frames import Frames
from tests.fakes import arrays, assert_same, broken_off, interrupting, video_xl_model
from tests.oracles import dynamic

# The little model: 4 tokens a frame, clips of 4 frames, intervals of 48 tokens, ratios 2, 4 and 8. What is
# usual is told by few frames, so that short films forget, too.
HISTORY, LOOK_AHEAD = 15, 3
Film = list[tuple[np.ndarray, float]]


def scenes(*lengths: int, seed: int = 0) -> Film:
    """Scenes of so many frames, each of one picture, with a little noise."""
    rng, film = np.random.default_rng(seed), []
    for length in lengths:
        picture = rng.integers(20, 236, (32, 48, 3))
        for _ in range(length):
            noisy = picture + rng.integers(-6, 7, picture.shape)
            film.append((noisy.astype(np.uint8), len(film) / 2))
    return film


FILM = scenes(9, 3, 14, 2, 2, 12, 5, 20, 1, 7)
OTHER = scenes(6, 13, 4, seed=1)


def method(keep: float | None = None, budget: int | None = None, **settings: Any) -> Method:
    return named_method("video-xl", keep, budget, video_xl=VideoXL(**settings))


def by_change(keep: float | None = 0.25, budget: int | None = None, **more: Any) -> Method:
    return method(keep, budget, intervals="dynamic", history=HISTORY, look_ahead=LOOK_AHEAD, **more)


METHODS = {
    "dynamic": by_change(),
    "dynamic within": by_change(None, 60),
    "within": named_method("video-xl", budget=60),
    "drawn for intervals": method(draw="interval", seed=3),
    "drawn for films": method(draw="film", ratios=(2, 8)),
}


@pytest.fixture(scope="module")
def small() -> Model:
    return video_xl_model()


def set_to(small: Model, chosen: Method) -> Model:
    """The same weights with another method."""
    return Model(small.adapter, chosen)


def visual_tokens(model: Model, film: Film) -> Tensor:
    """What the language model sees of a film, (frames, tokens, width)."""
    pixels = torch.stack([torch.from_numpy(picture).permute(2, 0, 1) for picture, _ in film])
    seconds = torch.tensor([time for _, time in film], dtype=torch.float64)
    encoded = model.adapter.encode(Frames(pixels, seconds), FilmPart()).embeddings
    return encoded.view(len(film), -1, encoded.shape[1])


def plain_intervals(frames: Tensor, step: int = 2) -> list[int]:
    """Visual tokens of each interval, by the plain oracle."""
    means = torch.stack([frame.mean(0) for frame in frames])
    similarity = [1 - distance for distance in frame_distances(means[:, None])[1:, 0].tolist()]
    rule = SimpleNamespace(longest=12, shortest=1, sharpness=0.5, history=HISTORY, step=step)
    found = dynamic.intervals(dynamic.depths(similarity, HISTORY, LOOK_AHEAD), rule)
    return [len(interval) * frames.shape[1] for interval in found]


def kept_of(memory: VideoMemory) -> int:
    return int((memory.layers[0].token >= 0).sum())


@pytest.mark.parametrize("rate", [Fraction(1, 4), Fraction(13, 100)])
def test_dynamic_intervals_are_those_of_the_plain_oracle_for_the_whole_film(
    small: Model, rate: Fraction
) -> None:
    model = set_to(small, by_change(float(rate)))
    memory = model.watch(FILM)
    frames = visual_tokens(model, FILM)
    lengths = plain_intervals(frames)
    ratios = dynamic.ratios(lengths, rate, (2, 4, 8), 48)
    assert memory.header.intervals == tuple(zip(lengths, ratios, strict=True))
    assert len(set(lengths)) > 3
    assert len(set(ratios)) > 1
    assert kept_of(memory) == sum(n // r for n, r in zip(lengths, ratios, strict=True))
    assert kept_of(memory) <= rate * memory.header.visual_tokens

    adapter: Any = model.adapter
    expected = adapter.model.language_model.watch(
        adapter.dialogue.before(None), frames.flatten(0, 1), interval=lengths, ratios=ratios
    )
    for mine, theirs in zip(memory.layers, expected.layers, strict=True):
        assert torch.equal(mine.token, theirs.token)
        assert torch.equal(mine.positions, theirs.positions)
        assert torch.allclose(mine.keys, theirs.keys, atol=1e-4)
        assert torch.allclose(mine.values, theirs.values, atol=1e-4)


def test_entries_stand_for_the_tokens_they_condense(small: Model) -> None:
    memory = set_to(small, by_change()).watch(FILM)
    first, last = memory.tokens_shown()
    begin, expected = 0, []
    for tokens, ratio in memory.header.intervals or ():
        expected += [(begin + at, begin + at + ratio - 1) for at in range(0, tokens - tokens % ratio, ratio)]
        begin += tokens
    assert list(zip(first.tolist(), last.tolist(), strict=True)) == expected
    spans = memory.seconds()[memory.layers[0].token >= 0]
    assert spans[:, 0].tolist() == [token // 4 / 2 for token, _ in expected]


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_memory_is_the_same_and_answers_the_same(small: Model, name: str, tmp_path: Path) -> None:
    model = set_to(small, METHODS[name])
    memory = model.watch([FILM, OTHER])
    memory.save(tmp_path / "both.memory")
    opened = model.open(tmp_path / "both.memory")
    assert_same(opened, memory)
    answers = [model.ask(held, "what is it?", max_new_tokens=4) for held in (memory, opened)]
    assert answers[0].text == answers[1].text
    assert answers[0].evidence == answers[1].evidence
    assert "intervals" in str(memory.report())


@pytest.mark.parametrize("name", METHODS)
def test_going_on_equals_watching_in_one_go(small: Model, name: str) -> None:
    """Broken off twice; where intervals follow changes, the second time while frames are looked at again."""
    model = set_to(small, METHODS[name])
    whole = model.watch([OTHER, FILM])
    for block in (2, 5, 8):
        memory = broken_off(model, [OTHER, FILM], progress=interrupting(block))
        again = broken_off(model, [OTHER, FILM], progress=interrupting(1), resume=memory)
        assert_same(model.watch([OTHER, FILM], resume=again), whole)


def test_going_on_remembers_what_was_usual(small: Model) -> None:
    """In noise every gap is close to the bar, which follows from what was seen before."""
    chosen = method(0.25, intervals="dynamic", history=24, look_ahead=3)
    model, noise = set_to(small, chosen), arrays(96)
    whole = model.watch(noise)
    for block in (4, 5):
        memory = broken_off(model, noise, progress=interrupting(block))
        assert_same(model.watch(noise, resume=memory), whole)
    again = broken_off(model, noise, progress=interrupting(1), resume=memory)
    assert_same(again, memory)
    assert_same(model.watch(noise, resume=again), whole)


def test_intervals_do_not_depend_on_how_the_film_comes(small: Model) -> None:
    adapter: Any = small.adapter
    frames = visual_tokens(small, FILM)
    facts = SimpleNamespace(name="film", tokens=None, interval=48, frame_tokens=4, ratios=(2, 4, 8))
    facts.is_film = True
    cache: Any = by_change().cache
    found = []
    for sizes in ([75], [4] * 19, [1] * 75, [5, 30, 2, 38]):
        watcher = adapter.watcher(adapter.dialogue.before(None), cache)
        watcher.begin_film(cache.of_film(facts))
        for block in frames.split(sizes[: len(sizes)] if sum(sizes) == 75 else 4):
            count = len(block)
            times = torch.zeros(count * 4, dtype=torch.float64)
            number = torch.arange(count).repeat_interleave(4)
            watcher.push(VisualTokens(block.flatten(0, 1), times, times, number))
        found.append(watcher.finish())
    for other in found[1:]:
        assert other.intervals == found[0].intervals
        assert all(torch.equal(a.keys, b.keys) for a, b in zip(other.layers, found[0].layers, strict=True))


def test_few_frames_wait(small: Model) -> None:
    """What waits is at most an interval and what is ahead of its end, and a block."""
    memory = broken_off(set_to(small, by_change()), FILM, progress=interrupting(5))
    assert memory.header.visual_tokens >= (5 * 12 - 12 - LOOK_AHEAD) * 4


@pytest.mark.parametrize("name", ["dynamic", "drawn for intervals", "drawn for films"])
def test_a_film_added_is_both_watched_together(small: Model, name: str) -> None:
    model = set_to(small, METHODS[name])
    both = model.watch([FILM, OTHER])
    longer = model.append(model.watch(FILM), OTHER)
    assert longer.header.intervals == both.header.intervals
    for mine, theirs in zip(longer.layers, both.layers, strict=True):
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())
    assert "not equal to watching the joined film" in longer.header.warnings[-1]


@pytest.mark.parametrize("name", ["dynamic within", "within"])
def test_each_film_stays_within_the_budget_and_none_is_added(small: Model, name: str) -> None:
    model = set_to(small, METHODS[name])
    memory = model.watch([FILM, OTHER])
    token = memory.layers[0].token
    kept = [int(((token >= 0) & (token < 300)).sum()), int((token >= 300).sum())]
    assert max(kept) <= 60
    assert min(kept) > 25
    alone = model.watch(FILM).header.intervals
    assert alone is not None
    assert memory.header.intervals is not None
    assert memory.header.intervals[: len(alone)] == alone
    with pytest.raises(UsageError, match="made with budget=60, which another film would change"):
        model.append(memory, OTHER)


def test_the_smallest_ratio_that_fits(small: Model) -> None:
    for budget, ratio in ((300, 1), (299, 2), (150, 2), (149, 4), (75, 4), (37, 8)):
        memory = set_to(small, named_method("video-xl", budget=budget)).watch(FILM)
        assert {ratio for _, ratio in memory.header.intervals or ()} == {ratio}
        assert kept_of(memory) <= budget
    with pytest.raises(UsageError, match=r"37 summaries even at 8x, .*: give budget=37, or watch fewer"):
        set_to(small, named_method("video-xl", budget=36)).watch(FILM)


def test_a_ratio_for_each_interval(small: Model) -> None:
    ratios = (8, 2, 1, 4, 8, 2, 4)
    model = set_to(small, method(ratios=ratios))
    memory = model.watch(FILM)
    assert memory.header.intervals == tuple(zip([48] * 6 + [12], ratios, strict=True))
    adapter: Any = model.adapter
    expected = adapter.model.language_model.watch(
        adapter.dialogue.before(None), visual_tokens(model, FILM).flatten(0, 1), interval=48, ratios=ratios
    )
    for mine, theirs in zip(memory.layers, expected.layers, strict=True):
        assert torch.equal(mine.token, theirs.token)
        assert torch.allclose(mine.keys, theirs.keys, atol=1e-4)
    interrupted = broken_off(model, FILM, progress=interrupting(4))
    assert_same(model.watch(FILM, resume=interrupted), memory)
    with pytest.raises(UsageError, match="a ratio for each interval, which another film would change"):
        model.append(memory, OTHER)
    with pytest.raises(UsageError, match="7 ratios for 2 intervals: give as many"):
        model.watch(OTHER)
    with pytest.raises(UsageError, match="7 ratios for 9 intervals"):
        model.watch([FILM, OTHER])
    with pytest.raises(UsageError, match="films that can be opened twice"):
        model.watch(iter(FILM))


def test_ratios_are_drawn_for_each_film_or_interval_the_same_for_a_seed(small: Model) -> None:
    films = [scenes(8, seed=seed) for seed in range(8)]
    drawn = set_to(small, method(draw="film")).watch(films).header.intervals or ()
    assert [tokens for tokens, _ in drawn] == [32] * 8
    assert len({ratio for _, ratio in drawn}) > 1
    by_seed = [set_to(small, method(draw="interval", seed=seed)).watch(FILM) for seed in (0, 1, 0)]
    assert len({ratio for _, ratio in by_seed[0].header.intervals or ()}) > 1
    assert by_seed[0].header.intervals != by_seed[1].header.intervals
    assert_same(by_seed[0], by_seed[2])


def test_one_ratio_for_all_is_as_it_was(small: Model) -> None:
    memory = set_to(small, named_method("video-xl", 0.25, video_xl=VideoXL())).watch(FILM)
    assert memory.header.intervals is None
    assert memory.header.method == {
        "name": "video-xl",
        "frames": None,
        "cache": {"part": "SummaryTokens", "ratio": 4},
    }
    by_list = set_to(small, method(ratios=(4,) * 7)).watch(FILM)
    for mine, theirs in zip(memory.layers, by_list.layers, strict=True):
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())


def test_a_budget_of_all_keeps_all(small: Model) -> None:
    whole = set_to(small, named_method("keep-all")).watch(FILM)
    memory = set_to(small, by_change(None, 300)).watch(FILM)
    for mine, theirs in zip(memory.layers, whole.layers, strict=True):
        assert torch.equal(mine.token, theirs.token)
        assert torch.allclose(mine.keys, theirs.keys, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_a_rescaled_table_is_for_what_films_take_up(small: Model, name: str) -> None:
    plain = METHODS[name]
    model = set_to(small, Method(cache=plain.cache, positions=ContextWindow(window=20)))
    memory = model.watch([FILM, OTHER])
    assert memory.window is not None
    assert memory.header.next_position <= memory.window.target
    assert not memory.header.warnings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"intervals": "even"}, "unknown intervals 'even': known are fixed, dynamic"),
        ({"seed": 1}, "seed=1 is for ratios drawn at random: give draw= too"),
        ({"draw": "frame"}, "for each interval or film, not 'frame'"),
        ({"draw": "film", "intervals": "dynamic"}, "leave out draw="),
        ({"longest": 3}, 'longest=3 is for intervals="dynamic"'),
        ({"keep": 0.5, "ratios": (2, 4)}, "give one of them"),
        ({"budget": 9, "draw": "film"}, "give one of them"),
        ({"ratios": (2, 0)}, "are no ratios"),
        ({"ratios": ()}, "are no ratios"),
        ({"keep": 2, "intervals": "dynamic"}, r"outside \(0, 1\]"),
        ({"keep": 0.5, "budget": 3, "intervals": "dynamic"}, "give one of keep= and budget="),
    ],
    ids=str,
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        method(settings.pop("keep", None), settings.pop("budget", None), **settings)
    assert len(str(caught.value).splitlines()) == 1


def test_what_a_model_does_not_know(small: Model) -> None:
    with pytest.raises(UsageError, match="not trained to condense 16x: its ratios are 2, 4, 8"):
        set_to(small, method(ratios=(2, 16)))
    with pytest.raises(UsageError, match="keep at least 1/8"):
        set_to(small, by_change(0.1))
    with pytest.raises(UsageError, match="for the method video-xl, not retake"):
        named_method("retake", 0.5, video_xl=VideoXL(draw="film"))
    assert (
        named_method("video-xl", video_xl=VideoXL(intervals="dynamic")).cache
        == method(0.125, intervals="dynamic").cache
    )


def test_a_memory_of_other_settings_is_not_gone_on_with(small: Model) -> None:
    memory = broken_off(set_to(small, by_change()), FILM, progress=interrupting(3))
    with pytest.raises(UsageError, match="load it with the memory's method"):
        set_to(small, by_change(0.5)).watch(FILM, resume=memory)
