"""The second drawing style, never seen in training: pencil edges over flat tones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

_PENCIL = (52, 50, 58)
_PAPER = (244, 240, 230)


def sketched_place(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A background as a pale drawing on paper: uint8 (height, width, 3) in and out."""
    picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.6))
    flat = Image.blend(_flattened(picture, 3), Image.new("RGB", picture.size, _PAPER), 0.35)
    flat.paste(_PENCIL, (0, 0, *flat.size), _edges(picture.convert("L"), 1.6))
    return np.asarray(flat)


def sketched_picture(picture: Image.Image) -> Image.Image:
    """A picture of an object as a pale pencil drawing: RGBA in and out, same outline."""
    alpha = picture.getchannel("A")
    flat = Image.new("RGB", picture.size, _PAPER)
    flat.paste(picture, mask=alpha)
    tones = _flattened(flat.convert("L").convert("RGB"), 2)
    tones = Image.blend(tones, flat, 0.4)
    edges = np.maximum(np.asarray(_edges(flat.convert("L"), 2.2)), np.asarray(_edges(alpha, 1.5)))
    tones.paste(_PENCIL, (0, 0, *tones.size), Image.fromarray(edges))
    tones.putalpha(alpha)
    return tones


def _flattened(picture: Image.Image, bits: int) -> Image.Image:
    """Few tones per channel, each at the middle of its range."""
    step = 256 >> bits
    return picture.point([value // step * step + step // 2 for value in range(256)] * 3)


def _edges(grey: Image.Image, strength: float) -> Image.Image:
    edges = grey.filter(ImageFilter.Kernel((3, 3), (-1, -1, -1, -1, 8, -1, -1, -1, -1), 4.0))
    # The filter leaves the outermost pixels as they were.
    pixels = np.asarray(edges, dtype=np.float32) * strength
    pixels[[0, -1], :] = 0
    pixels[:, [0, -1]] = 0
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
