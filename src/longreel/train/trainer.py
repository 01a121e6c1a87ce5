"""What every stage of training shares: batches in order, checkpoints, resuming, the curve."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint


@dataclass(frozen=True)
class Schedule:
    """Optimiser steps, peak learning rate, steps of warm-up and steps between checkpoints."""

    steps: int
    learning_rate: float
    warmup: int = 100
    save_steps: int = 200


class BatchTrainer(Trainer):
    """A trainer whose data set holds whole batches, taken in order.

    Items are determined by their index, so order is what makes a resumed run the same run.
    """

    def __init__(
        self, model: nn.Module, data: Dataset[dict[str, Tensor]], arguments: TrainingArguments, **kwargs: Any
    ) -> None:
        super().__init__(model=model, args=arguments, train_dataset=data, data_collator=_only_item, **kwargs)

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


def _only_item(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return items[0]


def arguments_for(schedule: Schedule, out: Path, seed: int, **changes: Any) -> TrainingArguments:
    """The trainer's settings; checkpoints go to `out`."""
    return TrainingArguments(
        output_dir=str(out),
        max_steps=schedule.steps,
        per_device_train_batch_size=1,
        learning_rate=schedule.learning_rate,
        warmup_steps=schedule.warmup,
        logging_steps=25,
        save_steps=schedule.save_steps,
        save_total_limit=1,
        seed=seed,
        report_to=[],
        remove_unused_columns=False,
        disable_tqdm=not sys.stderr.isatty(),
        use_cpu=not torch.cuda.is_available(),
        **changes,
    )


def last_checkpoint(out: Path) -> str | None:
    """Where a stopped run goes on, if there was one."""
    last: str | None = get_last_checkpoint(str(out)) if out.exists() else None
    return last


def train_to_the_end(trainer: BatchTrainer, out: Path) -> None:
    """Train, from the last checkpoint in `out` if there is one, and write the curve to `out`/curve.json."""
    trainer.train(resume_from_checkpoint=last_checkpoint(out))
    curve = [entry for entry in trainer.state.log_history if "loss" in entry]
    (out / "curve.json").write_text(json.dumps(curve, indent=1))
