"""The batches of a training: the same films for all, and the ratios of this one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from ablation.recipe import DYNAMIC, Training
from longreel.train.borders import Borders
from longreel.train.conversations.ratios import RatioPlan, Widening
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.lessons import Lessons


class ArmLessons(Dataset[dict[str, Tensor]]):
    """Item i is one whole batch, see `Lessons`, with its number.

    The ratio is drawn apart from all else, so that films, and questions of the same families, are the same
    whatever the ratios and intervals.

    Args:
        interval: visual tokens of an interval of equal length. frame_tokens: those of a frame.
    """

    def __init__(
        self, lessons: Lessons, training: Training, *, interval: int, frame_tokens: int, seed: int
    ) -> None:
        schedule = tuple(Widening(step.until, tuple(step.ratios)) for step in training.schedule)
        self._lessons, self._interval = lessons, interval
        self._ratios = RatioPlan(schedule, len(lessons), seed, per="film")
        self._all_ratios = training.ratios
        is_dynamic = training.intervals == DYNAMIC
        self._dynamic = DynamicFilms(Borders(), interval, frame_tokens) if is_dynamic else None

    def __len__(self) -> int:
        return len(self._lessons)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """As `Lessons`, with its "number" ()."""
        if index >= len(self):
            raise IndexError(index)
        batch = self._lessons[index]
        ratio = self._ratios.draw(index, [self._interval])[0]
        return {
            **batch,
            **self._cuts(batch, ratio),
            "ratio": torch.tensor(ratio),
            "number": torch.tensor(index),
        }

    def _cuts(self, batch: dict[str, Tensor], ratio: int) -> dict[str, Tensor]:
        """What `Lessons` adds for dynamic intervals."""
        if self._dynamic is None:
            return {}
        films = zip(batch["visual"], batch["lengths"].tolist(), strict=True)
        cuts = [self._dynamic.cut(film[:length], ratio, self._all_ratios) for film, length in films]
        rows = [torch.tensor(cut, dtype=torch.int64).view(-1, 2) for cut in cuts]
        return {"cuts": pad_sequence(rows, batch_first=True)}
