"""A model that encodes the frames of a film once, however often it watches it."""

from __future__ import annotations

from hashlib import blake2b

from torch import Tensor

from longreel.models.base import FilmPart, ModelAdapter, VisualTokens
from longreel.models.stand_in import StandIn
from longreel.video.frames import Frames

# Bytes of visual tokens that are held; what is beyond is encoded anew.
_MOST_BYTES = 2**31


class SeenOnce(StandIn):
    """That model, with its frames held.

    Blocks of frames are told apart by their pixels, times and place, so other frames of the same film are
    other blocks. For one thread.
    """

    def __init__(self, adapter: ModelAdapter) -> None:
        super().__init__(adapter)
        self._held: dict[bytes, VisualTokens] = {}
        self._bytes = 0

    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """See `ModelAdapter`."""
        key = _key(frames, part, unpooled)
        if key in self._held:
            return self._held[key]
        tokens = self._adapter.encode(frames, part, unpooled=unpooled)
        size = _size(tokens)
        if self._bytes + size <= _MOST_BYTES:
            self._held[key] = tokens
            self._bytes += size
        return tokens

    def forget(self) -> None:
        """The film is over."""
        self._held, self._bytes = {}, 0


def _key(frames: Frames, part: FilmPart, unpooled: bool) -> bytes:
    digest = blake2b(repr((part, unpooled, tuple(frames.pixels.shape))).encode())
    digest.update(frames.seconds.contiguous().numpy().data)
    digest.update(frames.pixels.contiguous().numpy().data)
    return digest.digest()


def _size(tokens: VisualTokens) -> int:
    return sum(value.nbytes for value in vars(tokens).values() if isinstance(value, Tensor))
