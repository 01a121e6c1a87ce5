"""Sizes that the Qwen models look at pictures in: multiples of a token's side, within a number of pixels."""

from __future__ import annotations

import math

from longreel.errors import SourceError

_MOST_ELONGATED = 200


def check_shape(height: int, width: int) -> None:
    """Refuse what the release refuses.

    Raises:
        SourceError: one side is more than 200 times as long as the other.
    """
    if max(height, width) > _MOST_ELONGATED * min(height, width):
        raise SourceError(
            f"a picture of {width}x{height} is too elongated for this model: cut it to at most 200 to 1"
        )


def fitting_size(height: int, width: int, side: int, least: int, most: int) -> tuple[int, int]:
    """Multiples of `side` near (height, width), with `least` to `most` pixels, the shape kept roughly."""
    rows, columns = (round(extent / side) * side for extent in (height, width))
    if rows * columns > most:
        return shrunk(height, width, side, most)
    if rows * columns < least:
        return grown(height, width, side, least)
    return rows, columns


def size_within(
    size: tuple[int, int], height: int, width: int, side: int, least: int, most: int, frames: int = 1
) -> tuple[int, int]:
    """`size`, or one of at most `most` pixels a frame, with at least `least` pixels in all frames."""
    if math.prod(size) <= most:
        return size
    smaller = _at_most(shrunk(height, width, side, max(most, side**2)), side, most)
    if math.prod(smaller) * frames >= least:
        return smaller
    between = _nearest_shape(height, width, side, least / frames, most)
    return between or grown(height, width, side, least, frames)


def shrunk(height: int, width: int, side: int, most: float, frames: int = 1) -> tuple[int, int]:
    """Multiples of `side` with at most `most` pixels in all frames, unless a side would vanish."""
    shrink = math.sqrt(frames * height * width / most)
    return _floored(height / shrink, side), _floored(width / shrink, side)


def grown(height: int, width: int, side: int, least: float, frames: int = 1) -> tuple[int, int]:
    """Multiples of `side` with at least `least` pixels in all frames."""
    grow = math.sqrt(least / (frames * height * width))
    return math.ceil(height * grow / side) * side, math.ceil(width * grow / side) * side


def _floored(extent: float, side: int) -> int:
    return max(side, math.floor(extent / side) * side)


def _at_most(size: tuple[int, int], side: int, most: int) -> tuple[int, int]:
    """`size`, its longer side cut where the other is as short as it can be; one token at least."""
    if math.prod(size) <= most:
        return size
    longer = max(side, most // side**2 * side)
    return (side, longer) if size[0] == side else (longer, side)


def _nearest_shape(height: int, width: int, side: int, least: float, most: int) -> tuple[int, int] | None:
    """The multiples of `side` with `least` to `most` pixels nearest in shape; None without any."""
    cells = most // side**2
    sizes = (
        (rows * side, columns * side)
        for rows in range(1, cells + 1)
        for columns in range(1, cells // rows + 1)
        if rows * columns * side**2 >= least
    )

    def distance(size: tuple[int, int]) -> tuple[float, int]:
        return abs(math.log(size[0] * width / (size[1] * height))), -math.prod(size)

    return min(sizes, key=distance, default=None)
