"""The trainer of conversations: samples one by one, checkpoints of what learns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from longreel.errors import LongreelError
from longreel.train.conversations.skipped import SkippedSamples
from longreel.train.trainer import BatchTrainer

_WEIGHTS = "model.safetensors"


class ConversationTrainer(BatchTrainer):
    """The loss is the mean over the answer tokens of a step, whatever processes and passes share it.

    A checkpoint holds the weights that learn and no others, which are those of the model begun with. Where
    weights are shared out among processes (FSDP), it is as the installed library makes it.
    """

    def __init__(self, *args: Any, skipped: SkippedSamples, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._skipped = skipped

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add to the curve how many samples were left out so far."""
        super().log({**logs, "skipped": float(sum(self._skipped.counts().values()))}, *args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if state_dict is not None:
            super()._save(output_dir, state_dict)
        elif self.args.should_save:
            folder = Path(output_dir or str(self.args.output_dir))
            os.makedirs(folder, exist_ok=True)
            save_file(_learned(self.model), folder / _WEIGHTS)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        target: Any = self.model if model is None else model
        stored = load_file(Path(resume_from_checkpoint) / _WEIGHTS)
        if stored.keys() != _learned(target).keys():
            raise LongreelError(
                f"{resume_from_checkpoint} holds other weights than this recipe trains: name another folder"
            )
        target.load_state_dict(stored, strict=False)


def _learned(model: Any) -> dict[str, Tensor]:
    return {
        name: parameter.detach().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
