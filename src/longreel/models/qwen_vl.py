"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: three position axes, two frames a patch, four patches a token."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from longreel.errors import SourceError
from longreel.models.base import FilmPart, VisualTokens
from longreel.models.engine.transformers_decoder import TransformersDecoder
from longreel.models.prompt import Prompt
from longreel.models.published import PublishedAdapter
from longreel.positions import Rotation, inverse_frequencies
from longreel.video.frames import Frames

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_MOST_ELONGATED = 200
# Grid times are compared with whole numbers: a time that is one up to rounding counts as one.
_ROUNDING = 1e-6


class QwenPrompt(Prompt):
    """A film stands between the marks that begin and end vision."""

    film = "<|vision_start|><|video_pad|><|vision_end|>"

    def content(self, question: str, *, with_film: bool) -> Any:
        """What the user says, as the chat template takes it."""
        said = [{"type": "text", "text": question}] if question else []
        return [{"type": "video"}, *said] if with_film else said

    def opening(self) -> list[int]:
        """Ids that begin a film."""
        return [self.tokenizer.convert_tokens_to_ids("<|vision_start|>")]

    def closing(self) -> list[int]:
        """Ids that end a film."""
        return [self.tokenizer.convert_tokens_to_ids("<|vision_end|>")]

    def pause(self) -> list[int]:
        """See `Prompt`."""
        return [*self.closing(), *self.opening()]

    def _said(self, text: str) -> Any:
        return [{"type": "text", "text": text}]


class QwenVLAdapter(PublishedAdapter):
    """What the three share: how frames are cut into patches, and the film as one run of tokens.

    A patch is two frames deep; a last frame without a partner is its own.
    """

    dialogue: QwenPrompt
    mean: tuple[float, ...] = _CLIP_MEAN
    std: tuple[float, ...] = _CLIP_STD
    least_pixels = 128 * 28 * 28
    most_pixels = 768 * 28 * 28

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        processing: dict[str, Any],
        positions: str = "trained",
    ) -> None:
        vision = model.config.vision_config
        self._patch, self._merge = vision.patch_size, vision.spatial_merge_size
        self._depth = vision.temporal_patch_size
        super().__init__(name, model, tokenizer, processing, positions)
        size = processing.get("size") or {}
        self._least = processing.get("min_pixels") or size.get("shortest_edge") or self.least_pixels
        self._most = processing.get("max_pixels") or size.get("longest_edge") or self.most_pixels
        self._mean = torch.tensor(processing.get("image_mean", self.mean), dtype=torch.float32)
        self._std = torch.tensor(processing.get("image_std", self.std), dtype=torch.float32)

    @property
    def clip(self) -> int:
        """Two frames are one patch deep."""
        return int(self._depth)

    @property
    def side(self) -> int:
        """Pixels along each side of what becomes one token."""
        return int(self._patch * self._merge)

    @property
    def tokens_per_frame(self) -> int:
        """Most visual tokens of a frame: half of a pair's."""
        return max(1, int(self._most) // self.side**2 // self.clip)

    def prompt(self, tokenizer: Any) -> QwenPrompt:
        """See `PublishedAdapter`."""
        return QwenPrompt(tokenizer)

    def build_decoder(self) -> TransformersDecoder:
        """See `PublishedAdapter`."""
        text = self.model.config.get_text_config()
        head_dim = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        rope = text.rope_parameters
        rotation = Rotation(
            inverse_frequencies(head_dim, rope["rope_theta"]), self.axes(rope["mrope_section"], head_dim // 2)
        )
        return TransformersDecoder(
            self.model.model.language_model,
            self.model.lm_head,
            rotation,
            packed=False,
            text_beside=self.positions == "transformers",
        )

    def axes(self, section: list[int], frequencies: int) -> Tensor:
        """Which axis turns each frequency: `section` says how many in a row are time, height and width."""
        return torch.arange(3).repeat_interleave(torch.tensor(section))

    def frame_size(self, height: int, width: int) -> tuple[int, int]:
        """The nearest multiples of a token's side, within the pixels that the release allows.

        Raises:
            SourceError: the picture is too elongated for the model.
        """
        return fitting_size(height, width, self.side, self._least, self._most)

    def frame_tokens(self, height: int, width: int) -> float:
        """Half of what a pair becomes."""
        return height * width / self.side**2 / self.clip

    @torch.no_grad()
    def encode(self, frames: Frames, part: FilmPart) -> VisualTokens:
        """See `ModelAdapter`."""
        patches, grid = self.patches(frames.pixels)
        features = self.model.model.get_video_features(
            patches.to(self.decoder.device),
            torch.tensor([grid], device=self.decoder.device),
            return_dict=True,
        )
        embeddings = torch.cat(tuple(features.pooler_output))
        first = torch.arange(grid[0]) * self.clip
        last = (first + self.clip - 1).clamp(max=len(frames.seconds) - 1)
        each = len(embeddings) // grid[0]
        start, end = frames.seconds[first], frames.seconds[last]
        return VisualTokens(
            embeddings,
            start.repeat_interleave(each),
            end.repeat_interleave(each),
            first.repeat_interleave(each),
            self.words(start, end, each, part),
            self.place(grid, start, part),
            self.deep(features),
        )

    def patches(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        """Frames uint8 (F, 3, h, w) as patches (n, values) in the order of the release, and their grid."""
        missing = -len(pixels) % self.clip
        if missing:
            pixels = torch.cat((pixels, pixels[-1:].expand(missing, -1, -1, -1)))
        frames, channels, height, width = pixels.shape
        grid = (frames // self.clip, height // self._patch, width // self._patch)
        scaled = (pixels.float() / 255 - self._mean[:, None, None]) / self._std[:, None, None]
        blocks = scaled.reshape(
            grid[0],
            self.clip,
            channels,
            grid[1] // self._merge,
            self._merge,
            self._patch,
            grid[2] // self._merge,
            self._merge,
            self._patch,
        )
        ordered = blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
        return ordered.reshape(math.prod(grid), -1), grid

    def place(self, grid: tuple[int, int, int], start: Tensor, part: FilmPart) -> Tensor:
        """Where tokens stand, (3, n): time, row and column, from where the film begins."""
        times = self.times(start, part)
        rows, columns = torch.arange(grid[1] // self._merge), torch.arange(grid[2] // self._merge)
        return torch.stack(torch.meshgrid(times, rows, columns, indexing="ij")).flatten(1)

    def times(self, start: Tensor, part: FilmPart) -> Tensor:
        """Position of each pair of frames on the axis of time: pairs are counted."""
        return part.frame // self.clip + torch.arange(len(start))

    def words(self, start: Tensor, end: Tensor, each: int, part: FilmPart) -> tuple[tuple[int, Tensor], ...]:
        """Text among the tokens: the marks between films."""
        if part.frame:
            return ()
        prompt = self.dialogue
        ids = [*(prompt.closing() if part.film else []), *prompt.opening()]
        return ((0, torch.tensor(ids)),)

    def deep(self, features: Any) -> Tensor | None:
        """What vision adds to deeper layers."""
        return None


class Qwen2VLAdapter(QwenVLAdapter):
    """Qwen2-VL (arXiv 2409.12191)."""


class Qwen25VLAdapter(QwenVLAdapter):
    """Qwen2.5-VL (arXiv 2502.13923): time advances with the seconds of the film."""

    def times(self, start: Tensor, part: FilmPart) -> Tensor:
        """`tokens_per_second` positions a second.

        Frames at an even rate are counted, as in training; others stand where they were shown.
        """
        pace = float(self.model.config.vision_config.tokens_per_second)
        if part.fps is None:
            return ((start - part.begin) * pace + _ROUNDING).floor().long()
        number = part.frame // self.clip + torch.arange(len(start), dtype=torch.float64)
        return (number * (pace * self.clip / part.fps) + _ROUNDING).floor().long()


class Qwen3VLAdapter(QwenVLAdapter):
    """Qwen3-VL (arXiv 2511.21631): times are text before each pair of frames; vision reaches deep layers."""

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)
    least_pixels = 128 * 32 * 32
    most_pixels = 768 * 32 * 32

    def axes(self, section: list[int], frequencies: int) -> Tensor:
        """Axes take turns: time, height, width, time, …, until height and width have their share."""
        axes = torch.zeros(frequencies, dtype=torch.int64)
        for axis in (1, 2):
            axes[axis : section[axis] * 3 : 3] = axis
        return axes

    def times(self, start: Tensor, part: FilmPart) -> Tensor:
        """Text tells the time: every pair of frames is a run of its own."""
        return torch.zeros(len(start), dtype=torch.int64)

    def words(self, start: Tensor, end: Tensor, each: int, part: FilmPart) -> tuple[tuple[int, Tensor], ...]:
        """The middle of each pair in seconds, between the end of the pair before and its beginning."""
        prompt = self.dialogue
        woven = []
        for number, seconds in enumerate(((start + end) / 2).tolist()):
            first = not (part.film or part.frame or number)
            ids = [] if first else prompt.closing()
            ids += prompt.words(f"<{seconds:.1f} seconds>").tolist()
            woven.append((number * each, torch.tensor([*ids, *prompt.opening()])))
        return tuple(woven)

    def deep(self, features: Any) -> Tensor:
        """(levels, n, width)."""
        return torch.stack([torch.cat(tuple(level)) for level in features.deepstack_features])


def fitting_size(height: int, width: int, side: int, least: int, most: int) -> tuple[int, int]:
    """Multiples of `side` near (height, width), with `least` to `most` pixels, the shape kept roughly.

    Raises:
        SourceError: one side is over 200 times the other.
    """
    if max(height, width) > _MOST_ELONGATED * min(height, width):
        raise SourceError(
            f"a picture of {width}x{height} is too elongated for this model: cut it to at most 200 to 1"
        )
    rows, columns = (round(extent / side) * side for extent in (height, width))
    if rows * columns > most:
        shrink = math.sqrt(height * width / most)
        rows, columns = (max(side, math.floor(extent / shrink / side) * side) for extent in (height, width))
    elif rows * columns < least:
        grow = math.sqrt(least / (height * width))
        rows, columns = (math.ceil(extent * grow / side) * side for extent in (height, width))
    return rows, columns
