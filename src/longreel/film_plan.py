"""What a film will become, told from its facts before its first frame is encoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from longreel.compress.base import FrameSelector, TokenShrinker
from longreel.errors import SourceError, UsageError
from longreel.models.base import FilmTokens, ImagePart, ModelAdapter
from longreel.showing import Showing
from longreel.token_shrinking import PlanningModel
from longreel.video.reader import FilmStream
from longreel.video.sampling import Sampling
from longreel.video.targets import Listed, plan_targets, spread


@dataclass(frozen=True)
class FilmPlan:
    """What watching a film or an image makes of it. Counts are None for a film of unknown length.

    They hold for what a film tells of itself: one that is damaged, or whose frames come at an uneven rate,
    may have fewer frames.

    frames: how many the model sees. height, width: their size in pixels.
    patches: pieces of pictures that the vision tower looks at.
    visual_tokens: what the language model sees of them. text_tokens: of text among them (times and marks).
    max_tokens: what both were to stay within; None for no limit.
    reach: see `FilmTokens`.
    """

    frames: int | None
    height: int
    width: int
    patches: int | None = None
    visual_tokens: int | None = None
    text_tokens: int | None = None
    max_tokens: int | None = None
    reach: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


@dataclass(frozen=True)
class PlannedFilm:
    """The facts of a film that a plan is made from.

    name: for errors. number: of the film among those of the memory.
    shown: displayed (height, width). seconds: float64 (F,), about when its frames are shown; None if its
        length is unknown.
    length, start: seconds of the part that is watched, None if unknown, and where it begins.
    before: frames read of earlier films, for the selector.
    image: where it stands, if it is an image and no film.
    """

    name: str
    number: int
    shown: tuple[int, int]
    seconds: Tensor | None
    length: float | None
    start: float = 0.0
    before: int = 0
    image: ImagePart | None = None

    @classmethod
    def of(
        cls,
        stream: FilmStream,
        sampling: Sampling,
        number: int,
        before: int,
        image: ImagePart | None = None,
    ) -> PlannedFilm:
        """Of a film or an image that was opened."""
        info = stream.info
        if image is not None:
            at_once = torch.zeros(1, dtype=torch.float64)
            return cls(info.name, number, (info.height, info.width), at_once, 0.0, image=image)
        seconds = None
        if stream.expected:
            seconds = nominal_times(sampling, info.duration, stream.expected)
        start = sampling.start or 0.0
        ends = [time for time in (sampling.end, info.duration) if time is not None]
        length = min(ends) - start if ends and sampling.seconds is None else None
        return cls(info.name, number, (info.height, info.width), seconds, length, start, before)

    def of_frames(self, most: int) -> PlannedFilm:
        """The same film with at most so many frames."""
        if self.seconds is None or len(self.seconds) <= most:
            return self
        if self.length is None:
            return replace(self, seconds=self.seconds[torch.arange(most) * len(self.seconds) // most])
        times = spread(most, self.start, self.start + self.length)
        return replace(self, seconds=torch.tensor(times, dtype=torch.float64))


def nominal_times(sampling: Sampling, duration: float | None, frames: int) -> Tensor:
    """When `frames` frames are wanted, or where there are fewer than wanted, at an even rate.

    A frame is shown at this time, so it begins at it or a little before. Returns float64 (frames,).
    """
    targets = plan_targets(sampling, duration)
    ends = [time for time in (sampling.end, duration) if time is not None]
    if isinstance(targets, Listed) or not ends:
        wanted = [targets.at(index) for index in range(frames)]
        times = [time for time in wanted if time is not None]
        return torch.tensor([*times, *[times[-1]] * (frames - len(times))], dtype=torch.float64)
    start = sampling.start or 0.0
    crowded = targets.before(min(ends)) > frames
    step = (min(ends) - start) / frames if crowded else targets.spacing()
    return start + torch.arange(frames, dtype=torch.float64) * step


def checked_max_tokens(max_tokens: int | None) -> int | None:
    """`max_tokens`, if it is a number of tokens.

    Raises:
        UsageError: it is not.
    """
    if max_tokens is not None and (
        isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1
    ):
        raise UsageError(
            f"max_tokens={max_tokens} is no number of tokens: give a whole number, such as 16384"
        )
    return max_tokens


def plan_film(
    adapter: ModelAdapter,
    selector: FrameSelector | None,
    film: PlannedFilm,
    max_tokens: int | None = None,
    shrinker: TokenShrinker | None = None,
) -> tuple[FilmPlan, FrameSelector | None]:
    """What a film becomes, and the selector fitted to it.

    Args:
        max_tokens: frames are made smaller, down to the family's least size, so that the film's visual
            tokens and the text among them stay within it.
        shrinker: makes fewer tokens of each picture.

    Raises:
        SourceError: the model cannot look at pictures of this shape.
        UsageError: the film does not fit into `max_tokens`, or its length is unknown; or the selector or the
            shrinker cannot work for such a film.
    """
    if film.image is not None:
        return _plan_image(adapter, film, film.image, max_tokens), selector
    model = PlanningModel(adapter, shrinker)
    if film.seconds is None:
        return _unknown(model, selector, film, max_tokens)
    seconds, size, fitted = _selected(model, selector, film, max_tokens)
    model.check(size)
    becomes = _becomes(model, film, seconds, size)
    plan = FilmPlan(
        len(seconds), *size, becomes.patches, becomes.visual, becomes.text, max_tokens, becomes.reach
    )
    if max_tokens is not None and becomes.visual + becomes.text > max_tokens:
        raise UsageError(
            f"{film.name} becomes {becomes.visual + becomes.text:,} tokens in {len(seconds):,} frames of the "
            f"least size {size[1]}x{size[0]}, and max_tokens={max_tokens}: "
            f"{_fewer(model, selector, film, max_tokens)}"
        )
    return plan, fitted


def plan_films(
    adapter: ModelAdapter,
    selector: FrameSelector | None,
    shown: Sequence[Showing],
    sampling: Sampling,
    max_tokens: int | None = None,
    shrinker: TokenShrinker | None = None,
    *,
    allow_url: bool = False,
    number: int = 0,
    offset: float = 0.0,
    before: int = 0,
) -> tuple[list[PlannedFilm], list[FilmPlan]]:
    """Open films and images that follow each other, without reading the films, and plan each.

    Args:
        number, offset, before: films and images, seconds, and frames of films of the memory before the first
            of these.

    Raises:
        SourceError: one cannot be read.
        UsageError: see `plan_film`.
    """
    films: list[PlannedFilm] = []
    plans: list[FilmPlan] = []
    for showing in shown:
        settings = showing.sampling(sampling, offset)
        place = number + len(films)
        with showing.opened(settings, allow_url=allow_url, whole=True) as stream:
            film = PlannedFilm.of(stream, settings, place, before, showing.part(place))
            offset += stream.info.duration or 0.0
            before += (stream.expected or 0) if showing.is_film else 0
        films.append(film)
        plans.append(plan_film(adapter, selector, film, max_tokens, shrinker)[0])
    return films, plans


def _plan_image(
    adapter: ModelAdapter, film: PlannedFilm, part: ImagePart, max_tokens: int | None
) -> FilmPlan:
    assert adapter.images is not None
    try:
        size = adapter.images.size(*film.shown, part)
        becomes = adapter.images.tokens(*size, part)
        if max_tokens is not None:
            # Text does not depend on the size of the image.
            size = adapter.images.size(*film.shown, part, max(0, max_tokens - becomes.text))
            becomes = adapter.images.tokens(*size, part)
    except SourceError as error:
        raise SourceError(f"{film.name}: {error}") from None
    needed = becomes.visual + becomes.text
    if max_tokens is not None and needed > max_tokens:
        raise UsageError(
            f"{film.name} becomes {needed:,} tokens at least, and max_tokens={max_tokens}: "
            f"give max_tokens={needed}"
        )
    return FilmPlan(1, *size, becomes.patches, becomes.visual, becomes.text, max_tokens, becomes.reach)


def _unknown(
    model: PlanningModel, selector: FrameSelector | None, film: PlannedFilm, max_tokens: int | None
) -> tuple[FilmPlan, FrameSelector | None]:
    if max_tokens is not None:
        raise UsageError(
            f"{film.name}: max_tokens= needs a film of known length: give end= too, or leave it out"
        )
    size = model.frame_size(*film.shown)
    model.check(size)
    return FilmPlan(None, *size), selector and selector.fitted(None, partial(model.visual_tokens, size=size))


def _selected(
    model: PlanningModel, selector: FrameSelector | None, film: PlannedFilm, max_tokens: int | None
) -> tuple[Tensor, tuple[int, int], FrameSelector | None]:
    """Times and size of the frames that are encoded, and what selects them."""
    assert film.seconds is not None
    every = film.seconds
    size = _size(model, film, every, max_tokens)
    if selector is None:
        return every, size, None
    fitted = selector.fitted(len(every), partial(model.visual_tokens, size=size))
    chosen = every[fitted.select(every, film.before)]
    if not len(chosen):
        return chosen, size, fitted
    larger = _size(model, film, chosen, max_tokens)
    # Of fewer frames each may be larger, unless then fewer would be chosen.
    if selector.fitted(len(every), partial(model.visual_tokens, size=larger)) == fitted:
        size = larger
    return chosen, size, fitted


def _size(
    model: PlanningModel, film: PlannedFilm, seconds: Tensor, max_tokens: int | None
) -> tuple[int, int]:
    if max_tokens is None:
        return model.frame_size(*film.shown, len(seconds))
    # Text does not depend on the size of frames.
    text = model.film_tokens(seconds, *model.frame_size(*film.shown, len(seconds)), film.number).text
    return model.frame_size(*film.shown, len(seconds), max(0, max_tokens - text))


def _becomes(model: PlanningModel, film: PlannedFilm, seconds: Tensor, size: tuple[int, int]) -> FilmTokens:
    return model.film_tokens(seconds, *size, film.number) if len(seconds) else FilmTokens(0, 0, 0, 0)


def _fewer(model: PlanningModel, selector: FrameSelector | None, film: PlannedFilm, max_tokens: int) -> str:
    """What to set so that the film stays within its budget."""

    def fits(frames: int) -> bool:
        part = film.of_frames(frames)
        seconds, size, _ = _selected(model, selector, part, max_tokens)
        becomes = _becomes(model, film, seconds, size)
        return becomes.visual + becomes.text <= max_tokens

    assert film.seconds is not None
    most = most_frames(len(film.seconds) - 1, fits)
    if most is None:
        return "not even one frame fits, give more tokens"
    return f"give {frames_setting(most, film.length)}, or more tokens"


def most_frames(most: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number of frames up to `most` that fits; None if there is none."""
    least, found = 1, None
    while least <= most:
        middle = (least + most) // 2
        if fits(middle):
            found, least = middle, middle + 1
        else:
            most = middle - 1
    return found


def frames_setting(frames: int, length: float | None) -> str:
    """How to ask for so many frames of a film of `length` seconds."""
    setting = f"max_frames={frames}"
    if length is None or length <= 0:
        return setting
    # Rounded down: more frames would not fit.
    rate = frames / length
    digits = max(0, 2 - math.floor(math.log10(rate)))
    rounded = math.floor(rate * 10**digits) / 10**digits
    return f"{setting} or fps={rounded:g}"
