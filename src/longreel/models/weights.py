"""Build a model without memory for its weights, and give it those of its files part by part.

So the weights are in memory once, and no time goes into random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Built = TypeVar("Built", bound=nn.Module)


def outline(build: Callable[[], Built]) -> Built:
    """What `build` builds, on the meta device: shapes without memory."""
    with torch.device("meta"):
        return build()


def fill(model: nn.Module, parts: Iterable[Mapping[str, Tensor]]) -> set[str]:
    """Let the tensors of all parts become the weights of an outline, as they are.

    Returns:
        Names of the model's weights that no part had.

    Raises:
        ValueError: a part has a tensor that the model lacks.
        RuntimeError: a shape differs.
    """
    missing = set(model.state_dict())
    for part in parts:
        unexpected = model.load_state_dict(part, strict=False, assign=True).unexpected_keys
        if unexpected:
            raise ValueError(f"its weights hold the unknown tensor {unexpected[0]!r}")
        missing -= set(part)
    _make_buffers(model)
    return missing


def _make_buffers(model: nn.Module) -> None:
    """Make again what no file stores because it follows from the config, such as position numbers."""
    for module in model.modules():
        names = [name for name, buffer in module.named_buffers(recurse=False) if buffer.is_meta]
        if names:
            # transformers' modules with such buffers are made from a config and keep it.
            kind: Any = type(module)
            fresh = kind(module.config)
            for name in names:
                setattr(module, name, getattr(fresh, name))
