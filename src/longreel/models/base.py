"""What the verbs ask of a model family, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from longreel.compress.base import Compressor, FilmCompressor, TokenShrinker
    from longreel.compress.context_window import RescaledWindow
    from longreel.key_values import KeyValues
    from longreel.positions import Rotation
    from longreel.video.frames import Frames


class TokenGrid(NamedTuple):
    """How the tokens of a picture lie: row by row. `frames` is how many frames are one picture."""

    rows: int
    columns: int
    frames: int = 1


@dataclass(frozen=True)
class VisualTokens:
    """What the language model sees of a block of frames, in stream order.

    embeddings: (n, width).
    start: float64 (n,), seconds of the first frame each token shows.
    end: float64 (n,), seconds of the last frame it shows (equal to `start` for a token of one frame);
        `watch` stretches it to where the next frame begins.
    frame: int64 (n,) ascending, index within the block of the first frame each token shows.
    words: text among them, as (index of the visual token it stands before, int64 ids), ascending.
    place: int64 (3, n), where each stands on the axes time, height and width. Behind text, the first token
        stands where that ends, and those that follow as much later as their time is later than its own;
        height and width count from there. None for models with one axis, whose tokens stand one behind the
        other.
    deep: (levels, n, width), what is added to the hidden states behind each of the first layers, or None.
    pivot: bool (n,), tokens of keyframes; None where none were chosen.
    stamped: where in `words` text stands that says nothing but the time of the frame behind it, and goes if
        nothing of that frame stays.
    grid: of each picture, if these are whole pictures of one size; None if not, or not known.
    """

    embeddings: Tensor
    start: Tensor
    end: Tensor
    frame: Tensor
    words: tuple[tuple[int, Tensor], ...] = ()
    place: Tensor | None = None
    deep: Tensor | None = None
    pivot: Tensor | None = None
    stamped: tuple[int, ...] = ()
    grid: TokenGrid | None = None

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def frame_counts(self) -> list[int]:
        """Tokens of each frame that has any."""
        counts: list[int] = self.frame.unique_consecutive(return_counts=True)[1].tolist()
        return counts

    def __getitem__(self, part: slice) -> VisualTokens:
        first, end, _ = part.indices(len(self))
        return VisualTokens(
            self.embeddings[part],
            self.start[part],
            self.end[part],
            self.frame[part],
            tuple((before - first, ids) for before, ids in self.words if first <= before < end),
            None if self.place is None else self.place[:, part],
            None if self.deep is None else self.deep[:, part],
            None if self.pivot is None else self.pivot[part],
            tuple(before - first for before in self.stamped if first <= before < end),
        )

    def behind(self, ids: Tensor) -> VisualTokens:
        """These tokens, at least one, with text before the first."""
        stamped = tuple(before for before in self.stamped if before)
        return replace(self, words=((0, ids), *self.words), stamped=stamped)

    def followed_by(self, more: VisualTokens) -> VisualTokens:
        """These tokens, then `more` of the same model."""
        moved = ((before + len(self), ids) for before, ids in more.words)
        return VisualTokens(
            torch.cat((self.embeddings, more.embeddings)),
            torch.cat((self.start, more.start)),
            torch.cat((self.end, more.end)),
            torch.cat((self.frame, more.frame)),
            (*self.words, *moved),
            _joined(self.place, more.place),
            _joined(self.deep, more.deep),
            _joined(self.pivot, more.pivot, dim=0),
            (*self.stamped, *(before + len(self) for before in more.stamped)),
        )


def _joined(first: Tensor | None, second: Tensor | None, dim: int = 1) -> Tensor | None:
    return None if first is None or second is None else torch.cat((first, second), dim)


class FilmTokens(NamedTuple):
    """What the frames of a film become.

    patches: pieces of pictures that the vision tower looks at.
    visual: visual tokens. text: tokens of text among them.
    reach: positions that the film takes up on the longest axis; None where every entry that is kept takes
        up one.
    grid: of each picture before a method makes it smaller; None where tokens are no grid.
    """

    patches: int
    visual: int
    text: int
    reach: int | None = None
    grid: TokenGrid | None = None


@dataclass(frozen=True)
class FilmPart:
    """Where a block of frames lies.

    film: number of the film among those of the memory.
    frame: how many of the film's frames were encoded before.
    begin: seconds of the film at which its first encoded frame is shown.
    fps: frames per second, if frames come at an even rate; None if their times must be looked at.
    offset: where the film starts on the memory's timeline, in seconds.
    """

    film: int = 0
    frame: int = 0
    begin: float = 0.0
    fps: float | None = None
    offset: float = 0.0


@dataclass(frozen=True)
class ImagePart:
    """Where a single image stands.

    number: of the image among the films and images of the memory.
    alone: whether it is the only image (films beside it do not count) of a family that then looks closer.
    """

    number: int = 0
    alone: bool = False


class ImageEncoder(Protocol):
    """How a family looks at single images. Nothing here changes the model.

    Attributes:
        come_first: whether images stand before films, in whatever order they are named.
        closer_alone: whether an only image is looked at more closely than one of several.
    """

    @property
    def come_first(self) -> bool: ...
    @property
    def closer_alone(self) -> bool: ...

    def size(
        self, height: int, width: int, part: ImagePart, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """The (height, width) that an image of this displayed size is given to `encode` in.

        Args:
            max_tokens: visual tokens that it is to stay within, where the family has images of several sizes.

        Raises:
            SourceError: the image is too elongated for the model.
        """

    def tokens(self, height: int, width: int, part: ImagePart) -> FilmTokens:
        """What an image of a size that `size` gave becomes."""

    def encode(self, pixels: Tensor, part: ImagePart) -> VisualTokens:
        """Encode uint8 (3, height, width); all tokens are of frame 0, at 0 s."""


class Watcher(Protocol):
    """The growing memory of one film; belongs to one thread.

    A full interval is prefilled as soon as its last token has come, so the memory depends on the stream
    of tokens and not on how it was cut into pushes. A compressor that counts frames instead (see
    `AttentionCompressor`) needs whole frames in each push, and its intervals end with each film.
    """

    @property
    def closed_tokens(self) -> int:
        """Visual tokens in closed intervals, those of a resumed memory included."""

    def push(self, tokens: VisualTokens) -> None:
        """Add any number of tokens."""

    def look_back(self, tokens: VisualTokens) -> None:
        """Tokens of the film that the memory holds already, before those that are pushed.

        They come where a method has to see again what was before the tokens it goes on with.
        """

    def text(self, ids: Tensor) -> None:
        """Add text, int64 (n,), behind the tokens so far; it stays.

        It belongs to the interval that is open, and counts as closed where none is.
        """

    def begin_film(self, compressor: FilmCompressor, held: int = 0) -> None:
        """What is pushed from now on is of the next film, or of the one that a resumed memory broke off in.

        compressor: the one given before, fitted to this film.
        held: visual tokens of this film in the memory already.
        """

    def end_film(self) -> None:
        """All frames of the film were pushed."""

    def checkpoint(self) -> KeyValues:
        """The memory of the closed intervals only; the watcher can go on afterwards."""

    def finish(self) -> KeyValues:
        """Close the open interval short, if there is one, and return the final memory."""


class Dialogue(Protocol):
    """Between the words of a conversation about a film and a model's token ids.

    Attributes:
        open_vocabulary: whether any text can be written.
    """

    @property
    def open_vocabulary(self) -> bool: ...

    def before(self, system: str | None) -> Tensor:
        """int64 (p,): the text before the film."""

    def quoted(self, text: str) -> Tensor:
        """int64 (n,): a text that others wrote, in which no mark of the model is a mark."""

    def aside(self, said: Tensor, following: Tensor) -> Tensor:
        """int64 (m,): text among frames, framed as the model expects.

        Args:
            said: ids of the text.
            following: ids that the next frame begins with; none where frames simply follow each other.

        Returns the framed text, then what is left of `following`.
        """

    def after(self, turns: Sequence[tuple[str, str | None]]) -> Tensor:
        """int64 (q,): the text after the film: (question, answer) pairs so far, then (question, None)."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""

    def unknown_words(self, question: str) -> Sequence[str]:
        """Words of the question outside the model's vocabulary; empty for open-vocabulary models."""


class ModelAdapter(Protocol):
    """One model of one family. Nothing here changes the model, so threads may share an adapter.

    Attributes:
        name: what users call it.
        dialogue: how it is spoken to.
        default_fps: frames per second a film is sampled at if the user does not say.
        most_frames: frames of a film that are the most then, spread over it; None for any number.
        clip: frames that are encoded together; blocks start at multiples of it, and only the last block
            of a film may be ragged.
        has_summary_tokens: whether the weights include trained summary tokens.
        summary_ratios: visual tokens for each summary token that they were trained for, ascending.
        has_token_grid: whether the tokens of a frame are places on a grid.
        interval: visual tokens per interval.
        tokens_per_frame: visual tokens a frame becomes, at most.
        max_question_tokens: most tokens of text after the film, earlier turns of a chat included.
        context: entries and positions the model was made for; None if it may be asked to go beyond them.
        layer_shapes: (kv_heads, head_dim) of each layer's keys and values.
        images: how it looks at single images; None if it knows films only.
        rotation: how the model was trained to turn positions into angles.
        trained_window: extent of the longest visual sequence in training, in positions.
    """

    @property
    def name(self) -> str: ...
    @property
    def dialogue(self) -> Dialogue: ...
    @property
    def default_fps(self) -> float: ...
    @property
    def most_frames(self) -> int | None: ...
    @property
    def clip(self) -> int: ...
    @property
    def has_summary_tokens(self) -> bool: ...
    @property
    def summary_ratios(self) -> Sequence[int]: ...
    @property
    def has_token_grid(self) -> bool: ...
    @property
    def interval(self) -> int: ...
    @property
    def tokens_per_frame(self) -> int: ...
    @property
    def max_question_tokens(self) -> int: ...
    @property
    def context(self) -> int | None: ...
    @property
    def layer_shapes(self) -> Sequence[tuple[int, int]]: ...
    @property
    def images(self) -> ImageEncoder | None: ...
    @property
    def rotation(self) -> Rotation: ...
    @property
    def trained_window(self) -> int: ...

    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """The (height, width) a picture of this displayed size is resized to.

        Args:
            frames: how many the model will see of the film; None if that is not known.
            max_tokens: visual tokens that so many frames are to stay within. The least size of the family is
                given where they cannot.
        """

    def film_tokens(
        self,
        seconds: Tensor,
        height: int,
        width: int,
        film: int = 0,
        shrinker: TokenShrinker | None = None,
    ) -> FilmTokens:
        """What frames at these times, of a size that `frame_size` gave, become.

        Args:
            seconds: float64 (F,) ascending, F at least 1.
            film: number of the film among those of the memory.
            shrinker: what makes fewer tokens of them before the language model sees them.
        """

    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """Encode a block that starts at a multiple of `clip`; block size does not change the result.

        Args:
            unpooled: without the family's own pooling, for a shrinker that takes its place. Then the tokens
                have their `grid`.
        """

    def watcher(
        self,
        prefix_ids: Tensor,
        compressor: Compressor,
        resume: KeyValues | None = None,
        question: Tensor | None = None,
        window: RescaledWindow | None = None,
    ) -> Watcher:
        """Begin a memory, or go on with a copy of `resume`, which then already holds the prefix.

        A resumed memory starts a new interval with its first token, and has its `window` already.

        Args:
            question: int64 (q,), text by which a compressor chooses; see `AttentionCompressor`.
        """

    def generate(
        self,
        memory: KeyValues,
        ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[int]:
        """Yield new token ids, the end token excluded; greedy at temperature 0."""

    def generate_each(
        self, memory: KeyValues, texts: Sequence[Tensor], *, max_new_tokens: int
    ) -> list[list[int]]:
        """What `generate` yields greedily for each text, int64 (n,): all at once, equal up to rounding."""

    def attention_each(
        self, memory: KeyValues, texts: Sequence[Tensor], new_ids: Sequence[Sequence[int]]
    ) -> Sequence[Sequence[Tensor]]:
        """What `attention` gives for each text and its answer, all at once."""

    def attention(self, memory: KeyValues, ids: Tensor, new_ids: Sequence[int]) -> Sequence[Tensor]:
        """How the tokens of an answer attended to the memory when they were generated.

        Args:
            ids, new_ids: what `generate` was given and what it yielded, at least one token.

        Returns:
            Per layer, float32 (entries,), at least 0: the attention to each entry, summed over the heads that
            the family reads evidence from.
        """

    def identity(self) -> Mapping[str, str]:
        """Digests (sha256) over "config", "tokenizer" and "weights": equal for equal models only."""
