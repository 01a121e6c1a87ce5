"""Load a released checkpoint as it is."""

from __future__ import annotations

from pathlib import Path

import torch

from longreel.models.overrides import Overrides
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.released.checkpoint import open_checkpoint
from longreel.models.weights import fill


def load_adapter(
    folder: str | Path,
    *,
    dtype: torch.dtype | None = None,
    device: str | None = None,
    positions: str = "trained",
    overrides: Overrides | None = None,
) -> VideoXLAdapter:
    """Load the released Video-XL; each file's weights go straight to their place, type and device.

    With one position axis, there is one choice of `positions`.

    Args:
        dtype: what the weights become; None for what they are.

    Raises:
        ModelError: see `open_checkpoint`.
    """
    path = Path(folder)
    checkpoint = open_checkpoint(path, overrides)
    model = checkpoint.model
    fill(model, checkpoint.tensors(dtype=dtype, device=device or "cpu"))
    model.tie_weights()
    model.to(device=device or "cpu")  # type: ignore[call-arg]
    return VideoXLAdapter(path.resolve().name, model, checkpoint.tokenizer, checkpoint.report)
