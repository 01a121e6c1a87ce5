"""In which order samples of several files come: decided by a seed, and known for every place at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Pick(NamedTuple):
    """A sample: which file, and its number in it."""

    file: int
    number: int


class Mixture:
    """`draws` samples of files mixed by weights.

    Each file gets its share of the draws, to the nearest whole number, at places shuffled over the whole run;
    its samples come in a shuffled order, all of them before one comes again. A place tells its sample without
    those before it, so a run that goes on, or is shared by processes, sees the same ones.

    Args:
        sizes: samples of each file, at least 1.
        weights: of each file; None for its number of samples, which shows every sample of such files equally
            often.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float | None], draws: int, seed: int) -> None:
        self._sizes, self._seed = tuple(sizes), seed
        told = [size if weight is None else weight for size, weight in zip(sizes, weights, strict=True)]
        counts = _shares(np.array(told, np.float64), draws)
        self._files = np.repeat(np.arange(len(sizes)), counts)
        np.random.default_rng(seed).shuffle(self._files)
        self._turns = np.zeros(draws, np.int64)
        for file, count in enumerate(counts):
            self._turns[self._files == file] = np.arange(count)
        self._order = lru_cache(maxsize=2 * len(sizes))(self._shuffled)

    def __len__(self) -> int:
        return len(self._files)

    def pick(self, place: int, attempt: int = 0) -> Pick:
        """The sample at a place, or, where that was bad, the one `attempt` behind it in its file's order."""
        file = int(self._files[place])
        size = self._sizes[file]
        round_, turn = divmod(int(self._turns[place]), size)
        return Pick(file, int(self._order(file, round_)[(turn + attempt) % size]))

    def _shuffled(self, file: int, round_: int) -> NDArray[np.int64]:
        order: NDArray[np.int64] = np.random.default_rng((self._seed, file, round_)).permutation(
            self._sizes[file]
        )
        return order


def _shares(weights: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Whole numbers in proportion to weights, `total` in all; the largest remainders are rounded up."""
    exact = weights / weights.sum() * total
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    first = np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]
    counts[first] += 1
    return counts
