"""What every stage of training shares: batches in order, checkpoints, resuming, the curve."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from longreel.progress import ProgressCallback, StageClock

# Written to a checkpoint when everything else is there.
_LAST_FILE = "whole"


@dataclass(frozen=True)
class Schedule:
    """Optimiser steps, peak learning rate, steps of warm-up and steps between checkpoints."""

    steps: int
    learning_rate: float
    warmup: int = 100
    save_steps: int = 200


@dataclass(frozen=True)
class Stage:
    """A part of a run: where its checkpoints and its curve go, its seed, and who hears of its progress."""

    out: Path
    seed: int
    progress: ProgressCallback | None = None


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


def arguments_for(schedule: Schedule, stage: Stage, **changes: Any) -> TrainingArguments:
    """The trainer's settings."""
    settings: dict[str, Any] = {
        "output_dir": str(stage.out),
        "max_steps": schedule.steps,
        "per_device_train_batch_size": 1,
        "learning_rate": schedule.learning_rate,
        "warmup_steps": schedule.warmup,
        "logging_steps": 25,
        "save_steps": schedule.save_steps,
        "save_total_limit": 1,
        "seed": stage.seed,
        "report_to": [],
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
    }
    return TrainingArguments(**(settings | changes))


def is_first_process() -> bool:
    """Whether this is the only process of a run, or the one of several that writes its results."""
    return int(os.environ.get("RANK", "0")) == 0


def last_checkpoint(out: Path) -> str | None:
    """Where a stopped run goes on, if there was one; checkpoints that a kill cut short are removed."""
    found = sorted(out.glob("checkpoint-*"), key=_step, reverse=True) if out.exists() else []
    for folder in found:
        if (folder / _LAST_FILE).exists():
            return str(folder)
        # Several processes of a run may do this at once.
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


class _Finish(TrainerCallback):
    """Marks a checkpoint as whole; the last of the callbacks to act."""

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        if state.is_world_process_zero:
            (Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / _LAST_FILE).touch()


class _ReportSteps(TrainerCallback):
    """Tells a clock of every step."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        self._clock.report(state.global_step)


def train_to_the_end(trainer: BatchTrainer, stage: Stage) -> None:
    """Train, from the last checkpoint if there is one, and write the curve beside the checkpoints."""
    clock = StageClock(stage.progress, f"train {stage.out.name}", trainer.args.max_steps)
    trainer.add_callback(_ReportSteps(clock))
    trainer.add_callback(_Finish())
    trainer.train(resume_from_checkpoint=last_checkpoint(stage.out))
    curve = [entry for entry in trainer.state.log_history if "loss" in entry]
    if is_first_process():
        (stage.out / "curve.json").write_text(json.dumps(curve, indent=1))
