"""Load a model for a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longreel.compress.retake import Retake
    from longreel.compress.video_xl import VideoXL
    from longreel.model import Model


def loaded_model(
    name: str | None,
    method: str | None,
    keep: float | None,
    dtype: str | None,
    device: str | None,
    *,
    budget: int | None = None,
    positions: str = "trained",
    retake: Retake | None = None,
    video_xl: VideoXL | None = None,
) -> Model:
    """`longreel.load`, without what transformers prints meanwhile: stderr is for progress and errors.

    That is a setting of the whole process, which here belongs to one command.
    """
    from transformers.utils import logging

    from longreel.loading import load

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return load(
        name,
        method=method,
        keep=keep,
        budget=budget,
        dtype=dtype,
        device=device,
        positions=positions,
        retake=retake,
        video_xl=video_xl,
    )
