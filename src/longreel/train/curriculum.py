"""Longer films only once shorter ones are understood: raised by loss, not by the clock."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_FILE = "curriculum.json"
# When the loss of a batch is known, the next one may have been made already, or, after a resumption, not.
_NOTICE = 2


class Curriculum:
    """Number of scenes per film, raised when the smoothed answer loss falls below a threshold.

    Args:
        scenes: the stages, ascending.
        advance_below: mean answer loss (nats per token) at which the next stage begins.
        patience: least number of steps in a stage.
    """

    def __init__(self, scenes: list[int], advance_below: float, patience: int = 100) -> None:
        self._scenes = scenes
        self._advance_below = advance_below
        self._patience = patience
        self._stage = 0
        self._since = 0
        self._steps = 0
        self._loss: float | None = None

    @property
    def scenes(self) -> int:
        """Scenes per film in the latest stage."""
        return self._scenes[self._stage]

    def scenes_at(self, batch: int) -> int:
        """Scenes per film in a batch; it depends on no batch later than the one before the last."""
        return self._scenes[self._stage if batch >= self._since else self._stage - 1]

    def observe(self, batch: int, loss: float) -> None:
        """Take note of a batch's mean answer loss."""
        self._steps += 1
        self._loss = loss if self._loss is None else 0.98 * self._loss + 0.02 * loss
        done = self._loss < self._advance_below and self._steps >= self._patience
        if done and self._stage + 1 < len(self._scenes):
            self._stage, self._steps, self._loss = self._stage + 1, 0, None
            self._since = batch + _NOTICE

    def save(self, folder: Path) -> None:
        """Write the state beside a checkpoint."""
        state = {"stage": self._stage, "since": self._since, "steps": self._steps, "loss": self._loss}
        (folder / _FILE).write_text(json.dumps(state))

    def load(self, folder: Path) -> None:
        """Continue from the state beside a checkpoint."""
        state = json.loads((folder / _FILE).read_text())
        self._stage, self._since = state["stage"], state["since"]
        self._steps, self._loss = state["steps"], state["loss"]


class SaveCurriculum(TrainerCallback):
    """Store the curriculum with every checkpoint, so that a resumed run is the same run."""

    def __init__(self, curriculum: Curriculum) -> None:
        self._curriculum = curriculum

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Called by the trainer after a checkpoint was written."""
        self._curriculum.save(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")
