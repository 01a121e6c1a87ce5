"""From attention to spans: which seconds of a film an answer rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.answer import Evidence
from longreel.memory import VideoMemory
from longreel.pieces import Piece, piece_of_frame, piece_of_token, pieces_of

MOST_SPANS = 3
# A span reaches as far as its frames get at least this share of the attention its best frame gets.
_EDGE = 0.5
# Spans with less of the attention than this say little.
_LEAST = 0.05


def evidence_of(memory: VideoMemory, weights: Sequence[Tensor]) -> tuple[Evidence, ...]:
    """The spans that get most attention; see `EvidenceReader.spans`."""
    return EvidenceReader(memory).spans(weights)


def frame_shares(memory: VideoMemory, weights: Sequence[Tensor]) -> Tensor:
    """The share of attention each frame gets; see `EvidenceReader.shares`."""
    return EvidenceReader(memory).shares(weights)


class _Places(NamedTuple):
    """Which frames the entries of a layer stand for: from `first` on, up to before `end`, int64 (m,).

    shown: bool (n,), which of the entries do.
    """

    shown: Tensor
    first: Tensor
    end: Tensor


class EvidenceReader:
    """Reads the evidence of any number of answers from one memory; what they share is found once."""

    def __init__(self, memory: VideoMemory) -> None:
        self._memory = memory
        self._frames = memory.timeline.frames
        self._pieces = pieces_of(memory.header, memory.timeline)
        self._owner = piece_of_frame(self._pieces)
        self._ends = _frame_ends(self._frames, self._pieces)
        self._layers: dict[int, _Places] = {}

    def spans(self, weights: Sequence[Tensor]) -> tuple[Evidence, ...]:
        """The spans that get most attention, best first, at most `MOST_SPANS`.

        Args:
            weights: float32 (n,) for each layer, the attention each of its n entries gets.

        A span's score is its share of all attention to what was seen, 0 to 1. There is none if nothing was
        seen or attended to.
        """
        shares, frames = self.shares(weights), self._frames
        found: list[Evidence] = []
        while len(found) < MOST_SPANS and len(shares) and float(shares.max()) > 0:
            first, last = _around_peak(shares, self._owner)
            score = float(shares[first : last + 1].sum())
            if score < _LEAST:
                break
            start, end = float(frames[first]), float(max(self._ends[last], frames[last]))
            image = self._pieces[int(self._owner[first])].image
            found.append(Evidence(round(start, 3), round(end, 3), round(score, 4), image))
            shares = shares.clone()
            shares[first : last + 1] = 0.0
        return tuple(sorted(found, key=lambda span: -span.score))

    def shares(self, weights: Sequence[Tensor]) -> Tensor:
        """The share of attention each frame gets, float64 (frames,), sum 1, or 0 where nothing gets any.

        What an entry gets is divided among the frames it stands for.
        """
        change = torch.zeros(len(self._frames) + 1, dtype=torch.float64)
        for layer, weight in enumerate(weights):
            # Families that read few heads have nothing in most layers.
            if bool(weight.any()):
                shown, first, end = self._places(layer)
                each = weight.cpu().double()[shown] / (end - first)
                change.index_add_(0, first, each).index_add_(0, end, -each)
        shares = change.cumsum(0)[:-1].clamp(min=0.0)
        total = shares.sum()
        return shares / total if float(total) > 0 else shares

    def _places(self, layer: int) -> _Places:
        if layer not in self._layers:
            seconds = self._memory.seconds(layer)
            shown = ~seconds[:, 0].isnan()
            first, end = (
                _frames_before(self._frames, self._pieces, piece_of_token(self._pieces, token), times)
                for token, times in zip(self._memory.tokens_shown(layer), seconds[shown].T, strict=True)
            )
            end = end.maximum(first + 1).clamp(max=len(self._frames))
            self._layers[layer] = _Places(shown, first, end)
        return self._layers[layer]


def _frames_before(frames: Tensor, pieces: list[Piece], owner: Tensor, times: Tensor) -> Tensor:
    """How many frames come before times, each a time of the piece with the number in `owner`; int64."""
    found = torch.zeros(len(times), dtype=torch.int64)
    for number, piece in enumerate(pieces):
        first, end = piece.frames
        mine = owner == number
        found[mine] = first + torch.searchsorted(frames[first:end], times[mine].contiguous())
    return found


def _frame_ends(frames: Tensor, pieces: list[Piece]) -> Tensor:
    """When each frame leaves the screen: when the next of its piece comes or that ends."""
    ends = torch.cat((frames[1:], frames.new_zeros(1)))[: len(frames)]
    for piece in pieces:
        ends[piece.frames[1] - 1 : piece.frames[1]] = piece.until
    return ends


def _around_peak(shares: Tensor, owner: Tensor) -> tuple[int, int]:
    """First and last of the frames around the best one, of its piece, that are at least `_EDGE` as good."""
    peak = int(shares.argmax())
    good = ((shares >= _EDGE * shares[peak]) & (owner == owner[peak])).tolist()
    first = last = peak
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    return first, last
