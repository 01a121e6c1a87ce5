"""Stop strings, plainly: read a text letter by letter."""

from __future__ import annotations

from collections.abc import Sequence


def before_stop(text: str, stop: Sequence[str]) -> str:
    """The text up to where a stop string is first complete, without it; of several the longest goes."""
    for end in range(1, len(text) + 1):
        complete = [each for each in stop if text[:end].endswith(each)]
        if complete:
            return text[: end - max(len(each) for each in complete)]
    return text
