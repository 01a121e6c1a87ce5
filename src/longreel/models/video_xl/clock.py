"""Telling a model when a frame is shown."""

from __future__ import annotations

from torch import Tensor, nn

MINUTES = 60
SECONDS = 60


class Clock(nn.Module):
    """A vector for the minute of the film and one for the second, added to every token of a frame.

    It reads hours that have passed as none: a film longer than an hour is told "minute 5" twice.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.minute = nn.Embedding(MINUTES, width)
        self.second = nn.Embedding(SECONDS, width)

    def forward(self, seconds: Tensor) -> Tensor:
        """Times in seconds (F,), at least 0, to (F, width)."""
        whole = seconds.to(self.minute.weight.device).floor().long()
        told: Tensor = self.minute(whole // SECONDS % MINUTES) + self.second(whole % SECONDS)
        return told
