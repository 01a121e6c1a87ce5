"""Weights in one safetensors file, or in several that an index lists."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from longreel.errors import ModelError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_FLOATS = ("F64", "F32", "F16", "BF16")


class Stored(NamedTuple):
    """Where a tensor lies and what it is, as its file's header says."""

    file: Path
    shape: tuple[int, ...]
    dtype: str


class Shards:
    """The tensors of a model's folder by name. Only headers are read until `parts` is called."""

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self._stored = stored

    @classmethod
    def of(cls, folder: Path) -> Shards:
        """The weights of a folder.

        Raises:
            ModelError: a file is missing, damaged or cut short, or lacks a tensor that the index promises.
        """
        index, single = folder / INDEX, folder / SINGLE
        if index.is_file():
            return cls(_indexed(index))
        if single.is_file():
            return cls(_header(single))
        if any(folder.glob("*.bin")):
            raise ModelError(
                f"{folder} has no {SINGLE} and no {INDEX}: weights in .bin files are not read, "
                "copy the safetensors files"
            )
        raise ModelError(f"{folder} has no {SINGLE} and no {INDEX}: copy the complete folder")

    @property
    def stored(self) -> Mapping[str, Stored]:
        """Every tensor, by name."""
        return self._stored

    def parts(
        self, wanted: Mapping[str, str], *, dtype: torch.dtype | None = None, device: str = "cpu"
    ) -> Iterator[dict[str, Tensor]]:
        """Read the wanted tensors file by file, one dictionary for each file that has any.

        Args:
            wanted: name in the file to name in the dictionary.
            dtype: what floating-point numbers become; None for what they are.

        Raises:
            ModelError: a file is damaged.
        """
        files: dict[Path, list[str]] = defaultdict(list)
        for name in wanted:
            files[self._stored[name].file].append(name)
        for file, names in sorted(files.items()):
            yield {wanted[name]: tensor for name, tensor in _tensors(file, names, dtype, device)}


def _indexed(index: Path) -> dict[str, Stored]:
    places = _places(index)
    files = {name: index.with_name(name) for name in sorted(set(places.values()))}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        raise ModelError(f"{index} names {', '.join(missing)}, not in the folder: copy the complete folder")
    headers = {name: _header(file) for name, file in files.items()}
    for tensor, name in places.items():
        if tensor not in headers[name]:
            raise ModelError(f"{files[name]} lacks the tensor {tensor!r} of its index: copy both again")
    return {tensor: headers[name][tensor] for tensor, name in places.items()}


def _places(index: Path) -> dict[str, str]:
    """File name of each tensor; files lie beside the index and nowhere else."""
    try:
        places = dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{index} is not an index of weights: copy it again") from error
    for file in places.values():
        if not isinstance(file, str) or Path(file).name != file:
            raise ModelError(f"{index} names {file!r}, which is no file beside it: copy it again")
    return places


def _header(file: Path) -> dict[str, Stored]:
    try:
        with safe_open(file, framework="pt") as tensors:
            views = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118
            return {
                name: Stored(file, tuple(view.get_shape()), view.get_dtype()) for name, view in views.items()
            }
    except (OSError, SafetensorError) as error:
        raise _damaged(file, error) from error


def _tensors(
    file: Path, names: list[str], dtype: torch.dtype | None, device: str
) -> Iterator[tuple[str, Tensor]]:
    try:
        with safe_open(file, framework="pt") as tensors:
            for name in names:
                tensor = tensors.get_tensor(name)
                kind = dtype if tensor.is_floating_point() else None
                # A copy: what a file maps into memory would change, or vanish, with the file.
                yield name, tensor.to(device=device, dtype=kind, copy=True)
    except (OSError, SafetensorError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())
    return ModelError(f"{file} is damaged or cut short ({reason}): copy it again")


def require_fit(
    expected: Mapping[str, Tensor], stored: Mapping[str, Stored], names: Mapping[str, str]
) -> None:
    """Compare a model with the headers of its weights before any of them is read.

    Args:
        expected: the model's state, which may be on the meta device.
        names: name in the files to name in the model.

    Raises:
        ModelError: a shape differs, or a tensor is quantised.
    """
    for theirs, ours in names.items():
        found, shape = stored[theirs], tuple(expected[ours].shape)
        if found.shape != shape:
            raise ModelError(
                f"{found.file} holds {theirs!r} of shape {found.shape} but the config says {shape}: "
                "config and weights do not belong together"
            )
        if found.dtype not in _FLOATS:
            raise ModelError(
                f"{found.file} holds {theirs!r} as {found.dtype}: use the weights that are not quantised"
            )
