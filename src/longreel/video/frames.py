"""A block of frames: pictures and the times at which they come on screen."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Frames:
    """Some frames in the order of their times.

    Attributes:
        pixels: uint8 (F, 3, H, W), RGB.
        seconds: float64 (F,), when each frame comes on screen; the first frame of a film is at 0.
    """

    pixels: Tensor
    seconds: Tensor
