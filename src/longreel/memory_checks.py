"""Whether what a memory file holds fits together.

Hashes tell that nothing was changed since the file was written. They do not tell that what was written
makes sense: whoever edits a header can write new hashes too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.header import Header
from longreel.key_values import TEXT, LayerMemory
from longreel.timeline import Timeline

LAYER_PARTS = frozenset({"keys", "values", "positions", "token"})
TIMELINE_PARTS = frozenset({"frames", "first", "last", "tokens"})


def check_timeline(timeline: Timeline, header: Header) -> None:
    """Compare the times with the header.

    Raises:
        ValueError: they contradict each other.
    """
    times = (timeline.frames, timeline.first, timeline.last)
    _require(all(part.dtype == torch.float64 for part in times), "its times are no seconds")
    _require(all(part.ndim == 1 for part in vars(timeline).values()), "its times are no lists")
    _require(timeline.tokens.dtype == torch.int64, "its runs of tokens are no counts")
    _require(all(bool(part.isfinite().all()) for part in times), "its times are not finite")
    _require(_ascending(timeline.frames), "its times do not ascend")
    _require(
        len(timeline.first) == len(timeline.last) == len(timeline.tokens), "its runs of tokens lack times"
    )
    _require(bool((timeline.tokens > 0).all()), "its runs of tokens are no counts")
    total = int(timeline.tokens.sum())
    _require(total == header.visual_tokens, f"times of {total:,} visual tokens, not {header.visual_tokens:,}")
    frames = sum(source.frames_encoded for source in header.sources)
    _require(frames == len(timeline.frames), f"times of {len(timeline.frames):,} frames, not {frames:,}")
    counts = [source.visual_tokens for source in header.sources]
    known = [count for count in counts if count is not None]
    if len(known) == len(counts) or not all(source.is_film for source in header.sources):
        told = sum(known)
        _require(told == total, f"films and images of {told:,} visual tokens, not {total:,}")


def check_layer(layer: LayerMemory, number: int, header: Header) -> None:
    """Compare a layer with the header.

    Raises:
        ValueError: they contradict each other.
    """
    where, count = f"layer {number}", header.kept[number]
    _require(layer.keys.ndim == 3 and layer.keys.shape == layer.values.shape, f"{where} has odd shapes")
    _require(layer.keys.shape[1] == count, f"{where} has {layer.keys.shape[1]:,} entries, not {count:,}")
    _require(layer.positions.shape in ((count,), (3, count)), f"{where} lacks positions")
    _require(layer.token.shape == (count,), f"{where} lacks times")
    kinds = layer.keys.dtype.is_floating_point and layer.values.dtype == layer.keys.dtype
    _require(kinds, f"{where} has no numbers of one kind")
    _require(layer.positions.dtype == layer.token.dtype == torch.int64, f"{where} has odd positions")
    _require(
        _within(layer.positions, 0, header.end or header.next_position),
        f"{where} has positions behind its end",
    )
    _require(_within(layer.token, TEXT, header.visual_tokens), f"{where} stands for tokens that it lacks")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _ascending(times: Tensor) -> bool:
    return bool((times.diff() >= 0).all())


def _within(numbers: Tensor, least: int, end: int) -> bool:
    return not numbers.numel() or (int(numbers.min()) >= least and int(numbers.max()) < end)
