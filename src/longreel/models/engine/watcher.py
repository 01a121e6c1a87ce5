"""Watch a stream of visual tokens chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from longreel.compress.base import ChunkCompressor, Compressor, FilmCompressor
from longreel.compress.closed_intervals import ClosedIntervals
from longreel.compress.context_window import RescaledWindow
from longreel.compress.distances import chunk_changes
from longreel.compress.kinds import choosing, condensing
from longreel.compress.summary_tokens import SummaryTokens
from longreel.key_values import KeyValues
from longreel.models.base import VisualTokens
from longreel.models.engine.cutting import ByFrames, ByTokens, Cutter, cutter_of
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.prefill import Prefill


class ChunkWatcher:
    """Prefills every full chunk as soon as its tokens are there; see `Watcher`.

    Args:
        model: the language model, read only.
        prefix_ids: int64 (p,), text before the film; ignored when `resume` already holds it.
        compressor: says what is inserted into a chunk and what is kept of it; one that has to be fitted to a
            film comes with `begin_film`.
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
        self._compressor: Compressor | FilmCompressor = compressor
        self._cutter = self._cutter_for(compressor)
        self._intervals = ClosedIntervals((resume.intervals or ()) if resume is not None else ())
        self._waiting: VisualTokens | None = None
        # Full chunks of a film that is held until its end.
        self._held: list[VisualTokens] = []
        self._behind = torch.empty(0, dtype=torch.int64)
        with torch.no_grad():
            self._prefill = Prefill(model, resume, window=window)
            if resume is None:
                self._prefill.text(prefix_ids)

    @property
    def closed_tokens(self) -> int:
        """Visual tokens in closed chunks, those held and those of a resumed memory included."""
        return self._prefill.visual_tokens + sum(map(len, self._held))

    @torch.no_grad()
    def push(self, tokens: VisualTokens) -> None:
        """Take any number of tokens; full chunks are prefilled at once or held, the rest waits."""
        if not len(tokens):
            return
        if len(self._behind):
            tokens, self._behind = tokens.behind(self._behind), self._behind[:0]
        waiting = tokens if self._waiting is None else _followed(self._waiting, tokens)
        self._cutter.add(tokens)
        self._waiting = waiting
        self._close_full()

    def look_back(self, tokens: VisualTokens) -> None:
        """See `Watcher`."""
        if len(tokens):
            self._cutter.look_back(tokens)

    @torch.no_grad()
    def text(self, ids: Tensor) -> None:
        """Text behind the tokens so far: it waits with them, if there are any that wait."""
        if self._held or (self._waiting is not None and len(self._waiting)):
            self._behind = torch.cat((self._behind, ids))
        else:
            self._say(ids)

    @torch.no_grad()
    def begin_film(self, compressor: FilmCompressor, held: int = 0) -> None:
        """See `Watcher`; a chunk of tokens reaches over films unless one of them has chunks of its own."""
        if _has_own_chunks(compressor) or _has_own_chunks(self._compressor):
            self._close()
            self._cutter = self._cutter_for(compressor)
        self._compressor = compressor
        self._intervals.begin_film(held)

    @torch.no_grad()
    def end_film(self) -> None:
        """See `Watcher`; a film's own chunks end with it, and what follows stands behind it."""
        if _has_own_chunks(self._compressor):
            self._close()
        if choosing(self._compressor) is not None:
            self._prefill.film_ends()

    def checkpoint(self) -> KeyValues:
        """The memory of the closed chunks."""
        held = self._prefill.key_values()
        return replace(held, intervals=self._intervals.all) if self._intervals.all else held

    @torch.no_grad()
    def finish(self) -> KeyValues:
        """Close the open chunk short and return the memory."""
        self._close()
        return self.checkpoint()

    def _cutter_for(self, compressor: Compressor | FilmCompressor) -> Cutter:
        film = condensing(compressor)
        if film is not None:
            return cutter_of(film, self._interval)
        chooser = choosing(compressor)
        return ByTokens(self._interval) if chooser is None else ByFrames(chooser.chunk_frames, self._depth)

    def _let_go(self) -> None:
        """Prefill the chunks that were held, each by its share."""
        chooser = choosing(self._compressor)
        if chooser is None or not self._held:
            return
        held, self._held = self._held, []
        shares = chooser.allotted([len(chunk) for chunk in held], chunk_changes(list(map(_frames, held))))
        for chunk, share in zip(held, shares, strict=True):
            self._prefill.visual(chunk, share, self._question)

    def _close(self) -> None:
        """Close the open chunk short, let go of what was held, and say what waits behind."""
        self._cutter.end()
        self._close_full()
        if self._waiting is not None and len(self._waiting):
            self._visual(self._waiting)
        self._let_go()
        self._waiting = None
        self._cutter.clear()
        self._say(self._behind)
        self._behind = self._behind[:0]

    def _close_full(self) -> None:
        """Prefill every chunk that is full, or hold it."""
        while (count := self._cutter.full()) is not None:
            assert self._waiting is not None
            self._visual(self._waiting[:count])
            self._waiting = self._waiting[count:]

    def _visual(self, tokens: VisualTokens) -> None:
        chooser = choosing(self._compressor)
        if chooser is not None and chooser.needs_film:
            self._held.append(tokens)
            return
        self._prefill.visual(tokens, self._compressor_of(len(tokens)), self._question)

    def _compressor_of(self, tokens: int) -> ChunkCompressor:
        """What a chunk of so many tokens is given to."""
        film = condensing(self._compressor)
        if film is None:
            return self._compressor  # type: ignore[return-value]
        return SummaryTokens(self._intervals.close(film, tokens).ratio)

    def _say(self, ids: Tensor) -> None:
        """In parts no longer than a chunk, so that a long text does not need more room than a film."""
        for part in ids.split(self._interval) if len(ids) else ():
            self._prefill.text(part)


def _has_own_chunks(compressor: Compressor | FilmCompressor) -> bool:
    """Whether chunks end with each film."""
    return choosing(compressor) is not None or condensing(compressor) is not None


def _followed(waiting: VisualTokens, tokens: VisualTokens) -> VisualTokens:
    """Both, with frames counted through: those of a block may have the numbers of the one before."""
    if not len(waiting):
        return tokens
    number = tokens.frame - tokens.frame[0] + waiting.frame[-1] + 1
    return waiting.followed_by(replace(tokens, frame=number))


def _frames(chunk: VisualTokens) -> Sequence[Tensor]:
    """Of each frame of a chunk its tokens, (tokens, width)."""
    frames: tuple[Tensor, ...] = chunk.embeddings.split(chunk.frame_counts)
    return frames
