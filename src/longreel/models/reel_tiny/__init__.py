"""The small model in this package: it knows the world of `longreel.films` and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from longreel.models.video_xl.adapter import VideoXLAdapter

NAME = "reel_tiny"
# The families of questions it is meant to answer; see `longreel.films.families`.
FAMILIES = ("colour", "place", "action", "object", "existence")


def load_adapter(*, dtype: torch.dtype | None = None, device: str | None = None) -> VideoXLAdapter:
    """Load the weights beside this file.

    Raises:
        ModelError: they are missing or damaged.
    """
    from longreel.models.video_xl.adapter import VideoXLAdapter

    return VideoXLAdapter.from_folder(Path(__file__).parent, name=NAME, dtype=dtype, device=device)
