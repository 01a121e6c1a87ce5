"""Whether a film can be added to a memory, how it is sampled, and what will not be as in the joined film."""

from __future__ import annotations

import math
from collections.abc import Sequence

from longreel.errors import UsageError
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.showing import Showing
from longreel.sources import can_be_opened_twice
from longreel.video.sampling import Sampling
from longreel.video.targets import Grid

_SEAM = "not equal to watching the joined film"


def check_appendable(method: Method, memory: VideoMemory) -> None:
    """Refuse a memory that another film would change, or whose own film is not at its end.

    Raises:
        UsageError: such a memory.
    """
    if method.target is not None:
        raise UsageError(
            f"the memory was made with {method.target}, which another film would change: watch the joined "
            "film, or watch the first part again with keep="
        )
    if not memory.complete:
        raise UsageError(
            "the memory is incomplete: finish it with watch(…, resume=memory) before adding to it"
        )


def appended_sampling(adapter: ModelAdapter, memory: VideoMemory, shown: Sequence[Showing]) -> Sampling:
    """The frames per second of the memory's films, for whole films.

    Raises:
        UsageError: they were sampled in a way that a longer film would change.
    """
    films = [record for record in memory.header.sources if record.is_film]
    if (memory.header.sources and not films) or all(not each.is_film for each in shown):
        return Sampling(fps=adapter.default_fps, cap=adapter.most_frames)
    settings = films[-1].sampling if films else {}
    plan = films[-1].plan if films else None
    targets = [f"{name}=" for name in ("count", "max_frames", "seconds") if settings.get(name) is not None]
    targets += ["max_tokens="] if plan is not None and plan.max_tokens is not None else []
    if targets or not settings.get("fps"):
        raise UsageError(
            f"the memory was sampled with {' and '.join(targets) or 'no fps='}, which another film would "
            "change: watch the joined film, or watch the first part again by fps= alone"
        )
    return Sampling(fps=settings["fps"], cap=settings.get("cap"))


def check_cap(
    adapter: ModelAdapter,
    memory: VideoMemory,
    shown: Sequence[Showing],
    sampling: Sampling,
    *,
    allow_url: bool,
) -> None:
    """Refuse films with which the joined film would be too long for its frames per second.

    Raises:
        UsageError: such films. SourceError: one of them cannot be read.
    """
    if sampling.cap is None or sampling.fps is None or all(not each.is_film for each in shown):
        return
    last = memory.header.sources[-1]
    length = max(last.until, last.offset + (last.duration or 0.0))
    for each in shown:
        if each.is_film and can_be_opened_twice(each.source):
            with each.opened(sampling, allow_url=allow_url) as stream:
                length += stream.info.duration or 0.0
    if Grid(0.0, 1 / sampling.fps, math.inf).before(length) > sampling.cap:
        raise UsageError(
            f"joined, the films are too long for {sampling.fps:g} frames a second, as {adapter.name} is "
            f"shown {sampling.cap:,} at most if fps= is not given: watch the first part again with "
            f"fps={sampling.fps:g}, or watch the joined film"
        )


def seams(method: Method, memory: VideoMemory) -> list[str]:
    """Why the longer memory is not that of the joined film, for its report."""
    header, found = memory.header, []
    if header.short_end:
        found.append(
            f"{header.sources[-1].name} ended inside an interval ({header.short_end} of {header.interval} "
            f"visual tokens), which was closed short: {_SEAM}"
        )
    if method.seam is not None:
        found.append(f"{method.seam}: {_SEAM}")
    return found
