"""Which lines of subtitles stay where there is no room for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from longreel.errors import UsageError
from longreel.video.subtitle_lines import SubtitleLine


class KeptLines(NamedTuple):
    """Lines by their starts, how many were dropped, and the tokens of those that stayed."""

    lines: tuple[SubtitleLine, ...]
    dropped: int
    tokens: int


def transcript(lines: Sequence[SubtitleLine]) -> str:
    """The lines as one text, a row each, with the time at which they begin."""
    return "".join(map(transcript_row, lines))


def transcript_row(line: SubtitleLine) -> str:
    """A line as the transcript holds it: `1:05 text` and a line break."""
    minutes, seconds = divmod(int(line.start), 60)
    return f"{minutes}:{seconds:02d} {line.text}\n"


def fit_to_budget(
    lines: Sequence[SubtitleLine],
    count_tokens: Callable[[str], int],
    budget: int,
    *,
    as_text: Callable[[SubtitleLine], str] = transcript_row,
) -> KeptLines:
    """The lines that stay so that together they have at most `budget` tokens; none is cut.

    If all fit, all stay. Otherwise lines that alone exceed the budget go. Of the n that are left, numbered
    from 0 by time, lines floor((2 i + 1) n / 2 k) for i < k stay: the middles of k equal parts, so every
    stretch of the film keeps the same share of its lines. k is the largest number for which they fit.

    Args:
        lines: by their starts.
        count_tokens: tokens of a text. It is asked once for each line.
        as_text: the text of a line as the model will get it; what is put around it counts.

    Raises:
        UsageError: the budget is no whole number from 0 on.
    """
    if isinstance(budget, bool) or not isinstance(budget, Integral) or budget < 0:
        raise UsageError(
            f"a subtitle budget of {budget!r} is no number of tokens: give a whole number from 0 on"
        )
    costs = [count_tokens(as_text(line)) for line in lines]
    if sum(costs) <= budget:
        return KeptLines(tuple(lines), 0, sum(costs))
    small = [index for index, cost in enumerate(costs) if cost <= budget]
    small_costs = np.array([costs[index] for index in small], np.int64)
    for count in range(_most(costs, budget), 0, -1):
        places = _middles(len(small), count)
        tokens = int(small_costs[places].sum())
        if tokens <= budget:
            kept = tuple(lines[small[place]] for place in places)
            return KeptLines(kept, len(lines) - count, tokens)
    return KeptLines((), len(lines), 0)


def _middles(length: int, count: int) -> np.ndarray[Any, Any]:
    """`count` of `length` places, int64 (count,), in the middles of equal parts."""
    return (2 * np.arange(count) + 1) * length // (2 * count)


def _most(costs: Sequence[int], budget: int) -> int:
    """How many would fit if they were the shortest ones."""
    total = count = 0
    for cost in sorted(costs):
        total += cost
        if total > budget:
            break
        count += 1
    return count
