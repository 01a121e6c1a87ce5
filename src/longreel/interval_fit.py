"""A ratio for each interval: whether a model and some films allow it, and what films then take up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from longreel.compress.base import FilmCompressor, FilmFacts, IntervalCompressor, NextInterval
from longreel.compress.interval_ratios import ListedRatios
from longreel.compress.kinds import fitted
from longreel.errors import UsageError
from longreel.film_plan import FilmPlan, plan_films
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.showing import Showing
from longreel.video.sampling import Sampling


def check_ratio_count(
    adapter: ModelAdapter,
    method: Method,
    shown: Sequence[Showing],
    sampling: Sampling,
    max_tokens: int | None = None,
    *,
    allow_url: bool = False,
) -> None:
    """Refuse films that have more or fewer intervals than there are ratios, before the first is read.

    Raises:
        SourceError: a film cannot be read.
        UsageError: they have, or it cannot be told.
    """
    part = method.cache
    if not isinstance(part, ListedRatios):
        return
    if any(each.read_once for each in shown):
        raise UsageError(
            "a ratio for each interval needs films that can be opened twice: give a list of frames, or one "
            "ratio by keep="
        )
    films, plans = plan_films(
        adapter, method.frames, shown, sampling, max_tokens, method.tokens, allow_url=allow_url
    )
    part.check_count(
        film_facts(adapter, method, film.name, film.number, plan.visual_tokens, is_film=film.image is None)
        for film, plan in zip(films, plans, strict=True)
    )


def fitted_to_film(
    adapter: ModelAdapter, method: Method, facts: FilmFacts, prompt_tokens: int | None
) -> FilmCompressor:
    """What keeps entries of a film, or of an image.

    Args:
        prompt_tokens: visual tokens and the text among them; see `fitted`.

    Raises:
        UsageError: it cannot work for such a film.
    """
    part = method.cache
    return part.of_film(facts) if isinstance(part, IntervalCompressor) else fitted(part, prompt_tokens)


def film_facts(
    adapter: ModelAdapter, method: Method, name: str, number: int, tokens: int | None, *, is_film: bool
) -> FilmFacts:
    """What is known of a film before it is watched.

    Args:
        tokens: visual tokens of all its frames; None if not known.
    """
    if tokens is not None and is_film:
        tokens = math.ceil(tokens * method.chosen_frames)
    return FilmFacts(
        name,
        number,
        tokens,
        adapter.interval,
        adapter.tokens_per_frame,
        tuple(adapter.summary_ratios),
        is_film,
    )


def most_positions(adapter: ModelAdapter, method: Method, plans: Sequence[tuple[FilmPlan, bool]]) -> int:
    """Positions that films of known length take up at most, where each interval has a ratio of its own.

    Args:
        plans: each with whether it is of a film, not of an image.
    """
    assert isinstance(method.cache, IntervalCompressor)
    taken = most = number = 0
    for index, (plan, is_film) in enumerate(plans):
        facts = film_facts(adapter, method, f"film {index}", index, plan.visual_tokens, is_film=is_film)
        rule, tokens = method.cache.of_film(facts), facts.tokens or 0
        kept = rule.most_kept(tokens)
        if kept is not None and rule.borders is not None:
            most = max(most, taken + kept + min(tokens, rule.borders.longest * facts.frame_tokens))
            taken += kept
            continue
        for first in range(0, tokens, facts.interval):
            count = min(facts.interval, tokens - first)
            ratio = rule.ratio_of(NextInterval(number, count))
            most = max(most, taken + count + (count // ratio if ratio > 1 else 0))
            taken, number = taken + count // ratio, number + 1
    return most
