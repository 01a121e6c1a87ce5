"""How each family reads the pictures of a sample and turns them into visual tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from longreel.errors import LongreelError
from longreel.models.base import FilmPart, ImagePart
from longreel.models.llava_onevision import LlavaOnevisionAdapter
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.any_resolution import all_canvases, tiles
from longreel.models.video_xl.framing import centre_crop
from longreel.train.conversations.samples import BadSample
from longreel.video.frames import Frames
from longreel.video.images import read_picture
from longreel.video.picture import resize
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling

# Frames whose activations are held at once while the tower learns.
_TOGETHER = 8


class Seen(TypedDict):
    """A film or image as it was read.

    pixels: uint8, frames or tiles (F, 3, h, w), or an image as it is (3, h, w).
    seconds: float64 (F,), when frames are shown; empty for images. alone: whether it is an only image.
    """

    kind: Literal["film", "image"]
    pixels: Tensor
    seconds: Tensor
    alone: bool


class Sight(Protocol):
    """A family's way of looking, apart into reading, which other processes may do, and encoding."""

    def film(self, path: Path) -> Seen:
        """Read a film.

        Raises:
            BadSample: it is missing or cannot be read.
        """

    def image(self, path: Path, *, alone: bool) -> Seen:
        """Read an image.

        Raises:
            BadSample: it is missing or cannot be read.
        """

    def tokens(self, seen: Seen) -> int:
        """Visual tokens it becomes."""

    def embeddings(self, seen: Seen) -> Tensor:
        """Visual tokens (n, width), differentiable where the tower or what is behind it learns."""

    def blank(self) -> Seen | None:
        """The least there is to see; None where nothing learns of seeing."""


class VideoXLSight:
    """Video-XL's tower and projector, which may learn.

    Args:
        sampling: of films.
        in_tiles: whether an only image is cut into tiles; as a frame, if not.
        recompute: make activations of the tower again for the gradient.
    """

    def __init__(
        self, adapter: VideoXLAdapter, sampling: Sampling, *, in_tiles: bool, recompute: bool
    ) -> None:
        self._adapter, self._sampling, self._recompute = adapter, sampling, recompute
        self._tower = adapter.model.vision_tower
        self._in_tiles = in_tiles and adapter.images is not None
        self._canvases = all_canvases(self._tower.image_size[0])

    def film(self, path: Path) -> Seen:
        """See `Sight`."""
        frames = _read_film(path, self._sampling, self._adapter)
        pixels = centre_crop(frames.pixels, self._tower.image_size).contiguous()
        return Seen(kind="film", pixels=pixels, seconds=frames.seconds, alone=False)

    def image(self, path: Path, *, alone: bool) -> Seen:
        """See `Sight`."""
        pixels = _read_image(path)
        if alone and self._in_tiles:
            cut = tiles(pixels, self._canvases, tile=self._tower.image_size[0])
        else:
            framed = resize(pixels, *self._adapter.frame_size(*pixels.shape[1:]))
            cut = centre_crop(framed[None], self._tower.image_size).contiguous()
        return Seen(kind="image", pixels=cut, seconds=_NEVER, alone=alone)

    def tokens(self, seen: Seen) -> int:
        """See `Sight`."""
        return len(seen["pixels"]) * self._adapter.tokens_per_frame

    def blank(self) -> Seen:
        """See `Sight`."""
        frames = self._adapter.clip
        pixels = torch.zeros(frames, 3, *self._tower.image_size, dtype=torch.uint8)
        return Seen(kind="film", pixels=pixels, seconds=torch.zeros(frames), alone=False)

    def embeddings(self, seen: Seen) -> Tensor:
        """See `Sight`; clips stay whole."""
        together = -(-_TOGETHER // self._adapter.clip) * self._adapter.clip
        seconds = seen["seconds"].split(together) if len(seen["seconds"]) else ()
        blocks = seen["pixels"].split(together)
        times = seconds or (None,) * len(blocks)
        return torch.cat([self._encoded(*block) for block in zip(blocks, times, strict=True)]).flatten(0, 1)

    def _encoded(self, pixels: Tensor, seconds: Tensor | None) -> Tensor:
        model: Any = self._adapter.model
        encoded: Tensor
        if self._recompute and torch.is_grad_enabled():
            encoded = checkpoint(model, pixels, seconds, use_reentrant=False)
        else:
            encoded = model(pixels, seconds)
        return encoded


class LlavaSight:
    """LLaVA-OneVision's, which stays as it is."""

    def __init__(self, adapter: LlavaOnevisionAdapter, sampling: Sampling, *, in_tiles: bool) -> None:
        self._adapter, self._sampling, self._in_tiles = adapter, sampling, in_tiles

    def film(self, path: Path) -> Seen:
        """See `Sight`."""
        frames = _read_film(path, self._sampling, self._adapter)
        return Seen(kind="film", pixels=frames.pixels, seconds=frames.seconds, alone=False)

    def image(self, path: Path, *, alone: bool) -> Seen:
        """See `Sight`."""
        pixels, alone = _read_image(path), alone and self._in_tiles
        try:
            self._adapter.image_encoder().size(pixels.shape[1], pixels.shape[2], ImagePart(alone=alone))
        except LongreelError as error:
            raise BadSample("unreadable file", f"{path}: {error}") from error
        return Seen(kind="image", pixels=pixels, seconds=_NEVER, alone=alone)

    def tokens(self, seen: Seen) -> int:
        """See `Sight`."""
        if seen["kind"] == "film":
            return len(seen["pixels"]) * self._adapter.tokens_per_frame
        _, height, width = seen["pixels"].shape
        part = ImagePart(alone=seen["alone"])
        return self._adapter.image_encoder().tokens(height, width, part).visual

    def blank(self) -> None:
        """See `Sight`."""

    def embeddings(self, seen: Seen) -> Tensor:
        """See `Sight`."""
        pixels = seen["pixels"].cpu()
        if seen["kind"] == "image":
            part = ImagePart(alone=seen["alone"])
            return self._adapter.image_encoder().encode(pixels, part).embeddings
        frames = Frames(pixels, seen["seconds"].cpu())
        blocks = [
            Frames(*both)
            for both in zip(frames.pixels.split(_TOGETHER), frames.seconds.split(_TOGETHER), strict=True)
        ]
        return torch.cat([self._adapter.encode(block, FilmPart()).embeddings for block in blocks])


_NEVER = torch.empty(0, dtype=torch.float64)


def _read_film(path: Path, sampling: Sampling, adapter: VideoXLAdapter | LlavaOnevisionAdapter) -> Frames:
    _check_there(path)
    try:
        with open_film(path, sampling=sampling, size=adapter.frame_size) as film:
            blocks = list(film)
    except LongreelError as error:
        raise BadSample("unreadable file", str(error)) from error
    return Frames(
        torch.cat([block.pixels for block in blocks]), torch.cat([block.seconds for block in blocks])
    )


def _read_image(path: Path) -> Tensor:
    _check_there(path)
    try:
        return read_picture(path)[0]
    except LongreelError as error:
        raise BadSample("unreadable file", str(error)) from error


def _check_there(path: Path) -> None:
    if not path.exists():
        raise BadSample("missing file", str(path))
