"""The kinds of compressors: those that plan what stays, choose it by attention, or condense by interval."""

from __future__ import annotations

from longreel.compress.base import (
    AttentionCompressor,
    CacheCompressor,
    ChunkCompressor,
    Compressor,
    FilmCompressor,
    FilmIntervals,
    IntervalCompressor,
)
from longreel.compress.baselines import KeepAll


def choosing(compressor: Compressor | FilmCompressor) -> AttentionCompressor | None:
    """The compressor, if it chooses by attention and drops anything."""
    if isinstance(compressor, AttentionCompressor) and compressor.drops:
        return compressor
    return None


def planning(compressor: Compressor | FilmCompressor) -> CacheCompressor:
    """The compressor, or what does the same as one that drops nothing.

    Raises:
        TypeError: it has to be asked about each interval first.
    """
    if isinstance(compressor, IntervalCompressor | FilmIntervals):
        raise TypeError(f"{type(compressor).__name__} has a ratio for each interval, not for a chunk")
    return KeepAll() if isinstance(compressor, AttentionCompressor) else compressor


def condensing(compressor: Compressor | FilmCompressor) -> FilmIntervals | None:
    """The compressor, if it was fitted to a film and condenses each interval by a ratio of its own."""
    return compressor if isinstance(compressor, FilmIntervals) else None


def fitted(compressor: ChunkCompressor, tokens: int | None) -> ChunkCompressor:
    """The compressor for a film whose prompt has so many tokens; see `AttentionCompressor`.

    Raises:
        UsageError: it cannot work for such a film.
    """
    return compressor.fitted(tokens) if isinstance(compressor, AttentionCompressor) else compressor
