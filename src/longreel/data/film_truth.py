"""Captions and clues of drawn films, from the truth file beside them: no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longreel.data.captions import Caption
from longreel.data.clips import Clip
from longreel.data.clues import Clue
from longreel.data.found_films import FoundFilm
from longreel.errors import SourceError
from longreel.films.scenes import Scene
from longreel.films.truth import load_truth
from longreel.films.vocabulary import PAST_TENSE, where, with_article

TRUTH_ENDING = ".json"
# Seconds. A shorter scene may lie between two frames of training, at one frame a second.
SHORTEST_SCENE = 2.0
# A film's file may be a frame longer or shorter than what was drawn.
_TOLERANCE = 0.5


class TruthCaptioner:
    """Says what is drawn; see `Captioner`."""

    def plan(self) -> dict[str, Any]:
        """See `Captioner`."""
        return {"truth": SHORTEST_SCENE}

    def caption(self, film: FoundFilm, clip: Clip) -> str:
        """All scenes that begin in the clip, or the one that goes on through it."""
        scenes = true_scenes(film)
        begun = [scene for scene in scenes if clip.start <= scene.start < clip.end]
        shown = begun or [scene for scene in scenes if scene.start < clip.end][-1:]
        return ", then ".join(sight(scene) for scene in shown) + "."


class TruthWriter:
    """The scenes that are long enough are the clues; see `Writer`."""

    needs_captions = False

    def plan(self) -> dict[str, Any]:
        """See `Writer`."""
        return {"truth": SHORTEST_SCENE}

    def clues(self, film: FoundFilm, captions: Sequence[Caption]) -> list[Clue]:
        """See `Writer`."""
        # A short scene counts as well: what it shows is then seen at several moments.
        shown = [(scene, Clue(sight(scene), scene.start)) for scene in true_scenes(film)]
        short = {clue.text for scene, clue in shown if scene.seconds < SHORTEST_SCENE}
        return [clue for _, clue in shown if clue.text not in short]


def sight(scene: Scene) -> str:
    """A scene in words."""
    thing = with_article(f"{scene.colour} {scene.object}")
    return f"{thing} {PAST_TENSE[scene.action]} {where(scene.place)}"


def true_scenes(film: FoundFilm) -> tuple[Scene, ...]:
    """What a drawn film shows.

    Raises:
        SourceError: there is no truth beside the film, or that of another.
    """
    path = film.path.with_suffix(TRUTH_ENDING)
    truth = load_truth(path)
    if abs(truth.seconds - film.seconds) > _TOLERANCE:
        raise SourceError(
            f"{path} tells of a film of {truth.seconds:g} s and {film.path.name} has {film.seconds:g} s: "
            "draw it again"
        )
    return truth.scenes
