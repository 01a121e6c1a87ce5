"""Single images for Video-XL: an only one in tiles of its resolution, several each as a frame (spec a)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from longreel.models.base import FilmTokens, ImagePart, VisualTokens
from longreel.models.video_xl.any_resolution import all_canvases, best_canvas, tiles
from longreel.models.video_xl.framing import centre_crop
from longreel.models.video_xl.modeling import encode_frames

if TYPE_CHECKING:
    from longreel.models.video_xl.adapter import VideoXLAdapter


class VideoXLImages:
    """See `ImageEncoder`. Nothing stands between films and images, as nothing stands between frames.

    The release takes either a film or one image; the paper has several images as frames of a film. Beside
    films an image is what it would be without them.
    """

    come_first = False
    closer_alone = True

    def __init__(self, adapter: VideoXLAdapter) -> None:
        self._adapter = adapter
        self._tower = adapter.model.vision_tower
        self._tile = int(self._tower.image_size[0])
        self._canvases = all_canvases(self._tile)

    def size(
        self, height: int, width: int, part: ImagePart, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """An only image as it is, one of several as a frame."""
        return (height, width) if part.alone else self._adapter.frame_size(height, width)

    def tokens(self, height: int, width: int, part: ImagePart) -> FilmTokens:
        """As many as of a frame for each tile."""
        count = 1
        if part.alone:
            canvas = best_canvas(height, width, self._canvases)
            count = canvas.width * canvas.height // self._tile**2
        rows, columns = self._tower.grid
        return FilmTokens(count * rows * columns, count * self._adapter.tokens_per_frame, 0)

    def encode(self, pixels: Tensor, part: ImagePart) -> VisualTokens:
        """Tile after tile."""
        if part.alone:
            squares = tiles(pixels, self._canvases, tile=self._tile)
        else:
            squares = centre_crop(pixels[None], self._tower.image_size)
        embeddings = encode_frames(self._adapter.model, squares).flatten(0, 1)
        none = torch.zeros(len(embeddings))
        return VisualTokens(embeddings, none.double(), none.double(), none.long())
