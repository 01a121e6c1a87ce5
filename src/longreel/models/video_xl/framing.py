"""How a frame of any shape becomes the tower's input: cut out of its middle, or resized whole.

The released Video-XL scales the short edge and crops the centre, as CLIP was trained (spec a); of a
16:9 frame that shows 56 % of the width.
"""

from __future__ import annotations

from torch import Tensor

from longreel.models.overrides import FrameFit


def resized_size(fit: FrameFit, shown: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """The (height, width) a frame is resized to before `centre_crop`.

    Args:
        shown: displayed (height, width).
        wanted: (height, width) of the tower's input.
    """
    if fit == "whole":
        return wanted
    (height, width), (rows, columns) = shown, wanted
    # Whole-number division, so that the side that fits is exact and the other is never too short.
    if height * columns <= width * rows:
        return rows, width * rows // height
    return height * columns // width, columns


def centre_crop(frames: Tensor, wanted: tuple[int, int]) -> Tensor:
    """The middle of (..., H, W) at least as large as `wanted`; an odd margin is larger at the far side."""
    top, left = ((have - want) // 2 for have, want in zip(frames.shape[-2:], wanted, strict=True))
    return frames[..., top : top + wanted[0], left : left + wanted[1]]
