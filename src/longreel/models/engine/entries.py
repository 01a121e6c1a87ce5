"""Keys and values of one layer while a film is being watched or a question answered."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.key_values import LayerMemory
from longreel.models.engine.attend import Segment

_GROWTH = 1.5
_SMALLEST = 64


@dataclass(frozen=True, eq=False)
class Marks:
    """Where the entries of a layer stand and what they show; layers that keep the same share one.

    positions: int64 (n,), or (3, n) for families with three position axes.
    token: int64 (n,), index of the visual token, `TEXT` for text.
    """

    positions: Tensor
    token: Tensor

    def followed_by(self, more: Marks) -> Marks:
        """These, then `more`."""
        return Marks(torch.cat((self.positions, more.positions), dim=-1), torch.cat((self.token, more.token)))

    def at(self, index: Tensor) -> Marks:
        """Those at `index`, int64."""
        return Marks(self.positions[..., index], self.token[index])


class LayerEntries:
    """Growing keys and values of one layer, (kv_heads, length, head_dim).

    Storage is grown in place with head room, so a pass neither copies nor concatenates the memory: its
    own entries are written behind the memory and overwritten by whatever is kept. With gradients in
    flight in-place writes are not allowed, and tensors are concatenated instead.

    Args:
        keys, values: to begin with, (kv_heads, n, head_dim).
        borrowed: leave them where they are and never write there; what is added lies apart.
    """

    def __init__(self, keys: Tensor, values: Tensor, *, borrowed: bool = False) -> None:
        self._lent = Segment(keys, values) if borrowed else None
        none = keys[:, :0]
        self._keys, self._values = (none, none) if borrowed else (keys, values)
        self._own = self._keys.shape[1]
        self._capacity = 0
        self._staged: tuple[Tensor, Tensor] | None = None

    @classmethod
    def empty(cls, shape: tuple[int, int], device: torch.device, dtype: torch.dtype) -> LayerEntries:
        """A layer of a memory of nothing; shape: its (kv_heads, head_dim)."""
        heads, head_dim = shape
        none = torch.empty(heads, 0, head_dim, device=device, dtype=dtype)
        return cls(none, none)

    @classmethod
    def of(cls, layer: LayerMemory, device: torch.device, dtype: torch.dtype) -> LayerEntries:
        """Entries that begin with a memory's layer; the first to be added takes a copy."""
        return cls(layer.keys.to(device, dtype), layer.values.to(device, dtype))

    @classmethod
    def lent(cls, layer: LayerMemory, device: torch.device, dtype: torch.dtype) -> LayerEntries:
        """Entries behind a memory's layer, which is read where it lies."""
        return cls(layer.keys.to(device, dtype), layer.values.to(device, dtype), borrowed=True)

    @property
    def length(self) -> int:
        """Committed entries."""
        return self._own + (0 if self._lent is None else self._lent.keys.shape[1])

    @property
    def device(self) -> torch.device:
        """Device of the stored tensors."""
        return self._keys.device

    @property
    def keys(self) -> Tensor:
        """The committed keys, rotated, (kv_heads, length, head_dim)."""
        own = self._keys[:, : self._own]
        return own if self._lent is None else torch.cat((self._lent.keys, own), dim=1)

    @property
    def values(self) -> Tensor:
        """The committed values, (kv_heads, length, head_dim)."""
        own = self._values[:, : self._own]
        return own if self._lent is None else torch.cat((self._lent.values, own), dim=1)

    def extended(self, key: Tensor, value: Tensor) -> list[Segment]:
        """The memory and the n entries of a pass behind it; the pass's own are not committed."""
        if torch.is_grad_enabled():
            own = Segment(
                torch.cat((self._keys[:, : self._own], key), dim=1),
                torch.cat((self._values[:, : self._own], value), dim=1),
            )
        else:
            end = self._own + key.shape[1]
            self._write(key, value)
            own = Segment(self._keys[:, :end], self._values[:, :end])
        return [own] if self._lent is None or not self._lent.keys.shape[1] else [self._lent, own]

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
            self._keys = torch.cat((self._keys[:, : self._own], key), dim=1)
            self._values = torch.cat((self._values[:, : self._own], value), dim=1)
            self._capacity = 0
        else:
            self._write(key, value)
        self._own += key.shape[1]

    def select(self, index: Tensor) -> None:
        """Keep only the committed entries at `index`, int64 ascending; nothing may be borrowed."""
        self._keys, self._values = self._keys[:, index], self._values[:, index]
        self._own, self._capacity = len(index), 0

    def _write(self, key: Tensor, value: Tensor) -> None:
        end = self._own + key.shape[1]
        if end > self._capacity:
            self._reserve(max(end, int(end * _GROWTH), _SMALLEST))
        self._keys[:, self._own : end] = key
        self._values[:, self._own : end] = value

    def _reserve(self, capacity: int) -> None:
        self._keys = _with_capacity(self._keys[:, : self._own], capacity)
        self._values = _with_capacity(self._values[:, : self._own], capacity)
        self._capacity = capacity


def _with_capacity(stored: Tensor, capacity: int) -> Tensor:
    grown = stored.new_empty(stored.shape[0], capacity, stored.shape[2])
    grown[:, : stored.shape[1]] = stored
    return grown
