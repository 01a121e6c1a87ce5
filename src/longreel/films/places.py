"""From the name of a place to a picture of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from longreel.films import places_built, places_wild
from longreel.films.canvas import Canvas

PAINTERS: dict[str, Callable[[Canvas], None]] = {
    "beach": places_wild.beach,
    "forest": places_wild.forest,
    "desert": places_wild.desert,
    "city": places_built.city,
    "snow": places_wild.snow,
    "sea": places_wild.sea,
    "mountain": places_wild.mountain,
    "meadow": places_wild.meadow,
    "cave": places_wild.cave,
    "kitchen": places_built.kitchen,
    "road": places_built.road,
    "space": places_wild.space,
    "volcano": places_wild.volcano,
    "swamp": places_wild.swamp,
    "castle": places_built.castle,
    "library": places_built.library,
    "farm": places_built.farm,
    "canyon": places_wild.canyon,
    "reef": places_wild.reef,
    "theatre": places_built.theatre,
}


def paint_place(place: str, seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """The background of a scene, uint8 (height, width, 3); the seed varies its details.

    Raises KeyError for a place that cannot be painted.
    """
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 5))))
    canvas = Canvas(random, height, width)
    PAINTERS[place](canvas)
    return canvas.finish()
