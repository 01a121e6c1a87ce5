"""A needle among the frames of a film, put together while they are read: nothing is encoded again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longreel.evaluate.needles import Needle
from longreel.video.picture import fit
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling

Picture = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Composition:
    """A source of (array, seconds): frames of a film with a needle among them.

    Times stay true: what comes after the needle is later by as long as the needle is on screen, a picture for
    one step, a clip for as long as it lasts.

    times: seconds of the film at which its frames are taken. step: seconds between them.
    place: how many of them stand before the needle.
    """

    film: Path
    times: tuple[float, ...]
    step: float
    needle: Needle
    place: int

    @property
    def seconds(self) -> tuple[float, ...]:
        """When each frame is shown."""
        lasts = self.step if self.needle.seconds is None else self.needle.seconds
        part = lasts / self.needle.frames
        first = self.place * self.step
        shown = [first + (number + 0.5) * part for number in range(self.needle.frames)]
        return (*self.times[: self.place], *shown, *(time + lasts for time in self.times[self.place :]))

    def __iter__(self) -> Iterator[tuple[Picture, float]]:
        return zip(self._pictures(), self.seconds, strict=False)

    def _pictures(self) -> Iterator[Picture]:
        picture, number = None, -1
        for number, picture in enumerate(_pictures(self.film, self.times)):
            if number == self.place:
                yield from self._needle_like(picture)
            yield picture
        if picture is not None and self.place > number:
            yield from self._needle_like(picture)

    def _needle_like(self, picture: Picture) -> Iterator[Picture]:
        """The needle in the size of the film, with black bars where its shape is another."""
        size = picture.shape[0], picture.shape[1]
        moves = self.needle.seconds is not None
        sampling = Sampling(count=self.needle.frames) if moves else Sampling()
        with open_film(self.needle.path, sampling=sampling) as stream:
            shown = stream.info.height, stream.info.width
            for block in stream:
                for pixels in block.pixels:
                    yield fit(pixels, shown, size, size).permute(1, 2, 0).numpy()


def _pictures(film: Path, times: tuple[float, ...]) -> Iterator[Picture]:
    with open_film(film, sampling=Sampling(seconds=times)) as stream:
        for block in stream:
            for pixels in block.pixels:
                yield pixels.permute(1, 2, 0).numpy()
