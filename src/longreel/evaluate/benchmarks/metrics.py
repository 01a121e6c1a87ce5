"""Means over units, plain or class by class, with intervals over videos, and differences to a baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longreel.evaluate.benchmarks.base import Metric, Unit
from longreel.evaluate.scoring import INTERVAL, RESAMPLES

_ALL = ("",)


@dataclass(frozen=True)
class Mean:
    """A metric's value.

    units: how many values it is the mean of. interval: 95 %, by drawing whole videos with replacement, as
    answers about one video go together; None for a single video.
    """

    value: float
    units: int
    videos: int
    interval: tuple[float, float] | None


def mean_of(units: Sequence[Unit], metric: Metric) -> Mean | None:
    """The metric of these units; None if there is none of them."""
    if not units:
        return None
    table = _sums(units, metric.classes)
    value = float(_class_mean(table.sum(0, keepdims=True))[0])
    return Mean(metric.scale * value, len(units), len(table), _interval(table, metric.scale))


def means_by(units: Sequence[Unit], tag: str, metric: Metric) -> dict[str, Mean]:
    """For every value of a tag, the mean of its units; a unit with several values counts in each.

    Where the metric is a mean over classes, so are these: VNBench's `ret` is the mean of its three types.
    """
    found: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        for value in _values(unit, tag):
            found[value].append(unit)
    classes = None if tag == metric.classes else metric.classes
    each = Metric(metric.name, metric.units, classes, metric.scale)
    means = {value: mean_of(some, each) for value, some in found.items()}
    return {value: mean for value, mean in means.items() if mean is not None}


def difference_of(units: Sequence[Unit], baseline: Sequence[Unit], metric: Metric) -> Mean | None:
    """How much larger the metric is than under the baseline, over the units that both have."""
    theirs = {unit.id: unit.value for unit in baseline}
    gains = [
        Unit(unit.id, unit.film, unit.value - theirs[unit.id], unit.tags)
        for unit in units
        if unit.id in theirs
    ]
    return mean_of(gains, metric)


def _sums(units: Sequence[Unit], classes: str | None) -> np.ndarray:
    """By video and class, the sum of values and how many there are: float64 (videos, classes, 2)."""
    films: dict[str, int] = {}
    names: dict[str, int] = {}
    cells: dict[tuple[int, int], tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for unit in units:
        film = films.setdefault(unit.film, len(films))
        for name in _ALL if classes is None else _values(unit, classes):
            place = film, names.setdefault(name, len(names))
            total, count = cells[place]
            cells[place] = total + unit.value, count + 1
    table = np.zeros((len(films), len(names), 2))
    for (film, number), (total, count) in cells.items():
        table[film, number] = total, count
    return table


def _class_mean(sums: np.ndarray) -> np.ndarray:
    """(n, classes, 2) to (n,): the mean over the classes that have units."""
    counts = sums[..., 1]
    means = np.divide(sums[..., 0], counts, out=np.zeros_like(counts), where=counts > 0)
    return np.asarray(means.sum(1) / (counts > 0).sum(1))


def _interval(table: np.ndarray, scale: float) -> tuple[float, float] | None:
    """Drawn videos as how often each was drawn, so that memory does not grow with the classes."""
    videos = len(table)
    if videos < 2:
        return None
    drawn = np.random.default_rng(0).multinomial(videos, np.full(videos, 1 / videos), size=RESAMPLES)
    sums = (drawn @ table.reshape(videos, -1)).reshape(RESAMPLES, -1, 2)
    low, high = np.quantile(_class_mean(sums), INTERVAL)
    return scale * float(low), scale * float(high)


def _values(unit: Unit, tag: str) -> Sequence[str]:
    value = unit.tags.get(tag, ())
    return (value,) if isinstance(value, str) else value
