"""Borders by depth, gap by gap, over the similarities of a whole film (Video-XL, specification section c)."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction


def climbed(similarity, gap, farthest):
    """The highest similarity reached from `gap` towards `farthest` on a way that never falls."""
    step = 1 if farthest >= gap else -1
    peak = similarity[gap]
    for end in range(gap, farthest + step, step):
        way = [similarity[i] for i in range(gap, end + step, step)]
        if all(a <= b for a, b in itertools.pairwise(way)):
            peak = similarity[end]
    return peak


def depths(similarity, history, look_ahead):
    found = []
    for gap in range(len(similarity)):
        left = climbed(similarity, gap, max(0, gap - (history - 1)))
        right = climbed(similarity, gap, min(len(similarity) - 1, gap + look_ahead))
        found.append(left + right - 2 * similarity[gap])
    return found


def intervals(depth, rule):
    """Lists of the frames of each interval; there is a frame before every gap, and one behind the last."""
    frames, closed, ends_soon = [], [], False
    for gap in range(len(depth)):
        frames.append(gap)
        recent = depth[max(0, gap - rule.history + 1) : gap + 1]
        mean = sum(recent) / len(recent)
        border = False
        if len(recent) > 1:
            spread = math.sqrt(sum((d - mean) ** 2 for d in recent) / (len(recent) - 1))
            # The last term is what float32 may be wrong by.
            border = depth[gap] > mean + rule.sharpness * spread + 1e-6
        ends_soon = ends_soon or (border and len(frames) >= rule.shortest)
        if len(frames) == rule.longest or (ends_soon and len(frames) % rule.step == 0):
            closed.append(frames)
            frames, ends_soon = [], False
    return [*closed, [*frames, len(depth)]]


def ratios(lengths, fraction, known, full):
    """The ratio of each interval, of so many visual tokens, kept in a purse that starts empty."""
    purse, chosen = Fraction(0), []
    for length in lengths:
        purse += fraction * length
        affordable = []
        for ratio in known:
            summaries = sum(1 for token in range(1, length + 1) if token % ratio == 0)
            if summaries <= purse * (1 - Fraction(length, 2 * full)):
                affordable.append(ratio)
        ratio = min(affordable) if affordable else max(known)
        purse -= length // ratio
        chosen.append(ratio)
    return chosen
