"""Merging of neighbouring frames written down plainly (MA-LMM): one pair, one patch, one number at a time."""

from __future__ import annotations

import itertools

from tests.oracles.dpselect import distance


def merged(features, keep, hard):
    """Stretches (first, last) and their features, of lists features[t][n][d] merged alike in all patches."""
    frames = [{"first": t, "last": t, "is": frame} for t, frame in enumerate(features)]
    while len(frames) > keep:
        gaps = [
            sum(distance(a, b) for a, b in zip(one["is"], other["is"], strict=True)) / len(one["is"])
            for one, other in itertools.pairwise(frames)
        ]
        at = gaps.index(min(gaps))
        one, other = frames[at], frames[at + 1]
        sizes = [part["last"] - part["first"] + 1 for part in (one, other)]
        mean = [
            [(x * sizes[0] + y * sizes[1]) / sum(sizes) for x, y in zip(a, b, strict=True)]
            for a, b in zip(one["is"], other["is"], strict=True)
        ]
        joined = {"first": one["first"], "last": other["last"], "is": other["is"] if hard else mean}
        frames[at : at + 2] = [joined]
    return frames
