"""Keys and values of one layer while a film is being watched or a question answered."""

from __future__ import annotations

import torch
from torch import Tensor

_GROWTH = 1.5
_SMALLEST = 64


class LayerEntries:
    """Growing keys and values of one layer, (kv_heads, length, head_dim).

    Storage is grown in place with head room, so a pass neither copies nor concatenates the memory: its
    own entries are written behind the memory and overwritten by whatever is kept. With gradients in
    flight in-place writes are not allowed, and tensors are concatenated instead.
    """

    def __init__(self, keys: Tensor, values: Tensor, room: int = 0) -> None:
        self.length = keys.shape[1]
        self._staged: tuple[Tensor, Tensor] | None = None
        self._keys, self._values = keys, values
        if room:
            self._reserve(self.length + room)

    @property
    def device(self) -> torch.device:
        """Device of the stored tensors."""
        return self._keys.device

    @property
    def keys(self) -> Tensor:
        """The committed keys, rotated, (kv_heads, length, head_dim)."""
        return self._keys[:, : self.length]

    @property
    def values(self) -> Tensor:
        """The committed values, (kv_heads, length, head_dim)."""
        return self._values[:, : self.length]

    def extended(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return memory and the n entries of a pass behind it; the pass's own are not committed."""
        if torch.is_grad_enabled():
            return torch.cat((self.keys, key), dim=1), torch.cat((self.values, value), dim=1)
        end = self.length + key.shape[1]
        self._write(key, value)
        return self._keys[:, :end], self._values[:, :end]

    def stage(self, key: Tensor, value: Tensor) -> None:
        """Remember the entries to keep; visible after `commit`."""
        self._staged = (key, value)

    def commit(self) -> None:
        """Append the staged entries."""
        if self._staged is None:
            return
        key, value = self._staged
        self._staged = None
        if torch.is_grad_enabled():
            self._keys, self._values = (
                torch.cat((self.keys, key), dim=1),
                torch.cat((self.values, value), dim=1),
            )
        else:
            self._write(key, value)
        self.length += key.shape[1]

    def _write(self, key: Tensor, value: Tensor) -> None:
        end = self.length + key.shape[1]
        if end > self._keys.shape[1]:
            self._reserve(max(end, int(end * _GROWTH), _SMALLEST))
        self._keys[:, self.length : end] = key
        self._values[:, self.length : end] = value

    def _reserve(self, capacity: int) -> None:
        self._keys = _with_capacity(self.keys, capacity)
        self._values = _with_capacity(self.values, capacity)


def _with_capacity(stored: Tensor, capacity: int) -> Tensor:
    grown = stored.new_empty(stored.shape[0], capacity, stored.shape[2])
    grown[:, : stored.shape[1]] = stored
    return grown
