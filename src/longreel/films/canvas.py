"""A small painter on a numpy picture, in coordinates from 0 to 1, so that places have no fixed size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Array = NDArray[np.float32]


class Canvas:
    """A picture of `height` x `width` being painted; `random` makes every scene's place its own."""

    def __init__(self, random: np.random.Generator, height: int, width: int) -> None:
        self.random = random
        self.height, self.width = height, width
        self.picture = Image.new("RGB", (width, height))
        self._draw = ImageDraw.Draw(self.picture)

    def finish(self, grain: float = 2.5) -> NDArray[np.uint8]:
        """The picture with a little noise: uint8 (height, width, 3)."""
        pixels = np.asarray(self.picture, dtype=np.float32)
        noise = self.random.standard_normal((self.height, self.width, 1), dtype=np.float32)
        return np.clip(pixels + grain * noise, 0, 255).astype(np.uint8)

    def near(self, colour: Colour, spread: float = 12.0) -> Colour:
        """The colour, slightly changed."""
        r, g, b = (int(c) for c in np.clip(self.random.normal(colour, spread), 0, 255))
        return r, g, b

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high."""
        return float(self.random.uniform(low, high))

    def gradient(self, top: Colour, bottom: Colour, start: float = 0.0, end: float = 1.0) -> None:
        """Fill the rows from `start` to `end`, from one colour to the other."""
        first, last = round(start * self.height), round(end * self.height)
        if last <= first:
            return
        share = np.linspace(0, 1, last - first, dtype=np.float32)[:, None]
        rows = np.asarray(top, np.float32) * (1 - share) + np.asarray(bottom, np.float32) * share
        strip = Image.fromarray(rows[:, None].astype(np.uint8), "RGB")
        self.picture.paste(strip.resize((self.width, last - first)), (0, first))

    def noise(self, rows: int, columns: int) -> Array:
        """Smooth noise in [-1, 1] with that many waves down and across: (height, width)."""
        coarse = self.random.uniform(-1, 1, (rows + 1, columns + 1)).astype(np.float32)
        picture = Image.fromarray(coarse, "F").resize((self.width, self.height), Image.Resampling.BICUBIC)
        return np.asarray(picture, dtype=np.float32)

    def tint(self, strength: Array, colour: Colour) -> None:
        """Blend towards a colour where strength (height, width) is near 1."""
        mask = Image.fromarray((np.clip(strength, 0, 1) * 255).astype(np.uint8), "L")
        self.picture.paste(colour, (0, 0, self.width, self.height), mask)

    def mottle(
        self, colour: Colour, strength: float, rows: int, columns: int, start: float = 0.0, end: float = 1.0
    ) -> None:
        """Patches of a colour between the rows `start` and `end`."""
        patches = np.clip(self.noise(rows, columns), 0, 1) * strength
        patches[: round(start * self.height)] = 0
        patches[round(end * self.height) :] = 0
        self.tint(patches, colour)

    def ridge(self, base: float, height: float, bumps: int, colour: Colour, jagged: bool = False) -> None:
        """Land below a line that wanders up to `height` above `base`."""
        knots = self.random.uniform(0, 1, bumps + 1)
        if jagged:
            knots[::2] *= 0.3
            knots[1::2] = 0.6 + 0.4 * knots[1::2]
        xs = np.linspace(0, 1, 2 * bumps + 1 if jagged else 40)
        places = np.linspace(0, 1, bumps + 1)
        if jagged:
            line = np.interp(xs, places, knots)
        else:
            blend = xs * bumps - np.minimum((xs * bumps).astype(int), bumps - 1)
            left = np.minimum((xs * bumps).astype(int), bumps - 1)
            soft = blend * blend * (3 - 2 * blend)
            line = knots[left] * (1 - soft) + knots[left + 1] * soft
        points = [(x, base - height * y) for x, y in zip(xs.tolist(), line.tolist(), strict=True)]
        self.polygon([(0.0, 1.01), *points, (1.0, 1.01)], colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        x0, y0, x1, y1 = self._pixels([(left, top), (right, bottom)])
        if x1 >= x0 and y1 >= y0:
            self._draw.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour, flat: float = 1.0) -> None:
        """A filled circle; `radius` is a fraction of the height, `flat` < 1 squashes it."""
        cx, cy, r = x * self.width, y * self.height, radius * self.height
        self._draw.ellipse((cx - r, cy - r * flat, cx + r, cy + r * flat), fill=colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(self._pixels(points), fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, thick: float = 0.01) -> None:
        """A line; `thick` is a fraction of the height."""
        width = max(1, round(thick * self.height))
        self._draw.line(self._pixels(points), fill=colour, width=width, joint="curve")

    def _pixels(self, points: Sequence[tuple[float, float]]) -> list[float]:
        return [value for x, y in points for value in (x * self.width, y * self.height)]
