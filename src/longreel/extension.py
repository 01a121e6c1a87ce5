"""Make a watched memory read as a longer window, by turning its keys and without watching again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from longreel.compress.context_window import ContextWindow, RescaledWindow
from longreel.errors import UsageError
from longreel.header import WindowRecord
from longreel.key_values import LayerMemory
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.positions import RotaryTable, Rotation
from longreel.watched_film import plain


def extended(adapter: ModelAdapter, method: Method, memory: VideoMemory, target: int) -> VideoMemory:
    """The memory with the rotary table for `target` positions; `memory` itself stays as it is.

    Every key is turned from where the table of the memory put it to where the longer one puts it. In the
    first layer these are the keys of a film watched by the longer table; in those behind it, keys and values
    were computed from what the earlier table attended to, so this is an approximation, and header and report
    say so.

    The ramp and the window are those of the memory; of one without, those of `method` or else the defaults.

    Raises:
        UsageError: the memory is incomplete, or made for more positions than `target`.
        MemoryFileError: the memory is damaged or of another model.
    """
    memory.require_model(adapter)
    memory.require_shapes(adapter)
    if not memory.complete:
        raise UsageError(
            "the memory is incomplete: finish it with watch(…, resume=memory) before extending it"
        )
    part = _part_of(memory, method)
    before = memory.window or _unscaled(adapter, part)
    after = part.extended(adapter.rotation, before, target)
    if after == before:
        return memory
    turn = _between(adapter.rotation, before, after)
    tables: dict[int, RotaryTable] = {}
    layers = tuple(_turned(layer, turn, tables) for layer in memory.layers)
    header = memory.header.model_copy(update={"window": WindowRecord(**plain(after))})
    dense = None if memory.dense is None else tuple(_turned(layer, turn, tables) for layer in memory.dense)
    return VideoMemory(layers, memory.timeline, header, dense)


def _part_of(memory: VideoMemory, method: Method) -> ContextWindow:
    settings: dict[str, Any] | None = memory.header.method.get("positions")
    if settings is None:
        return method.positions or ContextWindow()
    ramp, factor = settings.get("ramp", ContextWindow.ramp), settings.get("attention_factor")
    return ContextWindow(ramp=ramp, attention_factor=factor)


def _unscaled(adapter: ModelAdapter, part: ContextWindow) -> RescaledWindow:
    """The table of a memory that has none of its own."""
    return replace(part, target="auto").fitted(adapter.rotation, adapter.trained_window, extent=0)


def _between(trained: Rotation, before: RescaledWindow, after: RescaledWindow) -> Rotation:
    """What turns a key rotated by one table into one rotated by another."""
    earlier, later = before.rotation(trained), after.rotation(trained)
    return replace(trained, inv_freq=later.inv_freq - earlier.inv_freq, factor=later.factor / earlier.factor)


def _turned(layer: LayerMemory, turn: Rotation, tables: dict[int, RotaryTable]) -> LayerMemory:
    """`tables` holds those of the layers before: most stand where the first does."""
    key = id(layer.positions)
    if key not in tables:
        tables[key] = RotaryTable(layer.positions.to(layer.keys.device), turn)
    return replace(layer, keys=tables[key].rotate(layer.keys))
