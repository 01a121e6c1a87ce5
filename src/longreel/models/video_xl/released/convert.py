"""From the released checkpoint to this package's own format, which loads to the very same model."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from longreel.errors import LongreelError, ModelError, UsageError
from longreel.files import atomic_folder
from longreel.models.folders import CONFIG, model_folder, read_config
from longreel.models.overrides import Overrides
from longreel.models.shards import INDEX, SINGLE
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.released.checkpoint import ReleasedCheckpoint, open_checkpoint
from longreel.models.video_xl.released.config import RELEASED_TYPE
from longreel.progress import ProgressCallback, StageClock


def convert(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    overrides: Overrides | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Write a released Video-XL checkpoint as a model of this package, in its own number type.

    One file of weights is in memory at a time, and `out` appears when all is written.

    Args:
        folder: the checkpoint, or the folder around it.
        out: a folder that is not there yet.
        overrides: settings to write instead of the checkpoint's.
        progress: called after every file of weights.

    Returns:
        What was done, as plain values.

    Raises:
        UsageError: `out` is taken, or `folder` is in this package's format already.
        ModelError: the checkpoint is not complete; see `open_checkpoint`.
        LongreelError: `out` cannot be written.
    """
    target = Path(out)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} is there already: name another folder")
    source = model_folder(Path(folder))
    kind = read_config(source)["model_type"]
    if kind == VideoXLConfig.model_type:
        raise UsageError(f"{source} is in this format already: use it as it is")
    if kind != RELEASED_TYPE:
        raise ModelError(f"{source} is a {kind!r} model: only released Video-XL checkpoints are converted")
    checkpoint = open_checkpoint(source, overrides)
    with atomic_folder(target) as part:
        written = _write(checkpoint, part, StageClock(progress, "convert", _file_count(checkpoint)))
    report = checkpoint.report
    return {
        "model": str(target),
        "source": str(source),
        **written,
        "tower": report.tower,
        "tower_weights": report.tower_weights,
        "ignored_keys": list(report.ignored_keys),
        "ignored_tensors": list(report.ignored_tensors),
    }


def _write(checkpoint: ReleasedCheckpoint, folder: Path, clock: StageClock) -> dict[str, int]:
    count = _file_count(checkpoint)
    places: dict[str, str] = {}
    size = 0
    clock.report(0)
    for number, (name, tensors) in enumerate(_named_files(checkpoint, count), 1):
        _save(tensors, folder / name)
        places |= dict.fromkeys(sorted(tensors), name)
        size += sum(tensor.nbytes for tensor in tensors.values())
        # Let go of them before the next file is read.
        tensors.clear()
        clock.report(number)
    if count > 1:
        index = {"metadata": {"total_size": size}, "weight_map": places}
        (folder / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
    checkpoint.model.config.save_pretrained(folder)
    checkpoint.tokenizer.save_pretrained(folder)
    for name in set(places.values()):
        # safetensors makes files that only their owner may read.
        shutil.copymode(folder / CONFIG, folder / name)
    return {"files": count, "tensors": len(places), "bytes": size}


def _named_files(checkpoint: ReleasedCheckpoint, count: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for number, tensors in enumerate(checkpoint.tensors(), 1):
        yield SINGLE if count == 1 else f"model-{number:05}-of-{count:05}.safetensors", tensors


def _file_count(checkpoint: ReleasedCheckpoint) -> int:
    return sum(len({part.shards.stored[name].file for name in part.names}) for part in checkpoint.weights)


def _save(tensors: dict[str, Tensor], file: Path) -> None:
    try:
        save_file(tensors, file, metadata={"format": "pt"})
    except SafetensorError as error:
        reason = " ".join(str(error).split())
        raise LongreelError(
            f"{file.parent} cannot be written: {reason}; make room, or name another folder"
        ) from error
