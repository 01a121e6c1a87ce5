"""Single images for the Qwen models: as large as their own settings allow, one patch deep, at no time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from longreel.models.base import FilmTokens, ImagePart, VisualTokens
from longreel.models.clip_pixels import CLIP_MEAN, CLIP_STD
from longreel.models.qwen_patches import Patching
from longreel.models.qwen_sizes import check_shape, fitting_size, size_within

if TYPE_CHECKING:
    from longreel.models.qwen_vl import QwenVLAdapter

# Where a release does not tell: defaults of the image processor that all of them name.
_LEAST, _MOST = 56 * 56, 1280 * 28 * 28


class QwenImages:
    """See `ImageEncoder`. An image is a run of its own between marks, as a film is, without times.

    Args:
        adapter: of the model.
        settings: of the released image processor.
    """

    closer_alone = False

    def __init__(self, adapter: QwenVLAdapter, settings: dict[str, Any]) -> None:
        self._adapter = adapter
        size = settings.get("size") or {}
        self._least = int(settings.get("min_pixels") or size.get("shortest_edge") or _LEAST)
        self._most = int(settings.get("max_pixels") or size.get("longest_edge") or _MOST)
        films = adapter.patching
        mean, std = settings.get("image_mean", CLIP_MEAN), settings.get("image_std", CLIP_STD)
        self.patching = Patching(films.patch, films.merge, films.depth, mean, std)

    @property
    def come_first(self) -> bool:
        """As the chat template has them."""
        return self._adapter.dialogue.layout.images_first

    def size(
        self, height: int, width: int, part: ImagePart, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """The nearest multiples of a token's side, within the pixels that the release allows an image."""
        check_shape(height, width)
        side = self.patching.side
        size = fitting_size(height, width, side, self._least, self._most)
        if max_tokens is None:
            return size
        return size_within(size, height, width, side, self._least, max_tokens * side**2)

    def tokens(self, height: int, width: int, part: ImagePart) -> FilmTokens:
        """A token a square, and the marks around them that stand before."""
        rows, columns = height // self.patching.side, width // self.patching.side
        text = len(self._words(part))
        patches = height * width // self.patching.patch**2
        return FilmTokens(patches, rows * columns, text, text + max(rows, columns))

    @torch.no_grad()
    def encode(self, pixels: Tensor, part: ImagePart) -> VisualTokens:
        """See `ImageEncoder`."""
        adapter = self._adapter
        patches, grid = self.patching.cut(pixels[None])
        features = adapter.model.model.get_image_features(
            patches.to(adapter.decoder.device),
            torch.tensor([grid], device=adapter.decoder.device),
            return_dict=True,
        )
        embeddings = torch.cat(tuple(features.pooler_output))
        none = torch.zeros(len(embeddings))
        rows, columns = (torch.arange(extent // self.patching.merge) for extent in grid[1:])
        place = torch.meshgrid(torch.arange(1), rows, columns, indexing="ij")
        return VisualTokens(
            embeddings,
            none.double(),
            none.double(),
            none.long(),
            ((0, self._words(part)),),
            torch.stack(place).flatten(1),
            adapter.deep(features),
        )

    def _words(self, part: ImagePart) -> Tensor:
        """What ends the film or image before, and what begins this one."""
        prompt = self._adapter.dialogue
        ends = [*prompt.closing(), *prompt.between()] if part.number else []
        return torch.tensor([*ends, *prompt.opening()])
