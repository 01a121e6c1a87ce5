"""Parts of methods that only experiments need: tables off the right scale, even frames behind the tower."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from longreel.compress.base import FilmChoice, tokens_kept
from longreel.compress.context_window import ContextWindow, RescaledWindow
from longreel.positions import Rotation


@dataclass(frozen=True)
class OffScale(ContextWindow):
    """A window with a table for `off` times the scale that the films ask for, at least 1.

    Its record says the films' extent all the same, as a table for less than that is refused.
    """

    off: float = 1.0

    def fitted(self, trained: Rotation, trained_window: int, extent: int) -> RescaledWindow:
        """See `ContextWindow`."""
        right = super().fitted(trained, trained_window, extent)
        other = super().fitted(trained, trained_window, max(right.window, round(right.target * self.off)))
        return replace(other, target=right.target)


@dataclass(frozen=True)
class EvenFrames:
    """Keep frames evenly behind the vision tower, where DPSelect and merging choose; see `ChoosingSelector`.

    A tower that sees frames in their film gets all of them, and not as from a film of fewer per second.
    """

    keep: float

    def choice(self, frames: int | None) -> EvenChoice:
        """See `ChoosingSelector`."""
        return EvenChoice(self.keep)


class EvenChoice:
    """See `FrameChoice`."""

    def __init__(self, keep: float) -> None:
        self._keep = keep

    def push(self, features: Tensor) -> Tensor | None:
        """All of them are held."""
        return None

    def end(self, features: Tensor) -> FilmChoice:
        """See `FrameChoice`."""
        frames, patches = features.shape[:2]
        count = tokens_kept(frames, self._keep)
        rows = (torch.arange(count) * frames // count)[:, None].expand(-1, patches)
        return FilmChoice(rows, rows, None)
