"""Films cut into clips."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longreel.data.clips import SHORTEST_CLIP, Clip, clip_frames, cut
from longreel.errors import SourceError
from tests.cli.tiny import write_film


@given(st.floats(0.01, 20_000), st.floats(2, 600))
def test_clips_cover_the_film_one_after_the_other(seconds: float, length: float) -> None:
    clips = cut(seconds, length)
    assert (clips[0].start, clips[-1].end) == (0, seconds)
    for number, clip in enumerate(clips):
        assert clip.number == number
        assert clip.start < clip.end
    for clip, following in pairwise(clips):
        assert clip.end == following.start
        assert clip.end - clip.start == pytest.approx(length)
    last = clips[-1].end - clips[-1].start
    assert last < length + SHORTEST_CLIP
    assert last >= SHORTEST_CLIP or len(clips) == 1


@pytest.mark.parametrize(
    ("seconds", "ends"),
    [(28.0, [14, 28]), (28.9, [14, 28.9]), (29.0, [14, 28, 29]), (33.5, [14, 28, 33.5]), (0.4, [0.4])],
)
def test_what_becomes_of_the_rest(seconds: float, ends: list[float]) -> None:
    assert [clip.end for clip in cut(seconds, 14.0)] == ends


def test_frames_lie_evenly_in_their_clip(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", 4.0, fps=10)
    frames = clip_frames(film, Clip(1, 2.0, 4.0), 4)
    assert frames.seconds.tolist() == pytest.approx([0.2, 0.7, 1.2, 1.7])
    assert frames.pixels.shape == (4, 3, 64, 96)
    assert len(clip_frames(film, Clip(1, 2.0, 2.3), 8).seconds) == 3, "each frame once"


def test_a_film_shorter_than_it_tells_is_named(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", 2.0)
    with pytest.raises(SourceError, match=r"film\.mp4"):
        clip_frames(film, Clip(2, 28.0, 42.0), 4)
