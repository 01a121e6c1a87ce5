"""Watch a stream of visual tokens chunk by chunk."""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.compress.base import Compressor
from longreel.compress.context_window import RescaledWindow
from longreel.compress.kinds import choosing
from longreel.key_values import KeyValues
from longreel.models.base import VisualTokens
from longreel.models.engine.cutting import ByFrames, ByTokens, Cutter
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
        depth: frames of a film that become one frame of tokens.
        question: int64 (q,), text by which the compressor chooses.
        window: see `Prefill`.
    """

    def __init__(
        self,
        model: Decoder,
        prefix_ids: Tensor,
        compressor: Compressor,
        interval: int,
        resume: KeyValues | None = None,
        *,
        depth: int = 1,
        question: Tensor | None = None,
        window: RescaledWindow | None = None,
    ) -> None:
        self._interval, self._depth = interval, depth
        self._question = question
        self._compressor, self._cutter = compressor, self._cutter_for(compressor)
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
        self._cutter.add(tokens)
        while (count := self._cutter.full()) is not None:
            self._prefill.visual(waiting[:count], self._compressor, self._question)
            waiting = waiting[count:]
        self._waiting = waiting

    @torch.no_grad()
    def text(self, ids: Tensor) -> None:
        """Text behind the tokens so far: it waits with them, if there are any that wait."""
        if self._waiting is not None and len(self._waiting):
            self._behind = torch.cat((self._behind, ids))
        else:
            self._say(ids)

    @torch.no_grad()
    def begin_film(self, compressor: Compressor) -> None:
        """See `Watcher`; a chunk of tokens reaches over films unless one of them has chunks of frames."""
        if choosing(compressor) is not None or choosing(self._compressor) is not None:
            self._close()
            self._cutter = self._cutter_for(compressor)
        self._compressor = compressor

    @torch.no_grad()
    def end_film(self) -> None:
        """See `Watcher`; chunks of frames end with their film, and what follows stands behind it."""
        if choosing(self._compressor) is not None:
            self._close()
            self._prefill.film_ends()

    def checkpoint(self) -> KeyValues:
        """The memory of the closed chunks."""
        return self._prefill.key_values()

    @torch.no_grad()
    def finish(self) -> KeyValues:
        """Close the open chunk short and return the memory."""
        self._close()
        return self._prefill.key_values()

    def _cutter_for(self, compressor: Compressor) -> Cutter:
        chooser = choosing(compressor)
        return ByTokens(self._interval) if chooser is None else ByFrames(chooser.chunk_frames, self._depth)

    def _close(self) -> None:
        """Close the open chunk short, and say what waits behind it."""
        if self._waiting is not None and len(self._waiting):
            self._prefill.visual(self._waiting, self._compressor, self._question)
        self._waiting = None
        self._cutter.clear()
        self._say(self._behind)
        self._behind = self._behind[:0]

    def _say(self, ids: Tensor) -> None:
        """In parts no longer than a chunk, so that a long text does not need more room than a film."""
        for part in ids.split(self._interval) if len(ids) else ():
            self._prefill.text(part)
