"""What a compression method is asked: indices in, indices out.

Protocols know neither model families nor each other. They return indices rather than tensors, so the map
of what was kept comes with every method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from longreel.compress.dynamic import BorderRule


@dataclass(frozen=True)
class Chunk:
    """Visual tokens that are prefilled together.

    tokens: number n of raw visual tokens.
    first: index of the first of them in the stream of all visual tokens.
    slots: int64 (s,) ascending, where summary tokens stand among the n + s tokens; None for none.
    pivots: bool (n,), tokens of keyframes; None where none were chosen.
    """

    tokens: int
    first: int = 0
    slots: Tensor | None = None
    pivots: Tensor | None = None

    @property
    def length(self) -> int:
        """Raw and summary tokens together."""
        return self.tokens + (0 if self.slots is None else len(self.slots))

    def raw_tokens(self) -> Tensor:
        """For each of the `length` tokens, int64: its index among the raw tokens of this chunk.

        A summary token has the index of the raw token it follows.
        """
        if self.slots is None:
            return torch.arange(self.tokens)
        is_slot = torch.zeros(self.length, dtype=torch.int64)
        is_slot[self.slots] = 1
        return torch.arange(self.length) - is_slot.cumsum(0)


class CacheCompressor(Protocol):
    """Decides which entries of a chunk stay in memory, the same in every layer.

    Its answers depend on the arguments alone, so that a film watched in pieces, resumed or read by
    several threads gives the same memory.
    """

    def slots(self, tokens: int) -> Tensor | None:
        """Where summary tokens are to stand in a chunk of `tokens` raw tokens.

        Returns int64 (s,) ascending indices into the chunk as it will be, summary tokens included, or
        None for no summary tokens.
        """

    def keep(self, chunk: Chunk) -> Tensor | None:
        """Which of the `chunk.length` tokens stay: int64 ascending indices, or None for all of them."""

    def remember(self, token: Tensor) -> Tensor | None:
        """Which entries of a layer stay in memory once a chunk has been added.

        token: int64 (n,), the visual token of each entry in stream order; `TEXT` for text, which has to stay.

        Returns int64 ascending indices, or None for all of them.
        """


class LayerAttention(NamedTuple):
    """What a chunk's visual tokens look for and offer in one layer.

    query: (heads, n, head_dim). key: (kv_heads, n, head_dim); query head h reads kv head
        h // (heads // kv_heads).
    question: queries (heads, g, head_dim) of a question behind the chunk; None without one.
    """

    query: Tensor
    key: Tensor
    question: Tensor | None = None


@runtime_checkable
class AttentionCompressor(Protocol):
    """Decides which entries of a chunk stay in each layer, by what that layer attends to.

    It is asked for scores layer by layer while a chunk is prefilled, and for its choice once at the end.
    Tokens are visual ones only: text always stays, and there are no summary tokens.

    Attributes:
        drops: whether anything is dropped at all. If not, it is not asked, and chunks are cut and prefilled
            as where everything is kept.
        chunk_frames: frames per chunk; chunks end where frames do, and with each film.
        squeeze: whether what stays moves together in time. If not it stays where it stood, and queries and
            keys come rotated rather than as they are before.
        needs_question: whether it goes by a question.
        needs_film: whether what stays of a chunk depends on all chunks of its film. Then these are held, and
            prefilled when the last one is there, each by what `allotted` has for it.
    """

    @property
    def drops(self) -> bool: ...
    @property
    def chunk_frames(self) -> int: ...
    @property
    def squeeze(self) -> bool: ...
    @property
    def needs_question(self) -> bool: ...
    @property
    def needs_film(self) -> bool: ...

    def allotted(self, tokens: Sequence[int], changes: Sequence[float]) -> Sequence[AttentionCompressor]:
        """What works on each chunk of a film, if it needs the film.

        tokens: visual tokens of each chunk. changes: see `chunk_changes`.
        """

    def fitted(self, tokens: int | None) -> AttentionCompressor:
        """The compressor for a film whose prompt, text and visual tokens, has so many; None if not known.

        Raises:
            UsageError: it cannot work for such a film.
        """

    def count(self, tokens: int) -> int:
        """How many of a chunk's `tokens` stay in each layer; by it, times are squeezed."""

    def scores(self, attention: LayerAttention) -> Tensor:
        """What each token is worth in one layer: float (n,)."""

    def choose(self, chunk: Chunk, scores: Sequence[Tensor]) -> Sequence[Tensor]:
        """The tokens that stay in each layer, int64 ascending; `scores` are those of all layers."""


class FilmFacts(NamedTuple):
    """What is known of a film or an image before the first of it is condensed.

    name: for errors. number: of the film among those of the memory.
    tokens: visual tokens that it becomes; None if that is not known.
    interval, frame_tokens: visual tokens of a full interval, and of a frame at most.
    ratios: by which the model was trained to condense, ascending.
    is_film: whether it is no image.
    """

    name: str
    number: int
    tokens: int | None
    interval: int
    frame_tokens: int
    ratios: tuple[int, ...]
    is_film: bool = True


class NextInterval(NamedTuple):
    """An interval that is about to be condensed.

    number: intervals of the memory before it. tokens: visual tokens in it.
    seen, kept: visual tokens of its film before it, and the summaries kept of them.
    """

    number: int
    tokens: int
    seen: int = 0
    kept: int = 0


@runtime_checkable
class FilmIntervals(Protocol):
    """How one film is cut into intervals and by which ratio each is condensed.

    Its answers depend on the arguments alone. Intervals end with the film.

    Attributes:
        borders: where intervals end by what frames show; None for intervals of equal length.
    """

    @property
    def borders(self) -> BorderRule | None: ...

    def ratio_of(self, interval: NextInterval) -> int:
        """Visual tokens for each summary; 1 keeps the visual tokens themselves."""

    def most_kept(self, tokens: int) -> int | None:
        """Most that stays of so many tokens of the film; None where intervals of equal length tell it."""


@runtime_checkable
class IntervalCompressor(Protocol):
    """Condenses each interval of a film by a ratio of its own, into summary tokens."""

    @property
    def lookback(self) -> int:
        """Frames before an interval that have to be seen again to go on with it."""

    def check(self, ratios: Sequence[int]) -> None:
        """Refuse a model.

        Args:
            ratios: by which it was trained to condense.

        Raises:
            UsageError: others are asked for.
        """

    def of_film(self, film: FilmFacts) -> FilmIntervals:
        """What it does with a film.

        Raises:
            UsageError: it cannot work for such a film.
        """


# What a chunk is given to; what any method may have as its `cache`; and that once it is fitted to a film.
ChunkCompressor = CacheCompressor | AttentionCompressor
Compressor = ChunkCompressor | IntervalCompressor
FilmCompressor = ChunkCompressor | FilmIntervals


class ChunkwiseCompressor:
    """What most compressors have in common: no summary tokens, and what was kept stays."""

    def slots(self, tokens: int) -> Tensor | None:
        """No summary tokens."""
        return None

    def remember(self, token: Tensor) -> Tensor | None:
        """All."""
        return None


class FrameSelector(Protocol):
    """Decides by their times which frames are encoded."""

    def fitted(self, frames: int | None, tokens_of: Callable[[int], int]) -> FrameSelector:
        """The selector for a film of about so many frames, None if that is not known.

        tokens_of: visual tokens that a number of frames become.

        Raises:
            UsageError: it cannot work for such a film.
        """

    def select(self, seconds: Tensor, first: int) -> Tensor:
        """Which of these frames to keep.

        seconds: float64 (F,), the times of consecutive frames.
        first: number of frames of the film(s) before them, so that blocks of any size give one answer.

        Returns int64 ascending indices into `seconds`.
        """


class FeatureSelector(Protocol):
    """Decides by what the language model would receive which frames are keyframes, film by film.

    Attributes:
        keep: fraction of frames that stay. At 1, keyframes are only marked and `stream` is asked; below,
            `choice` is.
    """

    @property
    def keep(self) -> float: ...


@runtime_checkable
class MarkingSelector(FeatureSelector, Protocol):
    """Marks keyframes.

    Attributes:
        lookback: frames before one that have to be seen again to decide about it.
    """

    @property
    def lookback(self) -> int: ...

    def stream(self) -> FeatureStream:
        """A film whose frames all stay."""


@runtime_checkable
class ChoosingSelector(FeatureSelector, Protocol):
    """Chooses which frames stay, once it has seen the last."""

    def choice(self, frames: int | None) -> FrameChoice:
        """A film of which some frames stay; about how many it has, None if that is not known.

        Raises:
            UsageError: it cannot work for such a film.
        """


class FeatureStream(Protocol):
    """One film being looked at; it belongs to one thread."""

    def push(self, features: Tensor) -> Tensor:
        """Look at more frames, (F, N, D), F at least 1, of N patches each.

        Returns bool (f, N), which patches are of keyframes, for the next f frames that this is certain of.
        """

    def end(self) -> Tensor:
        """The same for all frames that are left."""


class FilmChoice(NamedTuple):
    """What stays of the frames that are held: S of each of N patches.

    first, last: int64 (S, N), ascending: the stretch of frames that each one stands for.
    pivots: bool (S, N), or None.
    mean: whether it is the mean of the stretch; else it is the last of it.
    """

    first: Tensor
    last: Tensor
    pivots: Tensor | None
    mean: bool = False


class FrameChoice(Protocol):
    """One film being looked at, of which some frames stay; it belongs to one thread."""

    def push(self, features: Tensor) -> Tensor | None:
        """Look at more frames, (F, N, D), F at least 1, which are held from now on behind those so far.

        Returns int64 (K, N), ascending, which of those held may yet stay; None for all.
        """

    def end(self, features: Tensor) -> FilmChoice:
        """What stays of those held, (K, N, D); at least one frame was looked at."""


class TokenShrinker(Protocol):
    """Makes fewer tokens of each picture, before the language model sees them.

    A picture is what becomes one grid of tokens: a frame, or the frames that a model looks at together.
    Answers depend on a picture and its number in the film, so that blocks of any size give the same tokens.
    """

    def check(self, grid: tuple[int, int]) -> None:
        """Refuse what it cannot work on.

        Raises:
            UsageError: pictures of so many rows and columns.
        """

    def grids(self, pictures: int, grid: tuple[int, int], first: int) -> Tensor:
        """Rows and columns of each picture afterwards, int64 (pictures, 2).

        grid: rows and columns before. first: number of pictures of the film before these.
        """

    def shrink(self, features: Tensor, grid: tuple[int, int], first: int) -> Tensor:
        """The tokens (L, D), picture by picture and row by row, of features (pictures, rows * columns, D)."""


# Larger than any number of tokens that a keep is computed from, small enough to see through rounding.
_DENOMINATOR = 1_000_000


def exact_fraction(keep: float) -> Fraction:
    """The fraction meant by a float: 29/100 by 0.29, though the nearest float is a little less."""
    return Fraction(keep).limit_denominator(_DENOMINATOR)


def tokens_kept(tokens: int, keep: float) -> int:
    """Number of `tokens` that stay at the fraction `keep`: max(1, floor(keep * tokens)), 0 of none."""
    return max(1, int(exact_fraction(keep) * tokens)) if tokens else 0
