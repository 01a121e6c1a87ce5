"""Which lines stay within a budget, tried out from all of them down to none."""

from __future__ import annotations

import math
from collections.abc import Sequence


def kept_lines(costs: Sequence[int], budget: int) -> list[int]:
    """Indices that stay: the middles of the largest number of equal parts that fits."""
    if sum(costs) <= budget:
        return list(range(len(costs)))
    small = []
    for index in range(len(costs)):
        if costs[index] <= budget:
            small.append(index)
    for parts in range(len(small), 0, -1):
        kept = []
        for part in range(parts):
            first, last = part * len(small) / parts, (part + 1) * len(small) / parts
            # Rounded first, as a middle on a whole number may come out a hair below it.
            kept.append(small[math.floor(round((first + last) / 2, 9))])
        total = 0
        for index in kept:
            total += costs[index]
        if total <= budget:
            return kept
    return []
