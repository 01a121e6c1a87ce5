"""Between encoder and prefill: frames are looked at as the language model would see them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from longreel.compress.base import MarkingSelector
from longreel.errors import UsageError
from longreel.models.base import VisualTokens


class EvenFrames:
    """Frames of one film, all of equally many tokens."""

    def __init__(self) -> None:
        self._patches = 0

    def of(self, tokens: VisualTokens) -> Tensor:
        """(F, N, D) of the tokens of F whole frames.

        Raises:
            UsageError: their numbers of tokens differ.
        """
        counts = tokens.frame_counts
        self._patches = self._patches or counts[0]
        if any(count != self._patches for count in counts):
            raise UsageError(
                "keyframes are chosen among frames of equally many visual tokens, and those of this film "
                "differ: leave out either keyframes or what makes frames differ"
            )
        return tokens.embeddings.reshape(len(counts), self._patches, -1)


class FeatureStage:
    """Visual tokens of one film go in, and come out with those of keyframes marked.

    They come out in whole frames and in order, as soon as the selector is certain about them.
    """

    def __init__(self, selector: MarkingSelector) -> None:
        self._stream = selector.stream()
        self._even = EvenFrames()
        self._waiting: VisualTokens | None = None

    def push(self, tokens: VisualTokens) -> VisualTokens | None:
        """Take tokens of whole frames; returns those that are certain, None if there are none."""
        if not len(tokens):
            return None
        self._waiting = tokens if self._waiting is None else self._waiting.followed_by(tokens)
        return self._marked(self._stream.push(self._even.of(tokens)))

    def end(self) -> VisualTokens | None:
        """The film is over: all that is left."""
        return self._marked(self._stream.end())

    def _marked(self, pivots: Tensor) -> VisualTokens | None:
        if not len(pivots):
            return None
        assert self._waiting is not None
        frames, patches = pivots.shape
        certain, self._waiting = self._waiting[: frames * patches], self._waiting[frames * patches :]
        # Counted anew: they may be of several blocks.
        number = torch.arange(frames).repeat_interleave(patches)
        return replace(certain, frame=number, pivot=pivots.flatten().cpu())
