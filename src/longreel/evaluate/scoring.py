"""Shares of right answers with intervals over films, the best constant answer, and paired differences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Mark:
    """One answer: about which film, of which family, what was asked, the gold, and whether it was right."""

    film: str
    family: str
    question: str
    gold: str
    right: bool


@dataclass(frozen=True)
class Cell:
    """A share of right answers.

    interval: 95 %, by drawing whole films with replacement, as answers about one film go together; None
    for a single film. constant: the share of the best constant answer, chosen per family.
    """

    questions: int
    films: int
    share: float
    interval: tuple[float, float] | None
    constant: float


@dataclass(frozen=True)
class Difference:
    """How much larger the share right is than under the baseline, over the same questions."""

    questions: int
    difference: float
    interval: tuple[float, float] | None


def cell(marks: Sequence[Mark]) -> Cell:
    """The share right of at least one answer."""
    films = _sums((mark.film, float(mark.right)) for mark in marks)
    golds: dict[str, Counter[str]] = defaultdict(Counter)
    for mark in marks:
        golds[mark.family][mark.gold] += 1
    constant = sum(counts.most_common(1)[0][1] for counts in golds.values())
    share = sum(mark.right for mark in marks) / len(marks)
    return Cell(len(marks), len(films), share, _interval(films), constant / len(marks))


def difference(marks: Sequence[Mark], baseline: Sequence[Mark]) -> Difference | None:
    """Compare the answers to questions that both have; None if there are none."""
    theirs = {_key(mark): mark.right for mark in baseline}
    gains = [(mark.film, float(mark.right) - theirs[_key(mark)]) for mark in marks if _key(mark) in theirs]
    if not gains:
        return None
    mean = sum(gain for _, gain in gains) / len(gains)
    return Difference(len(gains), mean, _interval(_sums(gains)))


def _key(mark: Mark) -> Hashable:
    return mark.film, mark.family, mark.question


def _sums(values: Iterable[tuple[str, float]]) -> Mapping[str, tuple[float, int]]:
    """By film, the sum of its values and how many there are."""
    sums: dict[str, tuple[float, int]] = {}
    for film, value in values:
        total, count = sums.get(film, (0.0, 0))
        sums[film] = total + value, count + 1
    return sums


def _interval(films: Mapping[str, tuple[float, int]]) -> tuple[float, float] | None:
    if len(films) < 2:
        return None
    table = np.array(list(films.values()))
    drawn = np.random.default_rng(0).integers(len(table), size=(RESAMPLES, len(table)))
    sums = table[drawn].sum(1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], INTERVAL)
    return float(low), float(high)
