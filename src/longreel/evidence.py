"""From attention to spans: which seconds of a film an answer rests on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longreel.answer import Evidence
from longreel.memory import VideoMemory

MOST_SPANS = 3
# A span reaches as far as its frames get at least this share of the attention its best frame gets.
_EDGE = 0.5
# Spans with less of the attention than this say little.
_LEAST = 0.05


def evidence_of(memory: VideoMemory, weights: Sequence[Tensor]) -> tuple[Evidence, ...]:
    """The spans that get most attention, best first, at most `MOST_SPANS`.

    Args:
        weights: float32 (n,) for each layer, the attention each of its n entries gets.

    A span's score is its share of all attention to what was seen, 0 to 1. There is none if nothing was
    seen or attended to.
    """
    shares = frame_shares(memory, weights)
    frames = memory.timeline.frames
    ends = torch.cat((frames[1:], frames.new_tensor([source.until for source in memory.header.sources[-1:]])))
    found: list[Evidence] = []
    while len(found) < MOST_SPANS and len(shares) and float(shares.max()) > 0:
        first, last = _around_peak(shares)
        score = float(shares[first : last + 1].sum())
        if score < _LEAST:
            break
        start, end = float(frames[first]), float(max(ends[last], frames[last]))
        found.append(Evidence(round(start, 3), round(end, 3), round(score, 4)))
        shares = shares.clone()
        shares[first : last + 1] = 0.0
    return tuple(sorted(found, key=lambda span: -span.score))


def frame_shares(memory: VideoMemory, weights: Sequence[Tensor]) -> Tensor:
    """The share of attention each frame gets, float64 (frames,), sum 1, or 0 where nothing gets any.

    What an entry gets is divided among the frames it stands for.
    """
    frames = memory.timeline.frames
    change = torch.zeros(len(frames) + 1, dtype=torch.float64)
    for layer, weight in enumerate(weights):
        seconds = memory.seconds(layer)
        shown = ~seconds[:, 0].isnan()
        first = torch.searchsorted(frames, seconds[shown, 0])
        last = torch.searchsorted(frames, seconds[shown, 1]).maximum(first + 1).clamp(max=len(frames))
        each = weight.cpu().double()[shown] / (last - first)
        change.index_add_(0, first, each).index_add_(0, last, -each)
    shares = change.cumsum(0)[:-1].clamp(min=0.0)
    total = shares.sum()
    return shares / total if float(total) > 0 else shares


def _around_peak(shares: Tensor) -> tuple[int, int]:
    """First and last of the frames around the best one that are at least `_EDGE` as good."""
    peak = int(shares.argmax())
    good = (shares >= _EDGE * shares[peak]).tolist()
    first = last = peak
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    return first, last
