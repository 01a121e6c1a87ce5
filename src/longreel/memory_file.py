"""The memory file: a safetensors file whose metadata holds the header and a hash of every tensor.

Layout: 8 bytes length, JSON, tensors. The JSON's `__metadata__` has "longreel_memory" (the format version),
"header" (JSON, see `_Contents`) and "sha256" (of "header"). Any safetensors reader can open it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, overload

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from torch import Tensor

from longreel.errors import MemoryFileError
from longreel.files import MEMORY_MARK, atomic_file, begins_as_memory
from longreel.header import Header
from longreel.identity import hash_tensor, hash_text, tensor_bytes
from longreel.key_values import LayerMemory
from longreel.memory import VideoMemory
from longreel.memory_checks import LAYER_PARTS, TIMELINE_PARTS, check_layer, check_timeline
from longreel.timeline import Timeline

FORMAT_VERSION = "1"
_DTYPES = {
    "torch.float64": "F64",
    "torch.float32": "F32",
    "torch.float16": "F16",
    "torch.bfloat16": "BF16",
    "torch.int64": "I64",
}
_ALIGNMENT = 64
# How often to open a file anew that was replaced meanwhile.
_ATTEMPTS = 20


class _Contents(BaseModel):
    """What is under "header": the memory's header, which tensor is what, and their hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: Header
    layers: tuple[dict[str, str], ...]
    dense: tuple[dict[str, str], ...] = ()
    timeline: dict[str, str]
    hashes: dict[str, str]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        dense = self.header.dense
        if len(self.layers) != len(self.header.kept) or len(self.dense) != len(dense.kept if dense else ()):
            raise ValueError("some layers are missing")
        if self.timeline.keys() != TIMELINE_PARTS or any(
            names.keys() != LAYER_PARTS for names in (*self.layers, *self.dense)
        ):
            raise ValueError("some tensors are missing")
        return self


def write_memory(memory: VideoMemory, path: str | os.PathLike[str]) -> None:
    """Write `memory` to `path`, whole or not at all.

    Raises:
        MemoryFileError: it cannot be written.
    """
    _check_writable(path)
    tensors: dict[str, Tensor] = {}
    layers, dense = (
        tuple(_name_layer(f"{level}.{number}", layer, tensors) for number, layer in enumerate(of_level))
        for level, of_level in (("layers", memory.layers), ("dense", memory.dense or ()))
    )
    timeline = {part: f"timeline.{part}" for part in vars(memory.timeline)}
    tensors |= {timeline[part]: tensor for part, tensor in vars(memory.timeline).items()}
    hashes = {name: hash_tensor(tensor) for name, tensor in tensors.items()}
    contents = _Contents(header=memory.header, layers=layers, dense=dense, timeline=timeline, hashes=hashes)
    try:
        with atomic_file(path) as file:
            file.write(_safetensors_header(contents.model_dump_json(), tensors))
            for tensor in tensors.values():
                file.write(tensor_bytes(tensor))
    except OSError as error:
        raise MemoryFileError(
            f"{os.fspath(path)} cannot be written: {error.strerror or error}; "
            f"{memory.nbytes:,} bytes are needed, nothing was left behind"
        ) from error


def read_memory(path: str | os.PathLike[str]) -> VideoMemory:
    """Map a memory file; layers are read and checked when they are touched.

    Raises:
        MemoryFileError: see `VideoMemory.open`.
    """
    name = os.fspath(path)
    for _ in range(_ATTEMPTS):
        version = _version(name)
        try:
            memory = _mapped(name)
        except MemoryFileError:
            if version == _version(name):
                raise
        else:
            if version == _version(name):
                return memory
    raise MemoryFileError(f"{name} is being written over and over: try again when that has ended")


def _version(name: str) -> tuple[int, ...] | None:
    """Changes when a file takes the place of another: header and tensors are opened one after the other."""
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _mapped(name: str) -> VideoMemory:
    stored = _StoredTensors(name)
    contents = stored.contents
    timeline = Timeline(**{part: stored.read(tensor) for part, tensor in contents.timeline.items()})
    try:
        check_timeline(timeline, contents.header)
    except ValueError as error:
        raise _damaged(name, str(error)) from error
    header = contents.header
    dense = None if header.dense is None else _StoredLayers(stored, contents.dense, header.of_dense())
    return VideoMemory(_StoredLayers(stored, contents.layers, header), timeline, header, dense)


def _name_layer(where: str, layer: LayerMemory, tensors: dict[str, Tensor]) -> dict[str, str]:
    """Add a layer's tensors; one that an earlier layer has already is stored once."""
    names = {}
    for part, tensor in vars(layer).items():
        shared = (name for name, other in tensors.items() if name.endswith(f".{part}") and other is tensor)
        names[part] = next(shared, f"{where}.{part}")
        tensors[names[part]] = tensor
    return names


def _safetensors_header(contents: str, tensors: dict[str, Tensor]) -> bytes:
    """Length and JSON, padded so that the tensors start aligned."""
    metadata = {MEMORY_MARK: FORMAT_VERSION, "header": contents, "sha256": hash_text(contents)}
    entries: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        shape = list(tensor.shape)
        entries[name] = {"dtype": _DTYPES[str(tensor.dtype)], "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _check_writable(path: str | os.PathLike[str]) -> None:
    target = Path(path)
    if target.is_dir():
        raise MemoryFileError(f"{target} is a folder: name a file in it")
    if target.exists() and not target.is_file():
        raise MemoryFileError(f"{target} is not an ordinary file: name another one")
    if not target.parent.is_dir():
        raise MemoryFileError(
            f"{target} cannot be written: there is no folder {target.parent}; make it first"
        )


class _StoredTensors:
    """A mapped memory file whose tensors are checked as they are read."""

    def __init__(self, name: str) -> None:
        self.name = name
        _check_readable(Path(name))
        try:
            file: Any = safe_open(name, framework="pt")
        except (SafetensorError, OSError, RuntimeError) as error:
            raise _unreadable(name) from error
        self._file = file
        self.contents = _checked_contents(name, file.metadata() or {})

    def read(self, tensor: str) -> Tensor:
        """The tensor of this name, once its hash is found right."""
        try:
            loaded: Tensor = self._file.get_tensor(tensor)
        except SafetensorError as error:
            raise _damaged(self.name, f"{tensor} is missing") from error
        if hash_tensor(loaded) != self.contents.hashes.get(tensor):
            raise _damaged(self.name, f"{tensor} was changed")
        return loaded


class _StoredLayers(Sequence[LayerMemory]):
    """The layers of a level of a mapped file, each read once, when it is first asked for."""

    def __init__(self, stored: _StoredTensors, names: Sequence[dict[str, str]], header: Header) -> None:
        self._stored = stored
        self._names = names
        self._header = header
        self._tensors: dict[str, Tensor] = {}
        self._layers: dict[int, LayerMemory] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> LayerMemory: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LayerMemory, ...]: ...
    def __getitem__(self, index: int | slice) -> LayerMemory | tuple[LayerMemory, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        number = range(len(self))[index]
        with self._lock:
            if number not in self._layers:
                self._layers[number] = self._load(number)
            return self._layers[number]

    def _load(self, number: int) -> LayerMemory:
        names = self._names[number]
        for name in names.values():
            if name not in self._tensors:
                self._tensors[name] = self._stored.read(name)
        layer = LayerMemory(**{part: self._tensors[name] for part, name in names.items()})
        try:
            check_layer(layer, number, self._header)
        except ValueError as error:
            raise _damaged(self._stored.name, str(error)) from error
        return layer


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise MemoryFileError(f"{path} is a folder, not a memory file: name the file")
    if not path.exists():
        raise MemoryFileError(f"there is no file {path}: check the name, or make it with `longreel watch`")
    if not path.is_file():
        raise MemoryFileError(f"{path} is not an ordinary file: name a memory file")
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise MemoryFileError(f"{path} cannot be read: {error.strerror or error}") from error
    if empty:
        raise MemoryFileError(f"{path} is empty: watch the film again to make it")


def _unreadable(name: str) -> MemoryFileError:
    """Tell a memory file that was cut short from a file of another kind."""
    size = os.path.getsize(name)
    if begins_as_memory(name):
        return _damaged(name, f"its {size:,} bytes are not all of it or were changed")
    return MemoryFileError(f"{name} is not a memory file: make one with `longreel watch`")


def _checked_contents(name: str, metadata: dict[str, str]) -> _Contents:
    version = metadata.get(MEMORY_MARK)
    if version is None:
        raise MemoryFileError(
            f"{name} is a safetensors file but not a memory: make one with `longreel watch`"
        )
    if version != FORMAT_VERSION:
        raise MemoryFileError(
            f"{name} has memory format {version!r} and this longreel reads {FORMAT_VERSION!r}: "
            "use the longreel that wrote it, or watch the film again"
        )
    contents = metadata.get("header", "")
    if hash_text(contents) != metadata.get("sha256"):
        raise _damaged(name, "its header was changed")
    try:
        return _Contents.model_validate_json(contents)
    except ValidationError as error:
        raise _damaged(name, f"its header does not make sense{_place(error)}") from error


def _place(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"][:3])
    return f": {path}" if path else ""


def _damaged(name: str, what: str) -> MemoryFileError:
    return MemoryFileError(f"{name} is damaged ({what}): copy it again, or watch the film again")
