"""The options that set methods, once for all commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from longreel.cli import options
from longreel.method_parameters import PLAIN, MethodParameters

# In the order of the help.
_OPTIONS: dict[str, Any] = {
    "target": options.Target,
    "window": options.Window,
    "ramp": options.Ramp,
    "pool": options.Pool,
    "chunk_frames": options.ChunkFrames,
    "keyframes": options.Keyframes,
    "select": options.Select,
    "pivots": options.Pivots,
    "squeeze": options.Squeeze,
    "scores": options.Scores,
    "by_layer": options.ByLayer,
    "by_time": options.ByTime,
    "intervals": options.Intervals,
    "ratios": options.Ratios,
    "draw": options.Draw,
    "ratio_seed": options.RatioSeed,
    "dense": options.Dense,
}


def with_method_parameters(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each of `MethodParameters`, in place of its argument `parameters`."""

    @wraps(command)
    def run(**given: Any) -> None:
        parameters = MethodParameters(**{name: given.pop(name) for name in _OPTIONS})
        command(**given, parameters=parameters)

    plain = inspect.signature(command, eval_str=True)
    shown = [part for each in plain.parameters.values() for part in _shown(each)]
    # Where typer looks for options.
    run.__signature__ = plain.replace(parameters=shown)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in shown}
    return run


def _shown(argument: inspect.Parameter) -> list[inspect.Parameter]:
    if argument.name != "parameters":
        return [argument]
    return [
        inspect.Parameter(name, argument.kind, default=getattr(PLAIN, name), annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
