"""When each visual token was on screen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Timeline:
    """The times of all frames and visual tokens of a memory, in seconds from the start of its first film.

    Films of one memory lie end to end: seconds of a film are its own plus the full durations of the
    films before it. Neighbouring tokens with equal times are one run, so this stays small.

    frames: float64 (F,), the frames that were encoded.
    first: float64 (S,), the first frame each run of tokens shows.
    last: float64 (S,), the last frame it shows.
    tokens: int64 (S,), the number of tokens in the run.
    """

    frames: Tensor
    first: Tensor
    last: Tensor
    tokens: Tensor

    @classmethod
    def empty(cls) -> Timeline:
        """No frames, no tokens."""
        none = torch.empty(0, dtype=torch.float64)
        return cls(none, none, none, torch.empty(0, dtype=torch.int64))

    def extended(self, frames: Tensor, start: Tensor, end: Tensor) -> Timeline:
        """With the times of more frames, float64 (f,), and of the first and last frame of n more tokens."""
        frames = torch.cat((self.frames, frames))
        if not len(start):
            return Timeline(frames, self.first, self.last, self.tokens)
        (first, last), counts = torch.unique_consecutive(torch.stack((start, end)), dim=1, return_counts=True)
        return self._joined(Timeline(frames, first, last, counts))

    def _joined(self, more: Timeline) -> Timeline:
        """`more` holds all frames; its first run continues ours if the times are equal."""
        same = len(self.tokens) > 0 and len(more.tokens) > 0
        same = same and bool(self.first[-1] == more.first[0]) and bool(self.last[-1] == more.last[0])
        counts = torch.cat((self.tokens, more.tokens[1:] if same else more.tokens))
        if same:
            counts[len(self.tokens) - 1] += more.tokens[0]
        skip = 1 if same else 0
        return Timeline(
            more.frames,
            torch.cat((self.first, more.first[skip:])),
            torch.cat((self.last, more.last[skip:])),
            counts,
        )

    def cut(self, frames: int, tokens: int) -> Timeline:
        """The first `frames` frames and the first `tokens` visual tokens."""
        before = self.tokens.cumsum(0) - self.tokens
        runs = int((before < tokens).sum())
        counts = self.tokens[:runs].clone()
        if runs:
            counts[-1] = tokens - before[runs - 1]
        return Timeline(self.frames[:frames], self.first[:runs], self.last[:runs], counts)

    def run_of(self, token: Tensor) -> Tensor:
        """The run each visual token (int64, any shape) belongs to."""
        return torch.bucketize(token, self.tokens.cumsum(0), right=True)
