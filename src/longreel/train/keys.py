"""Bare look-ups, the decoder's first lessons: an attribute's name and a thing, and at once its value.

With the key right before the answer a model learns to look things up in minutes; whole sentences come
after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from longreel.films.scenes import Film
from longreel.films.vocabulary import OBJECTS, PAST_TENSE

_ASKED = ("colour", "place", "action")
_SHARE_EXISTENCE = 0.25
_SHARE_THING = 0.25


def look_up(film: Film) -> Callable[[np.random.Generator], tuple[str, str]]:
    """A drawer of (asked, answer) pairs about a film.

    They are such as ("colour fox", "red"), ("thing red beach", "fox") and ("there fox", "yes").
    """
    counts = Counter(scene.object for scene in film.scenes)
    once = [scene for scene in film.scenes if counts[scene.object] == 1]
    missing = [name for name in OBJECTS if name not in counts]
    pairs = Counter((scene.colour, scene.place) for scene in film.scenes)
    alone = [scene for scene in film.scenes if pairs[scene.colour, scene.place] == 1]

    def draw(generator: np.random.Generator) -> tuple[str, str]:
        kind = generator.random()
        if alone and kind > 1 - _SHARE_THING:
            scene = alone[int(generator.integers(len(alone)))]
            return f"thing {scene.colour} {scene.place}", scene.object
        if not once or kind < _SHARE_EXISTENCE:
            there = generator.random() < 0.5
            names = list(counts) if there else missing
            return f"there {names[int(generator.integers(len(names)))]}", "yes" if there else "no"
        scene = once[int(generator.integers(len(once)))]
        asked = _ASKED[int(generator.integers(len(_ASKED)))]
        value = str(getattr(scene, asked))
        return f"{asked} {scene.object}", PAST_TENSE.get(value, value).split()[-1]

    return draw
