"""Watch a stream of visual tokens interval by interval."""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.compress.base import CacheCompressor
from longreel.key_values import KeyValues
from longreel.models.base import VisualTokens
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.models.video_xl.prefill import Prefill


class IntervalWatcher:
    """Prefills every full interval as soon as its tokens are there; see `Watcher`.

    Args:
        model: the language model, read only.
        prefix_ids: int64 (p,), text before the film; ignored when `resume` already holds it.
        compressor: says what is inserted into an interval and what is kept of it.
        interval: visual tokens per interval.
        resume: a memory that ends on an interval border, to go on with.
    """

    def __init__(
        self,
        model: SummaryTokenLM,
        prefix_ids: Tensor,
        compressor: CacheCompressor,
        interval: int,
        resume: KeyValues | None = None,
    ) -> None:
        self._compressor = compressor
        self._interval = interval
        self._waiting = torch.empty(0, model.config.hidden_size, dtype=model.dtype)
        with torch.no_grad():
            self._prefill = Prefill(model, resume)
            if resume is None:
                self._prefill.text(prefix_ids)

    @property
    def closed_tokens(self) -> int:
        """Visual tokens in closed intervals, those of a resumed memory included."""
        return self._prefill.visual_tokens

    @torch.no_grad()
    def push(self, tokens: VisualTokens) -> None:
        """Take any number of tokens; full intervals are prefilled at once, the rest waits."""
        self._waiting = torch.cat((self._waiting, tokens.embeddings.to(self._waiting)))
        while len(self._waiting) >= self._interval:
            self._close(self._waiting[: self._interval])
            self._waiting = self._waiting[self._interval :]

    def checkpoint(self) -> KeyValues:
        """The memory of the closed intervals."""
        return self._prefill.key_values()

    @torch.no_grad()
    def finish(self) -> KeyValues:
        """Close the open interval short and return the memory."""
        if len(self._waiting):
            self._close(self._waiting)
            self._waiting = self._waiting[:0]
        return self._prefill.key_values()

    def _close(self, embeddings: Tensor) -> None:
        self._prefill.visual(embeddings, self._compressor)
