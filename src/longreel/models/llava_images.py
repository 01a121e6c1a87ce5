"""Single images for LLaVA-OneVision: an only one in tiles of its resolution, several each in one square."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from longreel.errors import SourceError
from longreel.models.base import FilmTokens, ImagePart, VisualTokens
from longreel.models.canvases import Canvas, best_canvas, cut_tiles
from longreel.models.clip_pixels import CLIP_MEAN, CLIP_STD
from longreel.video.picture import resize

if TYPE_CHECKING:
    from longreel.models.llava_onevision import LlavaOnevisionAdapter

# Features are made fewer where there are so many times more along each side than the release allows.
_TOLERATED = 1.1
# Extents of features are rounded to so many digits before they are cut off, as in the release.
_DIGITS = 7


class LlavaImages:
    """See `ImageEncoder`.

    As the installed library has it, an only image is seen twice: whole in one square, and in tiles of the
    canvas that suits it, whose rows of features end in a new line each. One of several is seen once, on a
    square ground. The last new line is the one that ends films too, see `LlavaPrompt`.

    Args:
        adapter: of the model.
        settings: of the released image processor.
    """

    closer_alone = True

    def __init__(self, adapter: LlavaOnevisionAdapter, settings: dict[str, Any]) -> None:
        self._adapter = adapter
        config = adapter.model.config
        vision, size = config.vision_config, settings.get("size") or {}
        self._tile = int(size.get("height") or size.get("shortest_edge") or vision.image_size)
        self._grid = int(vision.image_size // vision.patch_size)
        pairs = settings.get("image_grid_pinpoints") or config.image_grid_pinpoints
        self._canvases = [Canvas(width, height) for height, width in pairs]
        self._most_tiles = int(config.vision_aspect_ratio.removeprefix("anyres_max_"))
        mean = settings.get("image_mean", CLIP_MEAN)
        self._ground = torch.tensor([int(value * 255) for value in mean], dtype=torch.uint8)
        self._mean = torch.tensor(mean, dtype=torch.float32)
        self._std = torch.tensor(settings.get("image_std", CLIP_STD), dtype=torch.float32)

    @property
    def come_first(self) -> bool:
        """As the chat template has them."""
        return self._adapter.dialogue.layout.images_first

    def size(
        self, height: int, width: int, part: ImagePart, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """As it is: which tiles it is seen in follows from its own size.

        Raises:
            SourceError: so elongated that no row of features shows it.
        """
        if part.alone and min(self._shown(height, width)) < 1:
            raise SourceError(f"a picture of {width}x{height} is too elongated for this model: cut it")
        return height, width

    def tokens(self, height: int, width: int, part: ImagePart) -> FilmTokens:
        """Of the square, and of the tiles with their new lines but the last, which is text."""
        text = len(self._words(part))
        squares, visual = 1, self._grid**2
        if part.alone:
            canvas = best_canvas(height, width, self._canvases)
            squares += canvas.width * canvas.height // self._tile**2
            rows, columns = self._shown(height, width)
            visual += rows * (columns + 1) - 1
        return FilmTokens(squares * self._grid**2, visual, text)

    def scaled(self, pixels: Tensor, part: ImagePart) -> Tensor:
        """An image uint8 (3, h, w) as the vision tower takes it, float32 (tiles, 3, side, side)."""
        if part.alone:
            squares = cut_tiles(pixels, self._canvases, self._tile, thumbnail=True)
        else:
            squares = resize(self._squared(pixels), self._tile, self._tile)[None]
        return (squares.float() / 255 - self._mean[:, None, None]) / self._std[:, None, None]

    @torch.no_grad()
    def encode(self, pixels: Tensor, part: ImagePart) -> VisualTokens:
        """See `ImageEncoder`."""
        adapter = self._adapter
        device = adapter.decoder.device
        scaled = self.scaled(pixels, part).to(device, adapter.decoder.dtype)
        features: Tensor = adapter.model.model.get_image_features(
            scaled[None],
            image_sizes=torch.tensor([pixels.shape[1:]], device=device),
            vision_feature_layer=adapter.model.config.vision_feature_layer,
            vision_feature_select_strategy=adapter.model.config.vision_feature_select_strategy,
            # How many images there are is only asked to tell one from several.
            batch_num_images=torch.tensor([1 if part.alone else 2], device=device),
            return_dict=True,
        ).pooler_output[0]
        embeddings = features[:-1]
        none = torch.zeros(len(embeddings))
        words = self._words(part)
        return VisualTokens(
            embeddings, none.double(), none.double(), none.long(), ((0, words),) if len(words) else ()
        )

    def _words(self, part: ImagePart) -> Tensor:
        """What ends the film or image before."""
        prompt = self._adapter.dialogue
        return torch.tensor([*prompt.closing(), *prompt.between()] if part.number else [], dtype=torch.int64)

    def _squared(self, pixels: Tensor) -> Tensor:
        """In the middle of a square of the mean colour."""
        height, width = pixels.shape[1:]
        side = max(height, width)
        square = self._ground[:, None, None].repeat(1, side, side)
        top, left = (side - height) // 2, (side - width) // 2
        square[:, top : top + height, left : left + width] = pixels
        return square

    def _shown(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of features that show something of an only image."""
        canvas = best_canvas(height, width, self._canvases)
        rows, columns = (self._grid * extent // self._tile for extent in (canvas.height, canvas.width))
        if width / height > columns / rows:
            rows -= (rows - int(round(height * (columns / width), _DIGITS))) // 2 * 2
        else:
            columns -= (columns - int(round(width * (rows / height), _DIGITS))) // 2 * 2
        crowded = math.sqrt(rows * columns / (self._most_tiles * self._grid**2))
        if crowded > _TOLERATED:
            rows, columns = int(rows // crowded), int(columns // crowded)
        return rows, columns
