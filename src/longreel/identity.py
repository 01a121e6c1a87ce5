"""Digests that say whether two things are the same: sha256, as lower-case hex."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def hash_text(text: str) -> str:
    """Digest of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_json(value: Any) -> str:
    """Digest of plain values; the order of a mapping's keys does not matter."""
    return hash_text(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str))


def stable_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A model's config without what depends on where and with which release it was loaded."""
    volatile = {
        "_name_or_path",
        "_attn_implementation",
        "attn_implementation",
        "transformers_version",
        "dtype",
        "torch_dtype",
        "architectures",
    }
    return {
        key: stable_config(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if key not in volatile
    }


def hash_tensor(tensor: Tensor) -> str:
    """Digest of a tensor's type, shape and bytes, wherever it lives."""
    digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
    digest.update(tensor_bytes(tensor))
    return digest.hexdigest()


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Digest of named tensors, such as a state dict; their order does not matter."""
    lines = (f"{name} {hash_tensor(tensors[name])}\n" for name in sorted(tensors))
    return hash_text("".join(lines))


def tensor_bytes(tensor: Tensor) -> memoryview:
    """A tensor's elements in row-major order, little-endian; a view where that is possible."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data
