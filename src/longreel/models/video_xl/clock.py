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
    """Start from the embeddings of numbers: minutes in one half of the coordinates, seconds in the other.

    A number is then found by how far it lies along what was shown, and minutes and seconds never meet. With
    both in all coordinates, a minute that is shown all through a scene hides its first second.

    Args:
        numbers: (60, n), their last n coordinates, up to all; the others are zero in the clock.

    Returns:
        For minutes and for seconds, the projection (n, n) on their half.
    """
    width = numbers.shape[1]
    basis: Tensor = torch.linalg.qr(torch.randn(width, width))[0]
    parts = []
    for table, half in zip((clock.minute, clock.second), basis.chunk(2, dim=1), strict=True):
        part = half @ half.T
        table.weight.zero_()
        table.weight[:, -width:] = 2**0.5 * numbers @ part
        parts.append(part)
    return parts
