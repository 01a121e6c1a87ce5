"""The films and images of a call, and in which order a model sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from longreel.errors import UsageError
from longreel.film_text import FilmText
from longreel.models.base import ImageEncoder, ImagePart, ModelAdapter
from longreel.sources import continued_sampling, is_far_picture, is_image, source_name
from longreel.video.reader import Begin, FilmStream, open_film, open_image
from longreel.video.sampling import Sampling

_AT_THE_BEGINNING = Begin()


@dataclass(frozen=True)
class Showing:
    """A film or an image that is to be watched.

    source: as the caller named it.
    alone: of an image, whether it is looked at more closely because there is no other; None for a film.
    text: subtitles of a film.
    """

    source: Any
    alone: bool | None = None
    text: FilmText | None = None

    @property
    def is_film(self) -> bool:
        """Whether it is no image."""
        return self.alone is None

    @property
    def read_once(self) -> bool:
        """Whether looking into it uses it up."""
        return isinstance(self.source, Iterator) and not hasattr(self.source, "read")

    def part(self, number: int) -> ImagePart | None:
        """Of an image: where it stands, as number `number` of the memory."""
        return None if self.alone is None else ImagePart(number, self.alone)

    def sampling(self, asked: Sampling, offset: float) -> Sampling:
        """Which of its frames are asked for if it begins at `offset` seconds of the memory's timeline."""
        return continued_sampling(asked, offset) if self.is_film else Sampling()

    def opened(
        self,
        sampling: Sampling,
        *,
        block: int = 16,
        strict: bool = False,
        allow_url: bool = False,
        begin: Begin = _AT_THE_BEGINNING,
        whole: bool = False,
    ) -> FilmStream:
        """Open it; see `open_film` and, for `whole`, `open_image`."""
        if not self.is_film:
            return open_image(self.source, whole=whole)
        return open_film(
            self.source, sampling=sampling, block=block, strict=strict, allow_url=allow_url, begin=begin
        )


def showings(adapter: ModelAdapter, sources: Sequence[Any], *, appended: bool = False) -> list[Showing]:
    """What the sources of a call are, in their order.

    A picture that a model without images is shown alone is a film of one frame.

    Args:
        appended: whether they come behind a memory.

    Raises:
        UsageError: there are images among them that the model cannot take, or not there.
    """
    images = [source for source in sources if is_image(source)]
    encoder = adapter.images
    if not images or (encoder is None and len(sources) == 1 and not appended):
        _refuse_far_pictures(sources)
        return [Showing(source) for source in sources]
    if encoder is None:
        raise UsageError(
            f"{source_name(images[0])} is an image and {adapter.name} knows films only: leave it out, or "
            "load a model that takes images"
        )
    if appended and (encoder.come_first or encoder.closer_alone):
        raise UsageError(
            f"{source_name(images[0])} is an image, and how {adapter.name} is shown it depends on all films "
            "and images: watch everything together"
        )
    _refuse_far_pictures(sources)
    alone = encoder.closer_alone and len(images) == 1
    return [Showing(source, alone if is_image(source) else None) for source in sources]


def watching_order(encoder: ImageEncoder | None, shown: Sequence[Showing]) -> list[int]:
    """Which of them comes first, second, …: some families have images before films."""
    if encoder is None or all(each.is_film for each in shown) or not encoder.come_first:
        return list(range(len(shown)))
    return sorted(range(len(shown)), key=lambda number: shown[number].is_film)


def _refuse_far_pictures(sources: Sequence[Any]) -> None:
    for source in sources if len(sources) > 1 else ():
        if is_far_picture(source):
            raise UsageError(f"{source} is a picture behind an address: copy it to a file first")
