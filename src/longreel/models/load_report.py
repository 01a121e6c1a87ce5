"""What was taken from a released checkpoint and what was left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoadReport:
    """How a checkpoint in another format was read.

    folder: where it lies.
    tower: where the architecture of its vision tower was read: its own "tensors", or a folder.
    tower_weights: where the tower's weights came from: the "checkpoint", or a folder.
    ignored_keys: keys of its config that nothing is known about.
    ignored_tensors: tensors that the model has no place for.
    """

    folder: Path
    tower: str
    tower_weights: str
    ignored_keys: tuple[str, ...] = ()
    ignored_tensors: tuple[str, ...] = ()
