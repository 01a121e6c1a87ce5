"""Pictures that the caller makes: (array, seconds)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longreel.errors import UsageError
from longreel.video.picture import MAX_PIXELS
from longreel.video.sources import checked_time


def walk_arrays(items: Iterable[Any]) -> Iterator[tuple[float, Tensor]]:
    """Times and uint8 (3, H, W) of (array, seconds), one at a time.

    Raises:
        UsageError: an item is no such pair, or its time is not after the one before.
    """
    last: float | None = None
    for number, item in enumerate(items):
        what = f"item {number} of the given arrays"
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise UsageError(f"{what} is no (array, seconds) pair: give pictures with their times")
        last = checked_time(item[1], last, what)
        yield last, picture_of(item[0], what)


def picture_of(value: Any, what: str) -> Tensor:
    """uint8 (3, H, W) of an (H, W, 3), (H, W, 1) or (H, W) array of whole numbers from 0 to 255."""
    array = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    good = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if array.dtype != np.uint8 or not good or 0 in array.shape:
        raise UsageError(
            f"{what} has shape {array.shape} and type {array.dtype}: give uint8 (height, width, 3) or "
            "(height, width)"
        )
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise UsageError(f"{what} has more than {MAX_PIXELS} pixels: scale it down")
    if array.ndim == 2:
        return torch.from_numpy(np.array(array)).expand(3, -1, -1)
    # Copied: one picture is held back, and the caller may draw the next one into the same array.
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)
