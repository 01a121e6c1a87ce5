"""Means over classes, counted one value at a time."""

from __future__ import annotations

from collections.abc import Sequence


def class_mean(values: Sequence[tuple[float, Sequence[str]]]) -> float:
    """The mean over classes of the mean of each class's values.

    Args:
        values: a value and the classes it belongs to.
    """
    names = []
    for _, classes in values:
        for name in classes:
            if name not in names:
                names.append(name)
    total = 0.0
    for name in names:
        members = []
        for value, classes in values:
            if name in classes:
                members.append(value)
        total += sum(members) / len(members)
    return total / len(names)
