"""Pictures in files: opened with Pillow, turned as the camera held them, on white where transparent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from longreel.errors import SourceError
from longreel.video.picture import MAX_PIXELS, Turn

_ORIENTATION = 0x0112
_DEGREES = {3: 180, 6: 90, 8: 270, 5: 270, 7: 90, 4: 180}
_SEVERAL = ("WEBP", "PNG", "TIFF")
# Sixteen-bit greys, which Pillow would cut off rather than scale.
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def read_picture(path: Path) -> tuple[Tensor, int]:
    """The first picture of a file, uint8 (3, H, W) as displayed, and how many there are in it.

    There are more than one in an animation and in a file with pages.

    Raises:
        SourceError: no picture, damaged, or too large to be true.
    """
    try:
        with Image.open(path) as picture:
            _check_size(path, picture)
            pixels = np.array(_rgb(ImageOps.exif_transpose(picture)))
            # Telephones put a small copy beside the picture (MPO), which is no animation.
            count = int(getattr(picture, "n_frames", 1)) if picture.format in _SEVERAL else 1
    except Image.DecompressionBombError:
        raise SourceError(_too_large(path)) from None
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, EOFError, MemoryError) as error:
        cause = " ".join(str(error).split())[:120] or type(error).__name__
        raise SourceError(f"{path} cannot be read as a picture ({cause}): check that it opens") from None
    return torch.from_numpy(pixels).permute(2, 0, 1), count


def picture_facts(path: Path) -> tuple[int, int, Turn]:
    """Stored height and width and the turn for display.

    Raises:
        SourceError: no picture, or too large to be true.
    """
    try:
        with Image.open(path) as picture:
            _check_size(path, picture)
            orientation = picture.getexif().get(_ORIENTATION, 1)
            turn = Turn(swap=orientation in (5, 6, 7, 8), degrees=_DEGREES.get(orientation, 0))
            return picture.height, picture.width, turn
    except Image.DecompressionBombError:
        raise SourceError(_too_large(path)) from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        cause = " ".join(str(error).split())[:120] or type(error).__name__
        raise SourceError(f"{path} cannot be read as a picture ({cause}): check that it opens") from None


def _check_size(path: Path, picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise SourceError(_too_large(path))
    if not picture.width * picture.height:
        raise SourceError(f"{path} is a picture of {picture.width}x{picture.height}: name another")


def _too_large(path: Path) -> str:
    return f"{path} has more than {MAX_PIXELS} pixels: scale it down"


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in _DEEP:
        values = np.asarray(picture).astype(np.float32)
        scale = 257.0 if values.max(initial=0) > 255 else 1.0
        return Image.fromarray((values / scale).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        ground = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(ground, coloured).convert("RGB")
    return picture.convert("RGB")


def ends(seconds: tuple[float, ...]) -> float:
    """When the last of some pictures leaves the screen: each stays as long as the one before it."""
    if len(seconds) < 2:
        return seconds[-1] + 1.0
    return 2 * seconds[-1] - seconds[-2]
