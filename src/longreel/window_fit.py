"""Which rotary table the memory of some films gets, and whether films stay within it."""

from __future__ import annotations

from collections.abc import Sequence

from longreel.compress.base import AttentionCompressor, CacheCompressor, Chunk, IntervalCompressor
from longreel.compress.context_window import AUTO, RescaledWindow
from longreel.context_fit import Fill, taken_by
from longreel.errors import UsageError
from longreel.film_plan import FilmPlan, PlannedFilm, plan_films
from longreel.interval_fit import most_positions
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.showing import Showing
from longreel.video.sampling import Sampling


def planned_window(
    adapter: ModelAdapter,
    method: Method,
    shown: Sequence[Showing],
    sampling: Sampling,
    max_tokens: int | None = None,
    *,
    allow_url: bool = False,
) -> RescaledWindow | None:
    """The table for a memory of these films, before the first of them is read; None for the model's own.

    Raises:
        SourceError: a film cannot be read.
        UsageError: the target is below the window, or is to follow from films of unknown length.
    """
    part = method.positions
    if part is None:
        return None
    extent: int | None = 0
    if part.target == AUTO:
        _check_told_before(shown)
        films, plans = plan_films(
            adapter, method.frames, shown, sampling, max_tokens, method.tokens, allow_url=allow_url
        )
        extent = films_extent(adapter, method, _told(films, plans))
    if extent is None:
        raise UsageError(_UNKNOWN)
    return part.fitted(adapter.rotation, adapter.trained_window, extent)


def films_extent(adapter: ModelAdapter, method: Method, plans: Sequence[tuple[FilmPlan, bool]]) -> int | None:
    """Positions that films take up, with the text that belongs to them but not with what is said beside.

    Where kept entries move together, these are the entries before a chunk and the chunk itself, at the most.

    Args:
        plans: each with whether it is of a film, not of an image.

    Returns None if the length of a film is unknown.
    """
    if any(plan.visual_tokens is None for plan, _ in plans):
        return None
    if isinstance(method.cache, IntervalCompressor):
        return most_positions(adapter, method, plans)
    fill = Fill(0, 0, 0)
    for plan, is_film in plans:
        fill = fill.and_plan(plan, is_film=is_film)
    compressor, fill = method.cache, fill.thinned(method.chosen_frames)
    if isinstance(compressor, AttentionCompressor):
        return _chosen(compressor, fill)
    return _packed(compressor, fill.visual, adapter.interval) if fill.reach is None else fill.reach


def check_target(
    adapter: ModelAdapter,
    method: Method,
    window: RescaledWindow | None,
    before: Sequence[tuple[FilmPlan, bool]],
    films: Sequence[PlannedFilm],
    plans: Sequence[FilmPlan],
    *,
    appended: bool = False,
) -> None:
    """Refuse films that reach beyond the target of their memory's table.

    Args:
        before: of the films and images that the memory holds, see `films_extent`.
        appended: whether it was complete with those.

    Raises:
        UsageError: naming what helps.
    """
    if window is None or not films:
        return
    extent = films_extent(adapter, method, (*before, *_told(films, plans)))
    if extent is None or extent <= window.target:
        return
    names = ", ".join(film.name for film in films)
    behind = " behind what it holds" if before else ""
    ways = (
        f"extend it first with model.extend(memory, target={extent}), or watch the joined film"
        if appended
        else f'give ContextWindow(target={extent}) or target="auto", or watch fewer frames'
    )
    raise UsageError(
        f"{names}{behind}: {extent:,} positions are more than the {window.target:,} that the memory's rotary "
        f"table is for: {ways}"
    )


_UNKNOWN = (
    'ContextWindow(target="auto") needs films of known length that can be opened twice: give target= in '
    "positions, or end="
)


def _told(films: Sequence[PlannedFilm], plans: Sequence[FilmPlan]) -> list[tuple[FilmPlan, bool]]:
    return [(plan, film.image is None) for film, plan in zip(films, plans, strict=True)]


def _check_told_before(shown: Sequence[Showing]) -> None:
    if any(each.read_once for each in shown):
        raise UsageError(_UNKNOWN)


def _chosen(compressor: AttentionCompressor, fill: Fill) -> int:
    """Of what layers choose: where it moves together, times are squeezed by the fraction that stays."""
    fitted = [(compressor.fitted(prompt), visual) for visual, prompt in fill.films]
    if fill.reach is None:
        return taken_by(compressor, fill)
    shown = fill.visual - fill.images
    if not shown or not compressor.squeeze or not all(part.drops for part, _ in fitted):
        return fill.reach
    kept = sum(part.count(visual) for part, visual in fitted)
    fixed = fill.text + fill.extent
    return fixed - (-(fill.reach - fixed) * kept // shown)


def _packed(compressor: CacheCompressor, tokens: int, interval: int) -> int:
    taken = most = 0
    for first in range(0, tokens, interval):
        count = min(interval, tokens - first)
        chunk = Chunk(count, first, compressor.slots(count))
        keep = compressor.keep(chunk)
        most = max(most, taken + chunk.length)
        taken += chunk.length if keep is None else len(keep)
    return most
