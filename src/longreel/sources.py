"""Which films a call names, and which of their frames it asks for."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

from longreel.video.reader import digest
from longreel.video.sampling import Sampling
from longreel.video.sources import PICTURE_ENDINGS

# Container times are at best this fine; below it a film's end counts as lying on the sampling grid.
_TIME_DIGITS = 6


def listed_sources(source: Any) -> list[Any]:
    """The films named by `source`: one, or the items of a list.

    A list of pictures only, or of (picture, seconds) pairs, is one film.
    """
    if not isinstance(source, list | tuple):
        return [source]
    if source and (all(map(_is_timed, source)) or all(map(_is_picture, source))):
        return [source]
    return list(source)


def _is_timed(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], Real)


def _is_picture(item: Any) -> bool:
    return isinstance(item, str | os.PathLike) and Path(item).suffix.lower() in PICTURE_ENDINGS


def is_image(source: Any) -> bool:
    """Whether a source is the file of a single picture, and not a film of pictures."""
    return _is_picture(source) and _is_near(os.fspath(source)) and not Path(source).is_dir()


def is_far_picture(source: Any) -> bool:
    """Whether a source is the address of a single picture."""
    return _is_picture(source) and not _is_near(os.fspath(source))


def source_name(source: Any) -> str:
    """What a source is called in errors."""
    return (
        os.fspath(source) if isinstance(source, str | os.PathLike) else f"the given {type(source).__name__}"
    )


def can_be_opened_twice(source: Any) -> bool:
    """Whether looking into a source leaves it as it was."""
    if hasattr(source, "seekable"):
        return bool(source.seekable())
    return isinstance(source, str | os.PathLike | bytes | list | tuple)


def _is_near(name: str) -> bool:
    return "://" not in name or name.startswith("file://")


def content_digest(source: Any) -> str | None:
    """sha256 of a film's content; None for what cannot be read twice.

    Raises:
        SourceError: it is missing or cannot be read.
    """
    return digest(source) if _can_be_read_twice(source) else None


def _can_be_read_twice(source: Any) -> bool:
    if isinstance(source, str):
        return _is_near(source)
    if isinstance(source, list | tuple):
        return all(isinstance(_content(item), str | os.PathLike) for item in source)
    if hasattr(source, "seekable"):
        return bool(source.seekable())
    return isinstance(source, bytes | os.PathLike)


def _content(item: Any) -> Any:
    return item[0] if _is_timed(item) else item


def samplings_agree(recorded: dict[str, Any], sampling: dict[str, Any]) -> bool:
    """Whether two records ask for the same frames; what an older one does not name is None."""
    return _chosen(recorded) == _chosen(sampling)


def _chosen(sampling: dict[str, Any]) -> dict[str, Any]:
    """What is set; JSON turns tuples into lists."""
    return {key: _listed(value) for key, value in sampling.items() if value is not None}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def continued_sampling(sampling: Sampling, offset: float) -> Sampling:
    """`sampling` for a film that starts at `offset` seconds of the memory's timeline.

    Frames per second are counted through, as in the joined film: after a first film of 10.3 s, 2 frames
    per second fall on 10.5, 11.0, … and so on 0.2, 0.7, … of the second.
    """
    if sampling.fps is None or _has_target(sampling) or sampling.start is not None or offset == 0:
        return sampling
    steps = math.ceil(round(offset * sampling.fps, _TIME_DIGITS))
    phase = round(steps / sampling.fps - offset, _TIME_DIGITS)
    return replace(sampling, start=phase) if phase > 0 else sampling


def _has_target(sampling: Sampling) -> bool:
    return any(value is not None for value in (sampling.count, sampling.max_frames, sampling.seconds))
