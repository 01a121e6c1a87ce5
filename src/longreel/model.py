"""Load a model, ready to watch and to answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast, overload

import torch

from longreel import watch as _watch
from longreel.answer import Answer
from longreel.ask import Decoding, ask, stream
from longreel.chat import Chat
from longreel.compress.summary_tokens import SummaryTokens
from longreel.errors import ModelError, UsageError
from longreel.memory import VideoMemory
from longreel.methods import Method, checked_keep, named_method
from longreel.models import DEFAULT, FAMILIES
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def load(
    name: str | os.PathLike[str] | None = None,
    method: str | Method | None = None,
    keep: float | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | None = None,
) -> Model:
    """Load a model.

    Args:
        name: folder of a model of a supported family; None for the small model in this package.
        method: name of a method or a `Method` of your own; None for "video-xl" if the weights have summary
            tokens, else "keep-all".
        keep: fraction the method keeps, in (0, 1]; None for the method's default.
        dtype: "float32", "float16" or "bfloat16"; None for float32.
        device: such as "cpu" or "cuda"; None for the processor.

    Raises:
        ModelError: the folder holds no model that can be loaded.
        UsageError: unknown method, dtype or device, keep outside (0, 1], or a method the model cannot do.
    """
    if keep is not None:
        checked_keep(keep)
    if isinstance(method, str):
        named_method(method, keep)
    options = {"dtype": _dtype(dtype), "device": _device(device)}
    loader = _resolve(DEFAULT if name is None else _family_loader(Path(name)))
    adapter: ModelAdapter = loader(**options) if name is None else loader(Path(name), **options)
    return Model(adapter, _chosen_method(adapter, method, keep))


class Model:
    """A loaded model with a method. It never changes, so threads may share it.

    Raises:
        UsageError: the model cannot do this method.
    """

    def __init__(self, adapter: ModelAdapter, method: Method) -> None:
        _check_method(adapter, method)
        self.adapter = adapter
        self.method = method

    def watch(
        self,
        source: Any,
        *,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
        count: int | None = None,
        max_frames: int | None = None,
        seconds: Sequence[float] | None = None,
        system: str | None = None,
        strict: bool = False,
        allow_url: bool = False,
        progress: ProgressCallback | None = None,
        resume: VideoMemory | None = None,
    ) -> VideoMemory:
        """Watch one film or several; see `longreel.watch.watch`."""
        return _watch.watch(
            self.adapter,
            self.method,
            source,
            start=start,
            end=end,
            fps=fps,
            count=count,
            max_frames=max_frames,
            seconds=seconds,
            system=system,
            strict=strict,
            allow_url=allow_url,
            progress=progress,
            resume=resume,
        )

    def append(
        self,
        memory: VideoMemory,
        source: Any,
        *,
        strict: bool = False,
        allow_url: bool = False,
        progress: ProgressCallback | None = None,
    ) -> VideoMemory:
        """A longer memory, with another film behind; see `longreel.watch.append`."""
        return _watch.append(
            self.adapter,
            self.method,
            memory,
            source,
            strict=strict,
            allow_url=allow_url,
            progress=progress,
        )

    def open(self, path: str | os.PathLike[str]) -> VideoMemory:
        """Open a memory this model saved.

        Raises:
            MemoryFileError: the file is damaged, of another version, or of another model.
        """
        memory = VideoMemory.open(path)
        memory.require_model(self.adapter, os.fspath(path))
        return memory

    @overload
    def ask(
        self,
        memory: VideoMemory,
        question: str,
        *,
        max_new_tokens: int = ...,
        temperature: float = ...,
        top_p: float = ...,
        seed: int | None = ...,
    ) -> Answer: ...
    @overload
    def ask(
        self,
        memory: VideoMemory,
        question: list[str] | tuple[str, ...],
        *,
        max_new_tokens: int = ...,
        temperature: float = ...,
        top_p: float = ...,
        seed: int | None = ...,
    ) -> list[Answer]: ...
    def ask(
        self,
        memory: VideoMemory,
        question: str | list[str] | tuple[str, ...],
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Answer | list[Answer]:
        """Answer a question, or a list of questions, each as if asked alone.

        Args:
            max_new_tokens: tokens after which an answer is cut off.
            temperature, top_p, seed: 0 is greedy; above, words are sampled, repeatably with a seed.

        Raises:
            UsageError: a question is empty or too long, or a setting is out of range.
            MemoryFileError: the memory is damaged or of another model.
        """
        decoding = Decoding(max_new_tokens, temperature, top_p, seed)
        if isinstance(question, list | tuple):
            return [ask(self.adapter, memory, each, decoding) for each in question]
        return ask(self.adapter, memory, question, decoding)

    def stream(
        self,
        memory: VideoMemory,
        question: str,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[str]:
        """The text of `ask` in pieces, as it is found."""
        return stream(self.adapter, memory, question, Decoding(max_new_tokens, temperature, top_p, seed))

    def chat(
        self,
        memory: VideoMemory,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Chat:
        """A conversation in which questions follow up on each other."""
        return Chat(self.adapter, memory, Decoding(max_new_tokens, temperature, top_p, seed))


def _chosen_method(adapter: ModelAdapter, method: str | Method | None, keep: float | None) -> Method:
    if isinstance(method, Method):
        if keep is not None:
            raise UsageError(
                "keep= goes with the name of a method: set it in the parts of a Method of your own"
            )
        return method
    if method is None:
        method = "video-xl" if adapter.has_summary_tokens else "keep-all"
    return named_method(method, keep)


def _check_method(adapter: ModelAdapter, method: Method) -> None:
    if not isinstance(method.cache, SummaryTokens):
        return
    if not adapter.has_summary_tokens and method.needs_summary_tokens:
        raise UsageError(
            f"method {method.name!r} needs weights trained with summary tokens and {adapter.name} has none: "
            "use 'keep-all', 'uniform' or 'random', or a Video-XL checkpoint"
        )
    if method.cache.ratio > adapter.interval:
        raise UsageError(
            f"keep=1/{method.cache.ratio} keeps nothing of an interval of {adapter.interval} visual tokens: "
            f"keep at least 1/{adapter.interval}"
        )


def _family_loader(folder: Path) -> str:
    """Where the loader of the model in `folder` is to be found."""
    if not folder.is_dir():
        raise ModelError(
            f"{folder} is not a folder: name the folder of a downloaded model, or none for the built-in model"
        )
    config = folder / "config.json"
    try:
        kind = json.loads(config.read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{config} is missing or not a model's config: copy the complete folder") from error
    if kind not in FAMILIES:
        raise ModelError(f"{folder} is a {kind!r} model: supported are {', '.join(FAMILIES)}")
    return FAMILIES[kind]


def _resolve(dotted: str) -> Callable[..., Any]:
    module, _, attribute = dotted.partition(":")
    found: Any = import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return cast(Callable[..., Any], found)


def _dtype(dtype: str | torch.dtype | None) -> torch.dtype:
    if dtype is None:
        return torch.float32
    if isinstance(dtype, torch.dtype) and dtype in _DTYPES.values():
        return dtype
    if isinstance(dtype, str) and dtype in _DTYPES:
        return _DTYPES[dtype]
    raise UsageError(f"unknown dtype {dtype!r}: known are {', '.join(_DTYPES)}")


def _device(device: str | None) -> str:
    if device is None:
        return "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"unknown device {device!r}: give cpu, cuda or cuda:1") from error
    if kind not in ("cpu", "cuda"):
        raise UsageError(f"device {device!r} is not supported: give cpu, cuda or cuda:1")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {device!r} is not there: this torch sees no CUDA device, use cpu")
    return device
