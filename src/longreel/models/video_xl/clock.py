"""Telling a model when a frame is shown."""

from __future__ import annotations

import torch
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


@torch.no_grad()
def start_clock(clock: Clock, numbers: Tensor) -> list[Tensor]:
    """Start from embeddings of the numbers 0 to 59, turned apart by two rotations.

    What is seen and what is said are then nearly the same vectors, and minutes are not seconds.

    Args:
        numbers: (60, n), their last n coordinates, up to all; the others are zero in the clock.

    Returns:
        The rotations (n, n) of minutes and of seconds.
    """
    width = numbers.shape[1]
    turns = []
    for table in (clock.minute, clock.second):
        turn: Tensor = torch.linalg.qr(torch.randn(width, width))[0]
        table.weight.zero_()
        table.weight[:, -width:] = numbers @ turn
        turns.append(turn)
    return turns
