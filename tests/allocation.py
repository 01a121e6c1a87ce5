"""What operations on tensors read and what they allocate: bytes are counted, no clock is asked."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_PRODUCTS = (torch.ops.aten.bmm.default, torch.ops.aten.mm.default)


class Allocation(TorchDispatchMode):
    """Watches every operation of this thread while it is entered.

    peak: most bytes alive at once of those that were allocated meanwhile.
    made: shapes of the tensors for which memory was allocated.
    multiplied: addresses of the tensors that matrix products read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._alive = 0
        self.made: list[tuple[int, ...]] = []
        self.multiplied: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if func in _PRODUCTS:
            self.multiplied |= {tensor.data_ptr() for tensor in given}
        held = {tensor.untyped_storage().data_ptr() for tensor in given}
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in held:
                self._note(tensor)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.made.append(tuple(tensor.shape))
        self._alive += storage.nbytes()
        self.peak = max(self.peak, self._alive)
        weakref.finalize(storage, self._free, storage.nbytes())

    def _free(self, count: int) -> None:
        self._alive -= count
