"""From a decoded picture to RGB of the wanted size, as it is meant to be displayed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import torch
from av.video.reformatter import VideoReformatter
from torch import Tensor
from torch.nn import functional

from longreel.errors import UsageError

Size = tuple[int, int] | Callable[[int, int], tuple[int, int]] | None

# A picture of more pixels is taken for a damaged or hostile file: 16K films and large photos pass.
MAX_PIXELS = 1 << 27
# The widest and narrowest pixels any camera or disc uses are well inside.
_SANE_ASPECT = Fraction(8)
# FFmpeg's numbers of colour matrices; those swscale knows under the same number.
_BT709, _UNKNOWN, _BT470BG, _SMPTE170M = 1, 2, 5, 6
_KNOWN_MATRICES = frozenset({_BT709, 4, _BT470BG, 7, 9})
_LIMITED, _FULL = 1, 2
# Players take unmarked films above standard definition for BT.709.
_SD_WIDTH, _SD_HEIGHT = 1024, 576
_SAME_SHAPE = 0.01


@dataclass(frozen=True)
class Turn:
    """How the stored picture is turned for display: first axes swapped, then mirrored.

    degrees: the same, as degrees clockwise (a mirroring left aside).
    """

    swap: bool = False
    flip_rows: bool = False
    flip_columns: bool = False
    degrees: int = 0

    def size(self, height: int, width: int) -> tuple[int, int]:
        return (width, height) if self.swap else (height, width)

    def apply(self, pixels: Tensor) -> Tensor:
        """Turn (..., H, W)."""
        if self.swap:
            pixels = pixels.transpose(-1, -2)
        axes = [axis for axis, flip in ((-2, self.flip_rows), (-1, self.flip_columns)) if flip]
        return pixels.flip(axes) if axes else pixels


def turn_of(matrix: bytes) -> Turn:
    """The turn of a display matrix: nine 32-bit numbers, x' = a x + c y, y' = b x + d y."""
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    if not any((a, b, c, d)):
        return Turn()
    swap = abs(b) + abs(c) > abs(a) + abs(d)
    degrees = (90 if b > 0 else 270) if swap else (0 if a >= 0 else 180)
    if swap:
        return Turn(True, b < 0, c < 0, degrees)
    return Turn(False, d < 0, a < 0, degrees)


def frame_turn(frame: av.VideoFrame) -> Turn:
    """The turn that goes with a decoded frame."""
    # PyAV's type hints say that going through side data gives names; it gives the data.
    for data in cast(Iterable[Any], frame.side_data):
        if data.type.name == "DISPLAYMATRIX" and len(raw := bytes(data)) >= 36:
            return turn_of(raw)
    return Turn()


def pixel_aspect(value: Fraction | None) -> Fraction:
    """Width by height of a pixel; square if unset or absurd."""
    if value is None or value <= 0 or not 1 / _SANE_ASPECT <= value <= _SANE_ASPECT:
        return Fraction(1)
    return Fraction(value)


def displayed_size(height: int, width: int, aspect: Fraction, turn: Turn) -> tuple[int, int]:
    """(height, width) with square pixels, turned."""
    return turn.size(height, max(1, round(width * aspect)))


class Converter:
    """Turns decoded frames into RGB tensors; one per reader, as it keeps a scaler."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def to_rgb(self, frame: av.VideoFrame) -> Tensor:
        """uint8 (3, H, W) as stored, neither turned nor stretched."""
        full = frame.color_range == _FULL or frame.format.name.startswith(
            ("yuvj", "gbr", "rgb", "bgr", "pal")
        )
        rgb = self._scaler.reformat(
            frame,
            format="rgb24",
            src_colorspace=_matrix(frame),
            dst_colorspace=_BT470BG,
            src_color_range=_FULL if full else _LIMITED,
            dst_color_range=0,
        )
        pixels = torch.from_numpy(rgb.to_ndarray()).permute(2, 0, 1)
        # swscale takes every grey picture for full range.
        if frame.format.name.startswith("gray") and frame.color_range == _LIMITED:
            return ((pixels.float() - 16) * (255 / 219)).round().clamp(0, 255).byte()
        return pixels


def _matrix(frame: av.VideoFrame) -> int:
    code = int(frame.colorspace)
    if code == _SMPTE170M:
        return _BT470BG
    if code == 10:
        return 9
    if code in _KNOWN_MATRICES:
        return code
    return _BT709 if frame.width >= _SD_WIDTH or frame.height > _SD_HEIGHT else _BT470BG


def wanted_size(size: Size, height: int, width: int) -> tuple[int, int]:
    """(height, width) of the frames to give, for a displayed picture of height and width.

    Raises:
        UsageError: `size` is no size.
    """
    if size is None:
        return height, width
    wanted = size(height, width) if callable(size) else size
    if len(wanted) != 2 or not all(isinstance(side, int) and side >= 1 for side in wanted):
        raise UsageError(f"size={wanted} is no size: give (height, width) in whole pixels from 1 on")
    if wanted[0] * wanted[1] > MAX_PIXELS:
        raise UsageError(f"size={wanted} has more than {MAX_PIXELS} pixels: give a smaller one")
    return wanted


def resize(pixels: Tensor, height: int, width: int) -> Tensor:
    """Resize uint8 (3, H, W) bicubically with antialiasing, in whole numbers as image processors do."""
    if pixels.shape[-2:] == (height, width):
        return pixels.contiguous()
    resized = functional.interpolate(
        pixels[None], size=(height, width), mode="bicubic", antialias=True, align_corners=False
    )
    return resized[0].contiguous()


def fit(pixels: Tensor, shown: tuple[int, int], first: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Resize uint8 (3, H, W) to `wanted` (height, width), adding black bars if the shape changed.

    Args:
        shown: displayed (height, width) of this picture. first: of the film's first one, from which
            `wanted` was made.
    """
    ratio = (shown[1] * first[0]) / (shown[0] * first[1])
    if abs(ratio - 1) <= _SAME_SHAPE:
        return resize(pixels, *wanted)
    height = max(1, min(wanted[0], round(wanted[0] / ratio)))
    width = max(1, min(wanted[1], round(wanted[1] * ratio)))
    canvas = pixels.new_zeros(3, *wanted)
    top, left = (wanted[0] - height) // 2, (wanted[1] - width) // 2
    canvas[:, top : top + height, left : left + width] = resize(pixels, height, width)
    return canvas
