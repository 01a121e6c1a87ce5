"""DPSelect written down plainly (ReTaKe, section 3.2): one frame, one patch, one number at a time."""

from __future__ import annotations

import itertools
import math


def distance(a, b):
    """1 - cos of two lists of numbers; the cosine with a zero vector is 0."""
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return 1.0 if lengths == 0 else 1.0 - dot / lengths


def patch_distances(features):
    """D[t][n] of nested lists features[t][n][d]."""
    table = [[1.0 for _ in features[0]]]
    for before, frame in itertools.pairwise(features):
        table.append([distance(a, b) for a, b in zip(before, frame, strict=True)])
    return table


def frame_means(table):
    return [sum(row) / len(row) for row in table]


def is_peak(distances, t, window):
    """Whether t is the first of the largest values among those of the window that exist."""
    around = range(max(0, t - window // 2), min(len(distances), t + window // 2 + 1))
    highest = max(distances[i] for i in around)
    return t == next(i for i in around if distances[i] == highest)


def selected(distances, keep, window):
    """Pick frames one by one: a peak before any other, then the largest distance, then the earliest."""
    left = list(range(len(distances)))
    peaks = [is_peak(distances, t, window) for t in left]
    picked = []
    while len(picked) < keep:
        candidates = [t for t in left if peaks[t]] or left
        highest = max(distances[t] for t in candidates)
        choice = next(t for t in candidates if distances[t] == highest)
        picked.append(choice)
        left.remove(choice)
    return sorted(picked), peaks
