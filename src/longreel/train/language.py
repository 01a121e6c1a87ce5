"""Train the decoder with the transformers Trainer: first on raw tokens, then on summaries."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from longreel.models.video_xl.grouped import read_rows, watch_films
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.train.curriculum import Curriculum, SaveCurriculum
from longreel.train.lessons import IGNORE, Lessons


@dataclass(frozen=True)
class Schedule:
    """Optimiser steps, peak learning rate, steps of warm-up and steps between checkpoints."""

    steps: int
    learning_rate: float
    warmup: int = 100
    save_steps: int = 200


class DecoderTrainer(Trainer):
    """Answer loss over films watched in the grouped form; each item of the data set is a batch."""

    def __init__(
        self,
        *,
        prefix_ids: Tensor,
        interval: int,
        curriculum: Curriculum,
        only_keyed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._only_keyed = only_keyed
        self._prefix_ids = prefix_ids
        self._interval = interval
        self._curriculum = curriculum

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
        # Items are determined by their index, so order is what makes a resumed run the same run.
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Mean cross-entropy of the answer tokens."""
        loss = answer_loss(model, self._prefix_ids, inputs, self._interval)
        # Bare look-ups are harder per token; unless there is nothing else, they say nothing about progress.
        if self._only_keyed or not inputs["keyed"]:
            self._curriculum.observe(float(loss.detach()))
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add the curriculum's stage to the curve."""
        super().log({**logs, "scenes": float(self._curriculum.scenes)}, *args, **kwargs)


def answer_loss(model: Any, prefix_ids: Tensor, batch: dict[str, Tensor], interval: int) -> Tensor:
    """Mean cross-entropy over the answer tokens of a batch from `Lessons`."""
    memories = watch_films(
        model,
        prefix_ids,
        batch["visual"],
        batch["lengths"],
        interval=interval,
        ratio=int(batch["ratio"]),
    )
    hidden = read_rows(model, memories, batch["ids"])
    answers = batch["labels"] != IGNORE
    logits = model.lm_head(hidden[answers]).float()
    return cross_entropy(logits, batch["labels"][answers])


def train_decoder(
    model: SummaryTokenLM,
    lessons: Lessons,
    curriculum: Curriculum,
    schedule: Schedule,
    *,
    prefix_ids: Tensor,
    interval: int,
    out: Path,
    seed: int,
) -> None:
    """Train in place; checkpoints go to `out`, from the last of which a run resumes.

    The curve (step, loss, learning rate, scenes) is written to `out`/curve.json.
    """
    arguments = TrainingArguments(
        output_dir=str(out),
        max_steps=schedule.steps,
        per_device_train_batch_size=1,
        learning_rate=schedule.learning_rate,
        warmup_steps=schedule.warmup,
        lr_scheduler_type="linear",
        weight_decay=0.01,
        max_grad_norm=1.0,
        logging_steps=25,
        save_steps=schedule.save_steps,
        save_total_limit=1,
        seed=seed,
        report_to=[],
        remove_unused_columns=False,
        dataloader_num_workers=0,
        disable_tqdm=not sys.stderr.isatty(),
        use_cpu=not torch.cuda.is_available(),
    )
    trainer = DecoderTrainer(
        model=model,
        args=arguments,
        train_dataset=lessons,
        data_collator=_only_item,
        callbacks=[SaveCurriculum(curriculum)],
        prefix_ids=prefix_ids,
        interval=interval,
        curriculum=curriculum,
        only_keyed=lessons.only_keyed,
    )
    last = get_last_checkpoint(str(out)) if out.exists() else None
    if last is not None:
        curriculum.load(Path(last))
    trainer.train(resume_from_checkpoint=last)
    curve = [entry for entry in trainer.state.log_history if "loss" in entry]
    (out / "curve.json").write_text(json.dumps(curve, indent=1))


def _only_item(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return items[0]
