"""Ways of watching that several experiments compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiment.bench import Arm, Bench
from experiment.parts import EvenFrames
from longreel.compress.retake import Retake
from longreel.evaluate.settings import BLIND, fraction_in_words
from longreel.methods import Method, named_method

KEEP_ALL = named_method("keep-all")


def retaken(keep: float, **settings: Any) -> Method:
    """ReTaKe; see `Retake`."""
    return named_method("retake", keep, retake=Retake(**settings))


def evenly(keep: float) -> dict[str, Method]:
    """Frames kept evenly, before the vision tower and behind it."""
    behind = Method(features=EvenFrames(keep), name="uniform-behind")
    return {"uniform": named_method("uniform", keep), "uniform behind the tower": behind}


def summaries(bench: Bench, keeps: Sequence[float], *, plain: bool = False) -> dict[str, Method]:
    """Summary tokens, where the model has them; `plain` names them without the fraction."""
    if not bench.adapter.has_summary_tokens:
        return {}
    return {
        "summary tokens" if plain else f"summary tokens {fraction_in_words(keep)}": named_method(
            "video-xl", keep
        )
        for keep in keeps
    }


def no_summaries(bench: Bench) -> dict[str, str]:
    """What is left out where the model has no summary tokens."""
    return {} if bench.adapter.has_summary_tokens else {"summary tokens": "the model has none"}


def blind(against: str) -> Arm:
    """The arm to which nothing is shown."""
    return Arm(BLIND.label, None, against=(against,))


def others(labels: Sequence[str], label: str) -> tuple[str, ...]:
    """Those that are not this one."""
    return tuple(each for each in labels if each != label)


def fraction(label: str) -> float:
    """The fraction at the end of a label such as `uniform 1/4`."""
    part, _, whole = label.rpartition(" ")[2].partition("/")
    return int(part) / int(whole or 1)
