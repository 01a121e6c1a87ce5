"""PivotKV written down plainly (ReTaKe, section 3.3): one head, one query, one key at a time."""

from __future__ import annotations

import math
from fractions import Fraction


def attention_received(query, key):
    """Column sums of the full softmax, mean over heads; query[h][i], key[g][j] are lists of numbers."""
    heads, tokens, width = len(query), len(query[0]), len(query[0][0])
    per_group = heads // len(key)
    received = [0.0] * tokens
    for h in range(heads):
        for i in range(tokens):
            logits = []
            for j in range(tokens):
                dot = sum(a * b for a, b in zip(query[h][i], key[h // per_group][j], strict=True))
                logits.append(dot / math.sqrt(width))
            top = max(logits)
            weights = [math.exp(logit - top) for logit in logits]
            for j in range(tokens):
                received[j] += weights[j] / sum(weights) / heads
    return received


def tokens_to_keep(scores, keep, pivots):
    """Pick tokens one by one: a pivot before any other, then the highest score, then the earliest."""
    left = list(range(len(scores)))
    picked = []
    for _ in range(keep):
        candidates = [j for j in left if pivots[j]] or left
        highest = max(scores[j] for j in candidates)
        choice = next(j for j in candidates if scores[j] == highest)
        picked.append(choice)
        left.remove(choice)
    return sorted(picked)


def squeezed_times(times, kept, keep_fraction: Fraction):
    first = min(times[j] for j in kept)
    return [first + math.trunc((times[j] - first) * keep_fraction) for j in kept]
