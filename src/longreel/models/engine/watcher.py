"""Watch a stream of visual tokens chunk by chunk."""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.compress.base import CacheCompressor
from longreel.compress.context_window import RescaledWindow
from longreel.key_values import KeyValues
from longreel.models.base import VisualTokens
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.prefill import Prefill


class ChunkWatcher:
    """Prefills every full chunk as soon as its tokens are there; see `Watcher`.

    Args:
        model: the language model, read only.
        prefix_ids: int64 (p,), text before the film; ignored when `resume` already holds it.
        compressor: says what is inserted into a chunk and what is kept of it.
        interval: visual tokens per chunk.
        resume: a memory that ends on the border of a chunk, to go on with.
        window: see `Prefill`.
    """

    def __init__(
        self,
        model: Decoder,
        prefix_ids: Tensor,
        compressor: CacheCompressor,
        interval: int,
        resume: KeyValues | None = None,
        window: RescaledWindow | None = None,
    ) -> None:
        self._compressor = compressor
        self._interval = interval
        self._waiting: VisualTokens | None = None
        self._behind = torch.empty(0, dtype=torch.int64)
        with torch.no_grad():
            self._prefill = Prefill(model, resume, window=window)
            if resume is None:
                self._prefill.text(prefix_ids)

    @property
    def closed_tokens(self) -> int:
        """Visual tokens in closed chunks, those of a resumed memory included."""
        return self._prefill.visual_tokens

    @torch.no_grad()
    def push(self, tokens: VisualTokens) -> None:
        """Take any number of tokens; full chunks are prefilled at once, the rest waits."""
        if not len(tokens):
            return
        if len(self._behind):
            tokens, self._behind = tokens.behind(self._behind), self._behind[:0]
        waiting = tokens if self._waiting is None else self._waiting.followed_by(tokens)
        while len(waiting) >= self._interval:
            self._prefill.visual(waiting[: self._interval], self._compressor)
            waiting = waiting[self._interval :]
        self._waiting = waiting

    @torch.no_grad()
    def text(self, ids: Tensor) -> None:
        """Text behind the tokens so far: it waits with them, if there are any that wait."""
        if self._waiting is not None and len(self._waiting):
            self._behind = torch.cat((self._behind, ids))
        else:
            self._say(ids)

    def checkpoint(self) -> KeyValues:
        """The memory of the closed chunks."""
        return self._prefill.key_values()

    @torch.no_grad()
    def finish(self) -> KeyValues:
        """Close the open chunk short and return the memory."""
        if self._waiting is not None and len(self._waiting):
            self._prefill.visual(self._waiting, self._compressor)
        self._say(self._behind)
        self._waiting, self._behind = None, self._behind[:0]
        return self._prefill.key_values()

    def _say(self, ids: Tensor) -> None:
        """In parts no longer than a chunk, so that a long text does not need more room than a film."""
        for part in ids.split(self._interval) if len(ids) else ():
            self._prefill.text(part)
