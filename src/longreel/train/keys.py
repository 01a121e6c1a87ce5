"""Bare look-ups, the decoder's first lessons: an attribute's name and a thing, and at once its value.

With the key right before the answer a model learns to look things up in minutes; whole sentences come
after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from longreel.films.scenes import Film, Scene
from longreel.films.vocabulary import COLOURS, OBJECTS, PAST_TENSE, PLACES, counted, telling_word

_ASKED = ("colour", "place", "action")
_PAIRS = (("colour", "place"), ("colour", "action"), ("action", "place"))
_LETTERS = "ABCD"
_OTHERS_DRILLED: tuple[tuple[str, ...], ...] = (COLOURS, PLACES, tuple(PAST_TENSE.values()))
# There are many more names of objects than other words.
_SHARE_OBJECTS_DRILLED = 0.5
_SHARE_EXISTENCE = 0.25
_SHARE_THING = 0.3
_SHARE_COLOURED = 0.3

# Attributes by which a thing that is seen more than once is told, and those then asked for.
_TOLD_BY = {"place": ("colour", "action"), "colour": ("place", "action"), "action": ("colour", "place")}
_SHARE_TOLD = 0.3

LookUp = tuple[str, str]


def look_up(
    film: Film, *, timed: float = 0.0, ordered: float = 0.0
) -> Callable[[np.random.Generator], LookUp]:
    """A drawer of (asked, answer) pairs about a film.

    They are such as ("colour fox", "red"), ("colour beach fox", "red"), ("thing red beach", "fox"),
    ("thing red beach spun", "fox"), ("there fox", "yes"), ("there blue fox", "no"); in the share `timed`,
    ("minute fox", "1 minute") and ("second fox", "5 seconds"); in the share `ordered`, ("next fox", "bell").
    """
    counts = Counter(scene.object for scene in film.scenes)
    once = [scene for scene in film.scenes if counts[scene.object] == 1]
    missing = [name for name in OBJECTS if name not in counts]
    coloured = {(scene.object, scene.colour) for scene in film.scenes}
    alone = [
        (f"thing {' '.join(_word(scene, each) for each in attributes)}", scene.object)
        for attributes in (*_PAIRS, _ASKED)
        for scene in _alone_with(film.scenes, *attributes)
    ]

    told = [
        (f"{asked} {_word(scene, by)} {scene.object}", _word(scene, asked))
        for by, others in _TOLD_BY.items()
        for scene in _alone_with(film.scenes, "object", by)
        if counts[scene.object] > 1
        for asked in others
    ]

    def there(generator: np.random.Generator) -> LookUp:
        present = generator.random() < 0.5
        if generator.random() < _SHARE_COLOURED:
            scene = film.scenes[int(generator.integers(len(film.scenes)))]
            others = [colour for colour in COLOURS if (scene.object, colour) not in coloured]
            colour = scene.colour if present else others[int(generator.integers(len(others)))]
            return f"there {colour} {scene.object}", "yes" if present else "no"
        names = list(counts) if present else missing
        return f"there {names[int(generator.integers(len(names)))]}", "yes" if present else "no"

    def shown(generator: np.random.Generator) -> LookUp:
        scene = once[int(generator.integers(len(once)))]
        minute, second = divmod(round(scene.start), 60)
        unit, number = [("minute", minute), ("second", second)][int(generator.integers(2))]
        return f"{unit} {scene.object}", counted(number, unit)

    followed = [
        (f"next {scene.object}", after.object)
        for scene, after in pairwise(film.scenes)
        if counts[scene.object] == 1
    ]

    def draw(generator: np.random.Generator) -> LookUp:
        family = generator.random()
        if once and family < timed:
            return shown(generator)
        if followed and timed <= family < timed + ordered:
            return followed[int(generator.integers(len(followed)))]
        kind = generator.random()
        if alone and kind > 1 - _SHARE_THING:
            return alone[int(generator.integers(len(alone)))]
        if kind < _SHARE_EXISTENCE or not (once or told):
            return there(generator)
        if told and (not once or generator.random() < _SHARE_TOLD):
            return told[int(generator.integers(len(told)))]
        scene = once[int(generator.integers(len(once)))]
        asked = _ASKED[int(generator.integers(len(_ASKED)))]
        return f"{asked} {scene.object}", _word(scene, asked)

    return draw


def letter_drill(generator: np.random.Generator) -> list[LookUp]:
    """Four lettered words, then each of them again in any order, and its letter.

    Such as ("(A) fox (B) kite (C) sun (D) bell kite", "(B)"), ("bell", "(D)"), and so on.
    """
    of_objects = generator.random() < _SHARE_OBJECTS_DRILLED
    words = OBJECTS if of_objects else _OTHERS_DRILLED[int(generator.integers(len(_OTHERS_DRILLED)))]
    shown = [words[i] for i in generator.permutation(len(words))[: len(_LETTERS)]]
    told = " ".join(f"({letter}) {word}" for letter, word in zip(_LETTERS, shown, strict=True))
    order = generator.permutation(len(shown))
    pairs = [(shown[i], f"({_LETTERS[i]})") for i in order]
    return [(f"{told} {pairs[0][0]}", pairs[0][1]), *pairs[1:]]


def _word(scene: Scene, attribute: str) -> str:
    return telling_word(str(getattr(scene, attribute)))


def _alone_with(scenes: Sequence[Scene], *attributes: str) -> list[Scene]:
    """Scenes that no other shares all these attributes with."""
    values = [tuple(getattr(scene, name) for name in attributes) for scene in scenes]
    shared = Counter(values)
    return [scene for scene, value in zip(scenes, values, strict=True) if shared[value] == 1]
