"""The two kinds of compressors: those that plan what stays, and those that choose it by attention."""

from __future__ import annotations

from longreel.compress.base import AttentionCompressor, CacheCompressor, Compressor
from longreel.compress.baselines import KeepAll


def choosing(compressor: Compressor) -> AttentionCompressor | None:
    """The compressor, if it chooses by attention and drops anything."""
    if isinstance(compressor, AttentionCompressor) and compressor.drops:
        return compressor
    return None


def planning(compressor: Compressor) -> CacheCompressor:
    """The compressor, or what does the same as one that drops nothing."""
    return KeepAll() if isinstance(compressor, AttentionCompressor) else compressor


def fitted(compressor: Compressor, tokens: int | None) -> Compressor:
    """The compressor for a film whose prompt has so many tokens; see `AttentionCompressor`.

    Raises:
        UsageError: it cannot work for such a film.
    """
    return compressor.fitted(tokens) if isinstance(compressor, AttentionCompressor) else compressor
