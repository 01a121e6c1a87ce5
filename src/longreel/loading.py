"""Find a model, and load it with a method."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import torch

from longreel.compress.retake import Retake
from longreel.compress.video_xl import VideoXL
from longreel.errors import ModelError, UsageError
from longreel.methods import Method, checked_keep, named_method
from longreel.model import Model
from longreel.models import DEFAULT, FAMILIES
from longreel.models.base import ModelAdapter
from longreel.models.folders import model_folder, read_config
from longreel.models.overrides import Overrides

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_POSITIONS = ("trained", "transformers")
# owner/model, as on the hub.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def load(
    name: str | os.PathLike[str] | None = None,
    method: str | Method | None = None,
    keep: float | None = None,
    budget: int | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | None = None,
    positions: str = "trained",
    overrides: Overrides | None = None,
    retake: Retake | None = None,
    video_xl: VideoXL | None = None,
) -> Model:
    """Load a model.

    Args:
        name: folder of a model of a supported family, or the folder around that one, or its name on the model
            hub, such as "Qwen/Qwen2.5-VL-7B-Instruct"; None for the small model in this package.
        method: name of a method or a `Method` of your own; None for "video-xl" if the weights have summary
            tokens, else "keep-all".
        keep: fraction the method keeps, in (0, 1]; None for the method's default.
        budget: visual tokens the method keeps of each film, in place of a fraction.
        dtype: "float32", "float16" or "bfloat16"; None for float32.
        device: such as "cpu" or "cuda"; None for the processor.
        positions: where text behind a film stands: "trained", as the models were trained, or "transformers",
            as the installed library has it (they differ for Qwen2-VL and Qwen2.5-VL).
        overrides: settings that differ from the model's own config.
        retake, video_xl: settings of the methods "retake" and "video-xl" that differ from those published.

    Raises:
        ModelError: the folder holds no model that can be loaded.
        UsageError: an unknown value, keep outside (0, 1], or a method or override the model cannot do.
    """
    if keep is not None:
        checked_keep(keep)
    if isinstance(method, str):
        named_method(method, keep, budget, retake, video_xl)
    options: dict[str, Any] = {"dtype": _dtype(dtype), "device": _device(device)}
    if positions not in _POSITIONS:
        raise UsageError(f"unknown positions {positions!r}: known are {', '.join(_POSITIONS)}")
    if name is None:
        adapter = _default(options, overrides)
    else:
        folder = model_folder(local_folder(name))
        options |= {"positions": positions, "overrides": overrides}
        adapter = _resolve(_family_loader(folder))(folder, **options)
    return Model(adapter, _chosen_method(adapter, method, keep, budget, retake, video_xl))


def _default(options: dict[str, Any], overrides: Overrides | None) -> ModelAdapter:
    if overrides is not None:
        raise UsageError("overrides= goes with the folder of a model: the built-in one has its own settings")
    adapter: ModelAdapter = _resolve(DEFAULT)(**options)
    return adapter


def local_folder(name: str | os.PathLike[str]) -> Path:
    """The folder of a model: `name` itself, or where the hub's client keeps what it fetched under that name.

    Raises:
        ModelError: there is no such folder, and the hub has no such model or cannot be reached.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    text = os.fspath(name)
    if not isinstance(name, str) or not _HUB_NAME.fullmatch(text) or folder.exists():
        raise ModelError(
            f"{text} is not a folder: name the folder of a downloaded model, or none for the built-in model; "
            + _supported(text)
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(text, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.txt"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(
            f"{text} is no folder here and could not be fetched from the model hub "
            f"({type(error).__name__}): check the name and the connection, or name a downloaded folder"
        ) from None


def _chosen_method(
    adapter: ModelAdapter,
    method: str | Method | None,
    keep: float | None,
    budget: int | None,
    retake: Retake | None,
    video_xl: VideoXL | None,
) -> Method:
    if isinstance(method, Method):
        given = {"keep=": keep, "budget=": budget, "retake=": retake, "video_xl=": video_xl}
        named = next((name for name, value in given.items() if value is not None), None)
        if named is not None:
            raise UsageError(
                f"{named} goes with the name of a method: set it in the parts of a Method of your own"
            )
        return method
    if method is None:
        method = "video-xl" if adapter.has_summary_tokens else "keep-all"
    return named_method(method, keep, budget, retake, video_xl)


def _family_loader(folder: Path) -> str:
    """Where the loader of the model in `folder` is to be found."""
    config = read_config(folder)
    kind = str(config["model_type"])
    if kind not in FAMILIES:
        sightless = "" if any("vision" in key for key in config) else ", which has no video support"
        raise ModelError(f"{folder} is a {kind!r} model{sightless}: {_supported(kind)}")
    return FAMILIES[kind]


def _supported(kind: str) -> str:
    """The families there are, and which of them is nearest to a name."""
    nearest = get_close_matches(kind, FAMILIES, n=1)
    meant = f" ({nearest[0]!r} is the nearest)" if nearest else ""
    return f"supported are {', '.join(FAMILIES)}{meant}"


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
