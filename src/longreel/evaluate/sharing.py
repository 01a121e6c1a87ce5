"""A run shared by processes: each takes every n-th film, and one of them counts at the end.

`accelerate launch` or `torchrun` starts the processes and tells them their numbers. They meet at two places
only: when the folder of the run is made, and after all films are done. What they found is in that folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeVar

from longreel.errors import LongreelError

T = TypeVar("T")

# A process whose films are short waits for the others, be it for days.
_PATIENCE = timedelta(days=30)


def _nobody() -> None:
    """There is nobody to wait for."""


@dataclass(frozen=True)
class Share:
    """One process's part of a run.

    index: its number, from 0; count: how many there are. local_index: its number on its machine.
    meet: returns once every process has called it; raises LongreelError if one of them is gone.
    """

    index: int = 0
    count: int = 1
    local_index: int = 0
    meet: Callable[[], None] = _nobody

    @property
    def first(self) -> bool:
        """Whether this is the process that brings everything together."""
        return self.index == 0

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Every `count`-th item: by its place in the list alone, so that it does not matter who is faster."""
        return items[self.index :: self.count]

    def device(self, name: str | None) -> str | None:
        """The device of this process: plain `cuda` means a card of its own."""
        if self.count == 1 or name != "cuda":
            return name
        import torch

        return f"cuda:{self.local_index % max(1, torch.cuda.device_count())}"


ALONE = Share()


def current_share() -> Share:
    """The part of this process, as its launcher says; ALONE without a launcher.

    Raises:
        LongreelError: it was launched with others, and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return ALONE
    try:
        accelerate: Any = import_module("accelerate")
    except ImportError as error:
        raise LongreelError("several processes need one more package: pip install accelerate") from error
    # Waiting needs no card: with `cpu` the processes speak to each other without one.
    state = accelerate.PartialState(cpu=True, timeout=_PATIENCE)

    def meet() -> None:
        try:
            state.wait_for_everyone()
        except RuntimeError:
            raise LongreelError(
                "another process of this run has ended: run the same command again to go on"
            ) from None

    return Share(state.process_index, state.num_processes, state.local_process_index, meet)
