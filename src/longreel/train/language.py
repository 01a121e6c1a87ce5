"""Train the decoder with the transformers Trainer: first on raw tokens, then on summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from longreel.key_values import Interval
from longreel.models.video_xl.grouped import FilmMemories, read_rows, watch_films
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.models.video_xl.varied import watch_cut_films
from longreel.train.curriculum import Curriculum, SaveCurriculum
from longreel.train.lessons import IGNORE, Lessons
from longreel.train.trainer import (
    BatchTrainer,
    Schedule,
    Stage,
    arguments_for,
    last_checkpoint,
    train_to_the_end,
)


class DecoderTrainer(BatchTrainer):
    """Answer loss over films watched in the grouped form; each item of the data set is a batch."""

    def __init__(
        self,
        *args: Any,
        prefix_ids: Tensor,
        interval: int,
        curriculum: Curriculum,
        only_keyed: bool = False,
        half: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._only_keyed, self._half = only_keyed, half
        self._prefix_ids = prefix_ids
        self._interval = interval
        self._curriculum = curriculum

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Mean cross-entropy of the answer tokens."""
        with torch.autocast(inputs["visual"].device.type, torch.bfloat16, enabled=self._half):
            loss = answer_loss(model, self._prefix_ids, inputs, self._interval)
        # Bare look-ups are harder per token; unless there is nothing else, they say nothing about progress.
        if self._only_keyed or not inputs["keyed"]:
            self._curriculum.observe(self.state.global_step, float(loss.detach()))
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add the curriculum's stage to the curve."""
        super().log({**logs, "scenes": float(self._curriculum.scenes)}, *args, **kwargs)


def answer_loss(model: Any, prefix_ids: Tensor, batch: dict[str, Tensor], interval: int) -> Tensor:
    """Mean cross-entropy over the answer tokens of a batch from `Lessons`."""
    hidden = read_rows(model, _watched(model, prefix_ids, batch, interval), batch["ids"])
    answers = batch["labels"] != IGNORE
    logits = model.lm_head(hidden[answers]).float()
    return cross_entropy(logits, batch["labels"][answers])


def _watched(model: Any, prefix_ids: Tensor, batch: dict[str, Tensor], interval: int) -> FilmMemories:
    cuts = batch.get("cuts")
    # Where nothing is shown there is nothing to cut.
    if cuts is None or not cuts.numel():
        lengths, ratio = batch["lengths"], int(batch["ratio"])
        return watch_films(model, prefix_ids, batch["visual"], lengths, interval=interval, ratio=ratio)
    films = [[Interval(*cut) for cut in film if cut[0]] for film in cuts.tolist()]
    return watch_cut_films(model, prefix_ids, batch["visual"], films)


def train_decoder(
    model: SummaryTokenLM,
    lessons: Lessons,
    curriculum: Curriculum,
    schedule: Schedule,
    *,
    prefix_ids: Tensor,
    fixed_words: Tensor,
    interval: int,
    stage: Stage,
    half: bool = False,
) -> None:
    """Train in place, from the stage's last checkpoint if there is one.

    The embeddings of `fixed_words` (ids) stay as they are. With `half`, products are made in bfloat16;
    weights and sums stay in single precision.
    """
    embeddings = model.model.embed_tokens.weight
    learns = torch.ones(len(embeddings), 1, device=embeddings.device).index_fill_(0, fixed_words, 0.0)
    hook = embeddings.register_hook(lambda gradient: gradient * learns)
    trainer = DecoderTrainer(
        model,
        lessons,
        arguments_for(schedule, stage, lr_scheduler_type="linear", max_grad_norm=1.0),
        callbacks=[SaveCurriculum(curriculum)],
        prefix_ids=prefix_ids,
        interval=interval,
        curriculum=curriculum,
        only_keyed=lessons.only_keyed,
        half=half,
    )
    last = last_checkpoint(stage.out)
    if last is not None:
        curriculum.load(Path(last))
    train_to_the_end(trainer, stage)
    hook.remove()
