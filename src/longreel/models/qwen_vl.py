"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: three position axes, two frames a patch, four patches a token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from longreel.compress.base import TokenShrinker
from longreel.models.base import FilmPart, FilmTokens, TokenGrid, VisualTokens
from longreel.models.clip_pixels import CLIP_MEAN, CLIP_STD
from longreel.models.engine.transformers_decoder import TransformersDecoder
from longreel.models.prompt import Prompt
from longreel.models.published import PublishedAdapter
from longreel.models.qwen_images import QwenImages
from longreel.models.qwen_patches import Patching
from longreel.models.qwen_sizes import check_shape, fitting_size, grown, shrunk, size_within
from longreel.positions import Rotation, inverse_frequencies
from longreel.token_shrinking import shrunk_grids
from longreel.video.frames import Frames

# Frames of the longest film that they were released to watch; longer ones are sampled more thinly.
_MOST_FRAMES = 768
# Seconds of film that count as seen in training by Qwen2.5-VL, whose report (arXiv 2502.13923) speaks of
# films of hours and gives no longest.
_LONGEST_SECONDS = 3600
# Where the settings of a release cap the pixels of frames: defaults of its processors.
_MOST_TOKENS, _CAPPED_SHARE = 128_000, 0.9
_MOST_TOKENS_OF_FRAME = 768
_ABOVE_LEAST = 1.05
# Grid times are compared with whole numbers: a time that is one up to rounding counts as one.
_ROUNDING = 1e-6


class QwenPrompt(Prompt):
    """A film stands between the marks that begin and end vision."""

    film = "<|vision_start|><|video_pad|><|vision_end|>"
    image = "<|vision_start|><|image_pad|><|vision_end|>"

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
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD
    least_pixels = 128 * 28 * 28
    most_pixels = 768 * 28 * 28
    # Whether these are pixels of all frames together.
    least_is_of_film = False

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        processing: dict[str, Any],
        positions: str = "trained",
        image_processing: dict[str, Any] | None = None,
    ) -> None:
        vision = model.config.vision_config
        self.patching = Patching(
            vision.patch_size,
            vision.spatial_merge_size,
            vision.temporal_patch_size,
            processing.get("image_mean", self.mean),
            processing.get("image_std", self.std),
        )
        super().__init__(name, model, tokenizer, processing, positions, image_processing)
        size = processing.get("size") or {}
        self._least = processing.get("min_pixels") or size.get("shortest_edge") or self.least_pixels
        self._most = processing.get("max_pixels") or size.get("longest_edge") or self.most_pixels

    @property
    def clip(self) -> int:
        """Two frames are one patch deep."""
        return self.patching.depth

    @property
    def side(self) -> int:
        """Pixels along each side of what becomes one token."""
        return self.patching.side

    @property
    def most_frames(self) -> int:
        """As the release samples films."""
        return int(self.processing.get("max_frames") or _MOST_FRAMES)

    @property
    def tokens_per_frame(self) -> int:
        """Most visual tokens of a frame: half of a pair's."""
        return max(1, int(self._most) // self.side**2 // self.clip)

    @property
    def trained_window(self) -> int:
        """Pairs of frames, with the mark before them, of the longest film that the release watches."""
        return _MOST_FRAMES // self.clip + 1

    def prompt(self, tokenizer: Any) -> QwenPrompt:
        """See `PublishedAdapter`."""
        return QwenPrompt(tokenizer)

    def image_encoder(self) -> QwenImages:
        """See `PublishedAdapter`."""
        return QwenImages(self, self.image_processing)

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

    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """The nearest multiples of a token's side, within the pixels that the release allows.

        Raises:
            SourceError: the picture is too elongated for the model.
        """
        check_shape(height, width)
        size = self.released_size(height, width, frames)
        if frames is None or max_tokens is None:
            return size
        most = max_tokens // self._pairs(frames) * self.side**2
        whole_film = frames if self.least_is_of_film else 1
        return size_within(size, height, width, self.side, self._least, most, whole_film)

    def released_size(self, height: int, width: int, frames: int | None) -> tuple[int, int]:
        """As the release resizes each frame, however many there are unless its settings cap them together."""
        most = self._most
        if frames and self.processing.get("cap_pixels_per_frame"):
            tokens = self.processing.get("max_video_tokens", _MOST_TOKENS)
            share = int(tokens * self.side**2 * _CAPPED_SHARE) * self.clip // frames
            most = max(min(most, share), int(self._least * _ABOVE_LEAST))
        return fitting_size(height, width, self.side, self._least, most)

    def _pairs(self, frames: int) -> int:
        return -(-frames // self.clip)

    def film_tokens(
        self,
        seconds: Tensor,
        height: int,
        width: int,
        film: int = 0,
        shrinker: TokenShrinker | None = None,
    ) -> FilmTokens:
        """Whole pairs; the text among them tells times, or where a film begins."""
        pairs = self._pairs(len(seconds))
        first = torch.arange(pairs) * self.clip
        start, end = seconds[first], seconds[self._last(first, len(seconds))]
        part = FilmPart(film, begin=float(seconds[0]))
        words = self.words(start, end, 1, part)
        text = sum(len(ids) for _, ids in words)
        grid = TokenGrid(height // self.side, width // self.side, self.clip)
        sizes = torch.tensor(grid[:2]).expand(pairs, 2)
        if shrinker is not None:
            sizes = shrunk_grids(shrinker, grid, len(seconds))
        reach = text + _reach(self.times(start, part), sizes, [before for before, _ in words])
        patches = height * width // self.patching.patch**2
        return FilmTokens(pairs * patches, int(sizes.prod(1).sum()), text, reach, grid)

    def _last(self, first: Tensor, frames: int) -> Tensor:
        """Number of the last frame of the pairs that begin with these."""
        return (first + self.clip - 1).clamp(max=frames - 1)

    @torch.no_grad()
    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """See `ModelAdapter`; merged patches are not pooled in any case."""
        patches, grid = self.patches(frames.pixels)
        features = self.model.model.get_video_features(
            patches.to(self.decoder.device),
            torch.tensor([grid], device=self.decoder.device),
            return_dict=True,
        )
        embeddings = torch.cat(tuple(features.pooler_output))
        first = torch.arange(grid[0]) * self.clip
        last = self._last(first, len(frames.seconds))
        each = len(embeddings) // grid[0]
        start, end = frames.seconds[first], frames.seconds[last]
        words = self.words(start, end, each, part)
        return VisualTokens(
            embeddings,
            start.repeat_interleave(each),
            end.repeat_interleave(each),
            first.repeat_interleave(each),
            words,
            self.place(grid, start, part),
            self.deep(features),
            stamped=self.stamped(words, part),
            grid=TokenGrid(grid[1] // self.patching.merge, grid[2] // self.patching.merge, self.clip),
        )

    def patches(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        """Frames uint8 (F, 3, h, w) as patches (n, values) in the order of the release, and their grid."""
        return self.patching.cut(pixels)

    def place(self, grid: tuple[int, int, int], start: Tensor, part: FilmPart) -> Tensor:
        """Where tokens stand, (3, n): time, row and column, from where the film begins."""
        times = self.times(start, part)
        rows, columns = (torch.arange(extent // self.patching.merge) for extent in grid[1:])
        return torch.stack(torch.meshgrid(times, rows, columns, indexing="ij")).flatten(1)

    def times(self, start: Tensor, part: FilmPart) -> Tensor:
        """Position of each pair of frames on the axis of time: pairs are counted."""
        return part.frame // self.clip + torch.arange(len(start))

    def words(self, start: Tensor, end: Tensor, each: int, part: FilmPart) -> tuple[tuple[int, Tensor], ...]:
        """Text among the tokens: the marks between films."""
        if part.frame:
            return ()
        prompt = self.dialogue
        ends = [*prompt.closing(), *prompt.between()] if part.film else []
        return ((0, torch.tensor([*ends, *prompt.opening()])),)

    def stamped(self, words: tuple[tuple[int, Tensor], ...], part: FilmPart) -> tuple[int, ...]:
        """Where `words` tell nothing but times."""
        return ()

    def deep(self, features: Any) -> Tensor | None:
        """What vision adds to deeper layers."""
        return None


class Qwen2VLAdapter(QwenVLAdapter):
    """Qwen2-VL (arXiv 2409.12191)."""


class Qwen25VLAdapter(QwenVLAdapter):
    """Qwen2.5-VL (arXiv 2502.13923): time advances with the seconds of the film."""

    @property
    def trained_window(self) -> int:
        """An hour."""
        return int(_LONGEST_SECONDS * self.model.config.vision_config.tokens_per_second) + 1

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
    least_is_of_film = True

    @property
    def trained_window(self) -> int:
        """All of the context, which times and frames filled in training."""
        return self.context

    @property
    def tokens_per_frame(self) -> int:
        """Most visual tokens of a frame: half of those of a film of one pair."""
        return max(1, int(self._most) // self.clip // self.side**2 // self.clip)

    def released_size(self, height: int, width: int, frames: int | None) -> tuple[int, int]:
        """The pixels that the release allows are those of the whole film.

        A film of unknown length is taken for the longest that the release watches.
        """
        frames = max(self.clip, frames or self.most_frames)
        if min(height, width) < self.side:
            scale = max(self.side / height, self.side / width)
            height, width = int(height * scale), int(width * scale)
        most = self._most
        if self.processing.get("cap_pixels_per_frame"):
            of_frame = self.processing.get("max_video_tokens", _MOST_TOKENS_OF_FRAME) * self.side**2
            most = frames * max(min(of_frame, most // frames), int(self._least * _ABOVE_LEAST))
        # Rounded to even pairs, as in the release.
        counted = round(frames / self.clip) * self.clip
        rows, columns = (round(extent / self.side) * self.side for extent in (height, width))
        if counted * rows * columns > most:
            return shrunk(height, width, self.side, most, frames)
        if counted * rows * columns < self._least:
            return grown(height, width, self.side, self._least, frames)
        return rows, columns

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
            ids = prompt.closing() if part.film or part.frame or number else []
            ids += prompt.between() if part.film and not (part.frame or number) else []
            ids += prompt.words(f"<{seconds:.1f} seconds>").tolist()
            woven.append((number * each, torch.tensor([*ids, *prompt.opening()])))
        return tuple(woven)

    def stamped(self, words: tuple[tuple[int, Tensor], ...], part: FilmPart) -> tuple[int, ...]:
        """All but the first, which begins the film."""
        return tuple(before for before, _ in words if before or part.frame)

    def deep(self, features: Any) -> Tensor:
        """(levels, n, width)."""
        return torch.stack([torch.cat(tuple(level)) for level in features.deepstack_features])


def _reach(times: Tensor, sizes: Tensor, begins: list[int]) -> int:
    """Positions of pairs at `times` (n,) that have `sizes` (n, 2), in runs that begin behind text."""
    ends = [*begins[1:], len(times)]
    return sum(
        max(int(times[end - 1] - times[begin]) + 1, int(sizes[begin:end].max()))
        for begin, end in zip(begins, ends, strict=True)
    )
