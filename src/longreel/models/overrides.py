"""What a user may set differently from a model's own config."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, get_args

from longreel.errors import UsageError

FrameFit = Literal["crop", "whole"]


@dataclass(frozen=True)
class Overrides:
    """Settings for `longreel.load` and `longreel convert`; None leaves one as the model has it.

    vision_layer: hidden layer of the vision tower that is read, such as -2 (negative: from the last).
    vision_tower: folder of a CLIP or SigLIP model. It tells the tower's architecture; its weights are used
        only if the checkpoint has none.
    frames: "crop" scales a frame's short edge to the tower's input and cuts out the middle, "whole" resizes
        all of it, which distorts.

    Raises:
        UsageError: a value of another kind.
    """

    vision_layer: int | None = None
    vision_tower: str | os.PathLike[str] | None = None
    frames: FrameFit | None = None

    def __post_init__(self) -> None:
        if self.vision_layer is not None and type(self.vision_layer) is not int:
            raise UsageError(
                f"vision_layer={self.vision_layer!r} is no layer: give a whole number such as -2"
            )
        if self.frames not in (None, *get_args(FrameFit)):
            raise UsageError(f"frames={self.frames!r} is unknown: give 'crop' or 'whole'")
