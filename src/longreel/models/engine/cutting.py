"""Where a stream of visual tokens is cut into chunks."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import torch
from torch import Tensor

from longreel.compress.base import FilmIntervals
from longreel.compress.closed_intervals import ClosedIntervals
from longreel.compress.dynamic import BorderRule, IntervalFinder
from longreel.key_values import Interval
from longreel.models.base import VisualTokens


class Cutter(Protocol):
    """Tells when a chunk is full; it sees all tokens once, in order."""

    def add(self, tokens: VisualTokens) -> None:
        """More tokens wait, at least one."""

    def full(self) -> int | None:
        """Tokens of the chunk that is full, which do not wait any longer; None without one."""

    def look_back(self, tokens: VisualTokens) -> None:
        """Tokens that come before the first to be added, and are in chunks that were full before."""

    def end(self) -> None:
        """The film is over: chunks may be full that were not yet certain."""

    def clear(self) -> None:
        """Nothing waits any more."""


class _Counting:
    """What cutters that only count have in common."""

    def look_back(self, tokens: VisualTokens) -> None:
        """What came before does not matter."""

    def end(self) -> None:
        """What is not full yet will not be."""


class ByTokens(_Counting):
    """So many tokens are a chunk."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self._waiting = 0

    def add(self, tokens: VisualTokens) -> None:
        """See `Cutter`."""
        self._waiting += len(tokens)

    def full(self) -> int | None:
        """See `Cutter`."""
        if self._waiting < self._tokens:
            return None
        self._waiting -= self._tokens
        return self._tokens

    def clear(self) -> None:
        """See `Cutter`."""
        self._waiting = 0


class ByFrames(_Counting):
    """So many frames are a chunk; it needs whole frames each time.

    Args:
        frames: of the film.
        depth: frames that become one frame of tokens.
    """

    def __init__(self, frames: int, depth: int) -> None:
        self._frames = max(1, frames // depth)
        self._waiting: deque[int] = deque()

    def add(self, tokens: VisualTokens) -> None:
        """See `Cutter`."""
        self._waiting.extend(tokens.frame_counts)

    def full(self) -> int | None:
        """See `Cutter`."""
        if len(self._waiting) < self._frames:
            return None
        return sum(self._waiting.popleft() for _ in range(self._frames))

    def clear(self) -> None:
        """See `Cutter`."""
        self._waiting.clear()


class ByChange:
    """A chunk ends where the picture changes; it needs whole frames each time.

    A frame is seen as the mean of its visual tokens, which is what the language model receives.
    """

    def __init__(self, rule: BorderRule) -> None:
        self._finder = IntervalFinder(rule)
        # Tokens of each frame that waits, and of each chunk that is full.
        self._waiting: deque[int] = deque()
        self._full: deque[int] = deque()

    def add(self, tokens: VisualTokens) -> None:
        """See `Cutter`."""
        counts = tokens.frame_counts
        self._waiting.extend(counts)
        self._note(self._finder.offer(_frame_means(tokens, counts)))

    def full(self) -> int | None:
        """See `Cutter`."""
        return self._full.popleft() if self._full else None

    def look_back(self, tokens: VisualTokens) -> None:
        """See `Cutter`."""
        self._finder.review(_frame_means(tokens, tokens.frame_counts))

    def end(self) -> None:
        """See `Cutter`."""
        self._note(self._finder.finish())

    def clear(self) -> None:
        """See `Cutter`."""
        self._waiting.clear()
        self._full.clear()

    def _note(self, closed: list[range]) -> None:
        for frames in closed:
            self._full.append(sum(self._waiting.popleft() for _ in frames))


def _frame_means(tokens: VisualTokens, counts: list[int]) -> Tensor:
    """(F, width), frame by frame, so that rounding does not depend on how many there are."""
    means = [frame.float().mean(dim=0) for frame in tokens.embeddings.split(counts)]
    return torch.stack(means).cpu()


def cutter_of(rule: FilmIntervals, interval: int) -> Cutter:
    """Cuts a film into its intervals; those of equal length have `interval` visual tokens."""
    return ByTokens(interval) if rule.borders is None else ByChange(rule.borders)


def cut_film(rule: FilmIntervals, tokens: VisualTokens, interval: int) -> list[Interval]:
    """All intervals of a film or image that is there whole: those that watching it closes.

    Args:
        interval: visual tokens of an interval of equal length.
    """
    if not len(tokens):
        return []
    cutter, closed = cutter_of(rule, interval), ClosedIntervals()
    cutter.add(tokens)
    cutter.end()
    lengths = list(iter(cutter.full, None))
    rest = len(tokens) - sum(lengths)
    return [closed.close(rule, length) for length in (*lengths, rest) if length]
