"""Where a stream of visual tokens is cut into chunks."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import torch

from longreel.models.base import VisualTokens


class Cutter(Protocol):
    """Tells when a chunk is full; it sees all tokens once, in order."""

    def add(self, tokens: VisualTokens) -> None:
        """More tokens wait, at least one."""

    def full(self) -> int | None:
        """Tokens of the chunk that is full, which do not wait any longer; None without one."""

    def clear(self) -> None:
        """Nothing waits any more."""


class ByTokens:
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


class ByFrames:
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
        self._waiting.extend(torch.unique_consecutive(tokens.frame, return_counts=True)[1].tolist())

    def full(self) -> int | None:
        """See `Cutter`."""
        if len(self._waiting) < self._frames:
            return None
        return sum(self._waiting.popleft() for _ in range(self._frames))

    def clear(self) -> None:
        """See `Cutter`."""
        self._waiting.clear()
