"""Whether films fit into a model's context, found out before any of their frames is encoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch

from longreel.compress.base import AttentionCompressor, CacheCompressor, Chunk, IntervalCompressor
from longreel.compress.baselines import KeepAll
from longreel.compress.context_window import RescaledWindow
from longreel.errors import ContextError, LongreelError, UsageError
from longreel.film_plan import FilmPlan, PlannedFilm, frames_setting, most_frames, plan_film
from longreel.methods import Method, named_method
from longreel.models.base import ModelAdapter

_FRACTIONS = tuple(0.5**power for power in range(1, 11))


@dataclass(frozen=True)
class Fill:
    """What a memory gets: visual tokens, tokens of text, and positions on the longest axis.

    reach: None where every entry that is kept takes up one position.
    films: visual tokens of each film, and the prompt tokens that a budget is set against.
    images: visual tokens of images, which layers keep whole; extent: positions that these take up.
    """

    visual: int
    text: int
    reach: int | None
    films: tuple[tuple[int, int], ...] = ()
    images: int = 0
    extent: int = 0

    @classmethod
    def of_text(cls, tokens: int) -> Fill:
        """Of text before a film."""
        return cls(0, tokens, tokens)

    def and_text(self, tokens: int) -> Fill:
        """With text among the films, such as subtitles."""
        reach = None if self.reach is None else self.reach + tokens
        return replace(self, text=self.text + tokens, reach=reach)

    def thinned(self, share: Fraction) -> Fill:
        """Where only a share of the frames stays, and all of the images."""
        if share == 1:
            return self
        fixed = self.text + self.extent
        reach = None if self.reach is None else fixed + math.ceil((self.reach - fixed) * share)
        films = tuple((math.ceil(visual * share), math.ceil(prompt * share)) for visual, prompt in self.films)
        visual = self.images + math.ceil((self.visual - self.images) * share)
        return replace(self, visual=visual, reach=reach, films=films)

    def and_plan(self, plan: FilmPlan, *, is_film: bool) -> Fill:
        """With a film or an image; a film of unknown length counts nothing."""
        if plan.visual_tokens is None or plan.text_tokens is None:
            return self
        reach = None if plan.reach is None or self.reach is None else self.reach + plan.reach
        tokens, text = plan.visual_tokens, plan.text_tokens
        more = replace(self, visual=self.visual + tokens, text=self.text + text, reach=reach)
        if is_film:
            return replace(more, films=(*self.films, (tokens, tokens + text)))
        extent = 0 if plan.reach is None else plan.reach - text
        return replace(more, images=self.images + tokens, extent=self.extent + extent)


def check_context(
    adapter: ModelAdapter,
    method: Method,
    before: Fill,
    films: Sequence[PlannedFilm],
    plans: Sequence[FilmPlan],
    window: RescaledWindow | None = None,
) -> None:
    """Refuse films that do not fit behind `before`, with a short question behind them.

    Both the entries that stay in memory and the positions they stand at have to be within the context.

    Args:
        window: the memory's rotary table, see `context_within`.

    Raises:
        ContextError: naming settings with which they would fit.
    """
    context = context_within(adapter, window)
    # Weights with summary tokens have none: films longer than that are what they are for.
    if context is None or not films or isinstance(method.cache, IntervalCompressor):
        return
    if _fits(adapter, context, method, _joined(before, films, plans)):
        return
    if not before.visual and not _fits(adapter, context, method, before):
        raise ContextError(
            f"the text before the film has {before.text:,} tokens, which leaves no room in the "
            f"{context:,} positions of {adapter.name}: give a shorter system="
        )
    names = ", ".join(film.name for film in films)
    counts = " + ".join(f"{plan.visual_tokens:,}" for plan in plans if plan.visual_tokens)
    ways = list(_ways(adapter, context, method, before, films, plans))
    raise ContextError(
        f"{names}: {counts} visual tokens and the text around them are more than method {method.name!r} "
        f"fits into the {context:,} positions of {adapter.name}: "
        f"{', or '.join(ways) or 'watch a shorter part'}"
    )


def context_within(adapter: ModelAdapter, window: RescaledWindow | None) -> int | None:
    """Entries and positions that a model can read by a memory's rotary table; None for any number.

    Slow frequencies, which tell far positions apart, are slower by the scale, so it reaches as much further.
    """
    if adapter.context is None or window is None:
        return adapter.context
    return adapter.context * window.target // window.window


def _joined(before: Fill, films: Sequence[PlannedFilm], plans: Sequence[FilmPlan]) -> Fill:
    for film, plan in zip(films, plans, strict=True):
        before = before.and_plan(plan, is_film=film.image is None)
    return before


def _fits(adapter: ModelAdapter, context: int, method: Method, fill: Fill) -> bool:
    compressor, fill = method.cache, fill.thinned(method.chosen_frames)
    room = context - fill.text - len(adapter.dialogue.after([("?", None)]))
    if isinstance(compressor, AttentionCompressor):
        return taken_by(compressor, fill) <= room
    assert not isinstance(compressor, IntervalCompressor), "these are not fitted to a context"
    if fill.reach is not None and fill.reach - fill.text > room:
        return False
    return _kept_within(compressor, fill.visual, adapter.interval, room, placed=fill.reach is None)


def taken_by(compressor: AttentionCompressor, fill: Fill) -> int:
    """Entries of visual tokens, or the positions they take up if those are more."""
    fitted = [(compressor.fitted(prompt), visual) for visual, prompt in fill.films]
    entries = fill.images + sum(part.count(visual) if part.drops else visual for part, visual in fitted)
    if compressor.squeeze and all(part.drops for part, _ in fitted):
        # What moves together takes up no more positions than entries.
        return entries
    return max(entries, fill.visual if fill.reach is None else fill.reach - fill.text)


def _kept_within(compressor: CacheCompressor, tokens: int, interval: int, room: int, *, placed: bool) -> bool:
    """Whether what a compressor keeps of so many visual tokens never exceeds `room`.

    Asked as when watching: its answers depend on nothing but these numbers. With `placed`, what it forgets
    later keeps its position.
    """
    token = torch.empty(0, dtype=torch.int64)
    taken = 0
    for first in range(0, tokens, interval):
        count = min(interval, tokens - first)
        chunk = Chunk(count, first, compressor.slots(count))
        keep, raw = compressor.keep(chunk), first + chunk.raw_tokens()
        token = torch.cat((token, raw if keep is None else raw[keep]))
        taken += chunk.length if keep is None else len(keep)
        stays = compressor.remember(token)
        token = token if stays is None else token[stays]
        if (taken if placed else len(token)) > room:
            return False
    return True


def _ways(
    adapter: ModelAdapter,
    context: int,
    method: Method,
    before: Fill,
    films: Sequence[PlannedFilm],
    plans: Sequence[FilmPlan],
) -> Iterator[str]:
    """Settings with which the films would fit."""
    limit = plans[0].max_tokens

    def fits(frames: int | None, max_tokens: int | None, tried: Method) -> bool:
        cut = films if frames is None else [film.of_frames(frames) for film in films]
        try:
            made = [plan_film(adapter, tried.frames, film, max_tokens, tried.tokens)[0] for film in cut]
        except LongreelError:
            return False
        return _fits(adapter, context, tried, _joined(before, films, made))

    longest = max((len(film.seconds) for film in films if film.seconds is not None), default=1)
    frames = most_frames(longest - 1, lambda count: fits(count, limit, method))
    if frames is not None:
        yield f"give {frames_setting(frames, films[0].length if len(films) == 1 else None)}"
    room = (context - before.text - len(adapter.dialogue.after([("?", None)]))) // len(films)
    if room > 0 and fits(None, room, method):
        yield f"max_tokens={room}"
    yield from _keeping_less(method, lambda tried: fits(None, limit, tried))


def _keeping_less(method: Method, fits: Callable[[Method], bool]) -> Iterator[str]:
    """The largest power of a half that fits as `keep`, if the method or its plain stand-in takes one."""
    name = "uniform" if isinstance(method.cache, KeepAll) else method.name
    for keep in _FRACTIONS:
        try:
            tried = named_method(name, keep)
        except UsageError:
            return
        if fits(tried):
            yield f"keep={keep:g}" if name == method.name else f"method={name!r} with keep={keep:g}"
            return
