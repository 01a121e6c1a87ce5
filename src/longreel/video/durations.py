"""How long a film is, from whatever its container tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import av


def told_duration(container: Any, stream: Any, tick: float) -> float | None:
    """Seconds from the first frame to the end of the last one; None if the container does not tell."""
    if stream.duration and stream.duration > 0:
        return float(stream.duration * tick)
    start = (stream.start_time or 0) * tick
    tag = _tagged_duration(stream.metadata)
    if tag is not None and tag > start:
        return tag - start
    # With sound beside it, the length of the whole says little about the pictures.
    if len(container.streams) > 1 or not container.duration or container.duration <= 0:
        return None
    whole = float(container.duration / av.time_base)
    # Matroska counts from 0 also where the first frame is later.
    return whole - start if container.format.name.startswith("matroska") and whole > start else whole


def _tagged_duration(metadata: dict[str, str]) -> float | None:
    """Matroska's statistics: DURATION=00:10:00.040000000."""
    text = next((value for key, value in metadata.items() if key.upper().startswith("DURATION")), "")
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", text.strip())
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def measured_duration(packets: Iterable[Any], tick: float, step: float) -> float | None:
    """Seconds from the first to the end of the last packet; without times, they count as `step` apart."""
    first: float | None = None
    last: float | None = None
    count = 0
    for packet in packets:
        count += packet.size > 0
        if packet.pts is not None:
            begin = packet.pts * tick
            end = begin + (packet.duration or 0) * tick
            first = begin if first is None else min(first, begin)
            last = end if last is None else max(last, end)
    if first is None or last is None or last <= first:
        return count * step if count else None
    return last - first
