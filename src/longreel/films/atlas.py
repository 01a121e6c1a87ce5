"""The pictures of the objects, from the atlas in the package."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from longreel.films.pictures import PICTURES

CELL = 64
COLUMNS = 16


class Atlas:
    """Pictures by object name; reading it once costs about 20 ms, so renderers may share one."""

    def __init__(self) -> None:
        with files("longreel.films").joinpath("data/atlas.png").open("rb") as file:
            self._sheet = Image.open(file).convert("RGBA")
        self._numbers = {word: number for number, word in enumerate(PICTURES)}

    def picture(self, word: str) -> Image.Image:
        """RGBA, 64 x 64. Raises KeyError for a word without a picture."""
        row, column = divmod(self._numbers[word], COLUMNS)
        left, top = column * CELL, row * CELL
        return self._sheet.crop((left, top, left + CELL, top + CELL))

    def pixels(self) -> NDArray[np.uint8]:
        """All pictures in order: uint8 (256, 64, 64, 4)."""
        return np.stack([np.asarray(self.picture(word)) for word in PICTURES])
