"""The experiments: which films are watched in which ways, and what each way is compared with."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from experiment_films import PartsTask, SceneTask
from torch import Tensor

from longreel.compress.base import FilmChoice, tokens_kept
from longreel.compress.baselines import FramesWithin, UniformFrames
from longreel.compress.context_window import RAMPS, ContextWindow, RescaledWindow
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.compress.retake import Retake
from longreel.errors import UsageError
from longreel.evaluate.settings import BLIND, Setting, fraction_in_words
from longreel.film_plan import PlannedFilm, plan_film
from longreel.films.vocabulary import taught_words
from longreel.methods import Method, named_method
from longreel.models import reel_tiny
from longreel.models.base import ModelAdapter
from longreel.positions import Rotation

# What questions can be about; lists and summaries are answers of another kind.
FAMILIES = (*reel_tiny.FAMILIES, "when", "next", "before", "after", "count", "needle")
KEEP_ALL = named_method("keep-all")
# Height and width of drawn films.
_SHOWN = (128, 192)


@dataclass(frozen=True)
class Arm:
    """One way of watching.

    method: None for nothing shown. line, x: of the figure, a line and where on it; x None for a level line.
    against: labels of what it is compared with.
    """

    label: str
    method: Method | None
    line: str = ""
    x: float | None = None
    against: tuple[str, ...] = ()

    @property
    def setting(self) -> Setting:
        """As `evaluate` takes it."""
        return Setting(self.label, self.method)


@dataclass(frozen=True)
class Leg:
    """Films, what is asked about them, and the arms that watch them.

    films: a name; answers of legs with the same one are about the same films.
    fps: frames per second that are watched; None for the model's own.
    """

    name: str
    task: SceneTask
    arms: Sequence[Arm]
    films: str = "films"
    fps: float | None = None


@dataclass(frozen=True)
class Experiment:
    """Legs that make one result.

    about: what is compared, in a sentence. x: what the figure has along, "" for no figure.
    left_out: what this model cannot do, and why. by: tags by which answers are sorted, too.
    """

    name: str
    about: str
    legs: Sequence[Leg]
    x: str = ""
    left_out: dict[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()

    @property
    def arms(self) -> list[Arm]:
        """All arms, each label once."""
        return list({arm.label: arm for leg in self.legs for arm in leg.arms}.values())


@dataclass(frozen=True)
class OffScale(ContextWindow):
    """A window with a table for `off` times the scale that the films ask for, at least 1.

    Its record says the films' extent all the same, as a table for less than that is refused.
    """

    off: float = 1.0

    def fitted(self, trained: Rotation, trained_window: int, extent: int) -> RescaledWindow:
        """See `ContextWindow`."""
        right = super().fitted(trained, trained_window, extent)
        other = super().fitted(trained, trained_window, max(right.window, round(right.target * self.off)))
        return replace(other, target=right.target)


@dataclass(frozen=True)
class EvenFrames:
    """Keep frames evenly behind the vision tower, where DPSelect and merging choose; see `ChoosingSelector`.

    A tower that sees frames in their film gets all of them, and not as from a film of fewer per second.
    """

    keep: float

    def choice(self, frames: int | None) -> EvenChoice:
        """See `ChoosingSelector`."""
        return EvenChoice(self.keep)


class EvenChoice:
    """See `FrameChoice`."""

    def __init__(self, keep: float) -> None:
        self._keep = keep

    def push(self, features: Tensor) -> Tensor | None:
        """All of them are held."""
        return None

    def end(self, features: Tensor) -> FilmChoice:
        """See `FrameChoice`."""
        frames, patches = features.shape[:2]
        count = tokens_kept(frames, self._keep)
        rows = (torch.arange(count) * frames // count)[:, None].expand(-1, patches)
        return FilmChoice(rows, rows, None)


@dataclass(frozen=True)
class Bench:
    """A model, and what was chosen at the command line."""

    adapter: ModelAdapter
    chosen: Namespace

    @cached_property
    def untaught(self) -> tuple[str, ...]:
        """Families of questions that the model was not taught."""
        if self.adapter.name == reel_tiny.NAME:
            return tuple(family for family in self._wanted if family not in reel_tiny.FAMILIES)
        unknown = self.adapter.dialogue.unknown_words
        return tuple(family for family in self._wanted if unknown(" ".join(taught_words([family]))))

    @property
    def families(self) -> tuple[str, ...]:
        """Those that are asked."""
        return tuple(family for family in self._wanted if family not in self.untaught)

    @property
    def _wanted(self) -> tuple[str, ...]:
        return tuple(self.chosen.families or FAMILIES)

    def left_out(self, **more: str) -> dict[str, str]:
        """What this model cannot do, and why."""
        return {f"questions of the family {name!r}": _UNTAUGHT for name in self.untaught} | more

    def fps(self, default: float | None = None) -> float:
        """Frames per second that are watched."""
        return float(self.chosen.fps or default or self.adapter.default_fps)

    def tokens(self, seconds: float, fps: float, pooling: ProgressivePooling | None = None) -> int:
        """Visual tokens that a film becomes."""
        times = torch.arange(round(seconds * fps), dtype=torch.float64) / fps
        film = PlannedFilm("a film", 0, _SHOWN, times, seconds)
        plan, _ = plan_film(self.adapter, None, film, None, pooling)
        assert plan.visual_tokens is not None
        return plan.visual_tokens

    def cannot_pool(self, pooling: ProgressivePooling) -> str | None:
        """Why this model's tokens cannot be pooled so; None if they can."""
        if not self.adapter.has_token_grid:
            return "the tokens of this model are no grid"
        grid = self.adapter.film_tokens(torch.zeros(1, dtype=torch.float64), *_SHOWN).grid
        assert grid is not None
        try:
            pooling.check((grid.rows, grid.columns))
        except UsageError as error:
            return str(error)
        return None

    def share_of(self, pooling: ProgressivePooling | None, seconds: float) -> float:
        """The tokens that pooling leaves, as a share of those without."""
        return self.tokens(seconds, self.fps(), pooling) / self.tokens(seconds, self.fps())

    @property
    def trained_minutes(self) -> float:
        """Minutes whose tokens fill the trained window, as far as one token takes one position."""
        return self.adapter.trained_window / self.tokens(60.0, self.fps())

    def keeps(self, *default: float) -> tuple[float, ...]:
        """Fractions to keep."""
        return tuple(self.chosen.keep or default)

    def minutes(self, default: float) -> float:
        """Length of films."""
        return float(self.chosen.minutes or default)

    def leg(self, task: SceneTask, arms: Sequence[Arm], name: str = "films", films: str = "films") -> Leg:
        """A leg at the frames per second that were chosen."""
        return Leg(name, task, arms, films, self.chosen.fps)

    def task(self, minutes: float, kind: type[SceneTask] = SceneTask, **more: Any) -> SceneTask:
        """Films of one length, and what is asked about them."""
        chosen = self.chosen
        numbers = {"films": chosen.films, "per_family": chosen.per_family, "existence": chosen.existence}
        more = {"longest": chosen.longest or 8.0, "min_event": 2.0, **numbers, **more}
        if chosen.min_event is not None:
            more["min_event"] = chosen.min_event
        return kind(
            minutes=(minutes,),
            splits=(chosen.split,),
            families=self.families,
            options=chosen.options,
            first_seed=chosen.first_seed,
            shortest=chosen.shortest,
            store=chosen.store,
            **more,
        )

    def fewer(self, multiple: float) -> dict[str, int]:
        """Fewer films where they are longer, and of each as many more questions as it has more scenes."""
        films = max(min(self.chosen.films, self.chosen.least_films), math.ceil(self.chosen.films / multiple))
        share = self.chosen.films / films
        asked = {"per_family": self.chosen.per_family, "existence": self.chosen.existence}
        return {"films": films, **{name: math.ceil(share * count) for name, count in asked.items()}}


def retaken(keep: float, **settings: Any) -> Method:
    """ReTaKe; see `Retake`."""
    return named_method("retake", keep, retake=Retake(**settings))


def evenly(keep: float) -> dict[str, Method]:
    """Frames kept evenly, before the vision tower and behind it."""
    behind = Method(features=EvenFrames(keep), name="uniform-behind")
    return {"uniform": named_method("uniform", keep), "uniform behind the tower": behind}


def longer(bench: Bench) -> Experiment:
    """A film of four times the length at the same memory."""
    parts, keep = 4, 1 / 4
    short = bench.minutes(bench.trained_minutes)
    base = "keep-all, a quarter of the film"
    whole = {
        "retake 1/4": retaken(keep),
        "retake 1/4, no pivots": retaken(keep, pivots=False),
        "retake 1/4, by time": retaken(keep, by_time=True),
        **{f"{name} 1/4": method for name, method in evenly(keep).items()},
        "random 1/4": named_method("random", keep),
        "keep-all": KEEP_ALL,
        "keep-all, window": Method(positions=ContextWindow(), name="window"),
        **_summaries(bench, [keep]),
    }
    arms = [Arm(label, method, against=(base,)) for label, method in whole.items()]
    return Experiment(
        "longer",
        f"Films of {parts * short:g} minutes, watched whole, against keep-all on the quarter that shows what "
        f"is asked about: what keeps 1/4 has as large a memory.",
        [
            bench.leg(
                bench.task(parts * short, PartsTask, parts=parts, whole=False), [Arm(base, KEEP_ALL)], "parts"
            ),
            bench.leg(bench.task(parts * short, PartsTask, parts=parts), [*arms, _blind(base)], "whole"),
        ],
        left_out=bench.left_out(**_no_summaries(bench)),
    )


def dpselect(bench: Bench) -> Experiment:
    """DPSelect against uniform sampling where events are short."""
    fps = bench.fps(2 * bench.adapter.default_fps)
    arms = [Arm("keep-all", KEEP_ALL), _blind("keep-all")]
    for keep in bench.keeps(1 / 2, 1 / 4, 1 / 8):
        share = fraction_in_words(keep)
        ways = {
            **evenly(keep),
            "DPSelect": retaken(1.0, keyframes=keep),
            "DPSelect, all patches together": retaken(1.0, keyframes=keep, per_patch=False),
            "MA-LMM": retaken(1.0, keyframes=keep, select="merge"),
            "MA-LMM, hard": retaken(1.0, keyframes=keep, select="merge-hard"),
        }
        even = [f"{line} {share}" for line in evenly(keep)]
        arms += [
            Arm(f"{line} {share}", method, line, keep, ("keep-all", *_others(even, f"{line} {share}")))
            for line, method in ways.items()
        ]
    task = bench.task(
        bench.minutes(2.0), longest=bench.chosen.longest or 1.0, min_event=bench.chosen.shortest
    )
    return Experiment(
        "dpselect",
        f"Films with scenes of {task.shortest:g} to {task.longest:g} s at {fps:g} frames per second; a "
        "fraction of these is prefilled.",
        [replace(bench.leg(task, arms), fps=fps)],
        "fraction of frames",
        bench.left_out(),
        ("event length",),
    )


def pivotkv(bench: Bench) -> Experiment:
    """PivotKV against other ways to the same memory."""
    minutes = bench.minutes(bench.trained_minutes)
    total = bench.tokens(60 * minutes, bench.fps())
    arms = [Arm("keep-all", KEEP_ALL), _blind("keep-all")]
    for keep in bench.keeps(1 / 2, 1 / 4, 1 / 8):
        share = fraction_in_words(keep)
        ways = {
            "PivotKV": retaken(keep),
            "PivotKV, no pivots": retaken(keep, pivots=False),
            "PivotKV, not squeezed": retaken(keep, squeeze=False),
            "PivotKV by layer": retaken(keep, by_layer=True),
            "PivotKV by time": retaken(keep, by_time=True),
            "short keys": retaken(keep, scored_by="keys"),
            "random": named_method("random", keep),
            "recent window": named_method("recent-window", budget=max(1, round(keep * total))),
            **evenly(keep),
            "MA-LMM": retaken(1.0, keyframes=keep, select="merge"),
            **_summaries(bench, [keep], plain=True),
        }
        own = [f"PivotKV {share}"]
        arms += [
            Arm(f"{line} {share}", method, line, keep, ("keep-all", *_others(own, f"{line} {share}")))
            for line, method in ways.items()
        ]
    return Experiment(
        "pivotkv",
        f"Films of {minutes:g} minutes; every way has as large a memory at the same fraction.",
        [bench.leg(bench.task(minutes), arms)],
        "fraction kept",
        bench.left_out(**_no_summaries(bench)),
    )


def balance(bench: Bench) -> Experiment:
    """The two keeps at a fixed product (the paper's figure 5b)."""
    minutes, product = bench.minutes(bench.trained_minutes), bench.keeps(1 / 4)[0]
    base, most = "keep-all", 1 / product
    quotients = [most, *(q for q in (3.0, 2.0, 1.0, 1 / 2, 1 / 3) if product <= q <= most), product]
    arms = [Arm(base, KEEP_ALL), _blind(base)]
    label = "DPSelect {:.3f} x PivotKV {:.3f}"
    first = label.format(1.0, product)
    for quotient in dict.fromkeys(quotients):
        frames, entries = math.sqrt(product * quotient), math.sqrt(product / quotient)
        name = label.format(frames, entries)
        method = retaken(min(1.0, entries), keyframes=min(1.0, frames))
        against = (base,) if name == first else (base, first)
        arms.append(Arm(name, method, "DPSelect x PivotKV", quotient, against))
    return Experiment(
        "balance",
        f"Films of {minutes:g} minutes, of which {fraction_in_words(product)} is kept: fraction of frames x "
        "fraction of their entries.",
        [bench.leg(bench.task(minutes), arms)],
        "fraction of frames / fraction of entries",
        bench.left_out(),
    )


def window(bench: Bench) -> Experiment:
    """Accuracy against film length, by several rotary tables at each length."""
    base = bench.minutes(bench.trained_minutes)
    legs = [
        bench.leg(
            bench.task(base * each, **bench.fewer(each)), _scaled(bench, each), f"{each:g}x", f"{each:g}x"
        )
        for each in bench.chosen.multiples
    ]
    return Experiment(
        "window",
        f"Films of {base:g} minutes and multiples of that. A table is for the trained window times a scale; "
        "the right scale is how many times as long as the window what is watched is.",
        legs,
        "film length / trained length",
        bench.left_out(**_no_summaries(bench)),
    )


def _scaled(bench: Bench, multiple: float) -> list[Arm]:
    """At one length: no table, and those for scales around the right one; the same with summary tokens."""
    at = f"at {multiple:g}x"
    ways: dict[str, dict[str, Method]] = {"": {"none": KEEP_ALL}}
    right = bench.tokens(60 * bench.minutes(bench.trained_minutes) * multiple, bench.fps())
    scale = max(1.0, right / bench.adapter.trained_window)
    for ramp in RAMPS:
        for off in bench.chosen.scales:
            if scale * off > 1:
                method = Method(positions=OffScale(ramp, off=off), name="window")
                ways[""][ramp if off == 1 else f"{ramp}, {off:g} x the right scale"] = method
    for name, plain in _summaries(bench, [1 / 4, 1 / 16]).items():
        ways[name] = {name: plain}
        # Positions are those of summaries.
        if scale * fraction(name) > 1:
            ways[name] |= {f"{name}, {ramp}": replace(plain, positions=ContextWindow(ramp)) for ramp in RAMPS}
    arms = []
    for group in ways.values():
        first = f"{next(iter(group))} {at}"
        for line, method in group.items():
            label = f"{line} {at}"
            against = tuple(dict.fromkeys(each for each in (f"none {at}", first) if each != label))
            arms.append(Arm(label, method, line, multiple, against))
    return [*arms, Arm(f"blind {at}", None, "blind", multiple, (f"none {at}",))]


def pooling(bench: Bench) -> Experiment:
    """Progressive against uniform pooling at equal tokens."""
    minutes, keep = bench.minutes(bench.trained_minutes), bench.keeps(1 / 4)[0]
    budget = round(keep * bench.tokens(60 * minutes, bench.fps()))
    fine, *coarse = bench.chosen.strides
    ways = {f"all by {stride}": ProgressivePooling(0, (stride, stride)) for stride in (fine, *coarse)}
    for group in (4, 8, 16):
        for stride in coarse:
            label = f"one in {group} by {fine}, the others by {stride}"
            ways[label] = ProgressivePooling(group, (fine, stride))
    why = {label: reason for label, part in ways.items() if (reason := bench.cannot_pool(part))}
    possible = {label: part for label, part in ways.items() if label not in why}
    even = [label for label, part in possible.items() if part.group == 0]
    arms = [
        Arm(label, Method(FramesWithin(budget), tokens=part, name="pooling"), against=_others(even, label))
        for label, part in possible.items()
    ]
    return Experiment(
        "pooling",
        f"Films of {minutes:g} minutes, of which every way sees so many frames, evenly, that they become at "
        f"most {budget:,} tokens.",
        [bench.leg(bench.task(minutes), [*arms, _blind(even[0])])] if even else [],
        left_out=bench.left_out(**why),
    )


def combined(bench: Bench) -> Experiment:
    """What DPSelect, progressive pooling, PivotKV and the context window each add at one budget."""
    minutes, keep = bench.minutes(8 * bench.trained_minutes), bench.keeps(1 / 4)[0]
    pool = ProgressivePooling(4, (bench.chosen.strides[0], bench.chosen.strides[-1]))
    why = bench.cannot_pool(pool)
    arms = []
    for part in (None,) if why else (None, pool):
        left = keep / bench.share_of(part, 60 * minutes)
        for frames in (False, True):
            for entries in (False, True):
                arms += _with_and_without_window(left, frames=frames, entries=entries, pool=part)
    unread = Arm("keep-all + window", Method(positions=ContextWindow(), name="window"), against=("uniform",))
    whole = [Arm("keep-all", KEEP_ALL, against=("uniform",)), unread]
    return Experiment(
        "combined",
        f"Films of {minutes:g} minutes; every way but keep-all keeps {fraction_in_words(keep)}. What pooling "
        "leaves to do, DPSelect and PivotKV do, each as much as the other, or else uniform frames.",
        [bench.leg(bench.task(minutes), [*whole, *arms, _blind("uniform")])],
        left_out=bench.left_out(**({"progressive pooling": why} if why else {})),
    )


def _with_and_without_window(
    keep: float, *, frames: bool, entries: bool, pool: ProgressivePooling | None
) -> list[Arm]:
    """A combination that keeps the fraction `keep` of the tokens it gets, twice; none if that is over 1."""
    if keep > 1:
        return []
    names = ["pooling"] * (pool is not None) + ["DPSelect"] * frames + ["PivotKV"] * entries
    each = math.sqrt(keep) if frames and entries else keep
    settings = Retake(keyframes=each if frames else 1.0, pivots=frames)
    method = Method(
        None if frames or entries else UniformFrames(keep),
        settings.cache(each, None) if entries else KEEP_ALL.cache,
        "combined",
        settings.features(),
        pool,
    )
    label = " + ".join(names) if frames or entries else " + ".join([*names, "uniform"])
    longer = replace(method, positions=ContextWindow())
    return [
        Arm(label, method, against=_others(("uniform",), label)),
        Arm(f"{label} + window", longer, against=tuple(dict.fromkeys(("uniform", label)))),
    ]


_UNTAUGHT = "the model was not taught them"


def _summaries(bench: Bench, keeps: Sequence[float], *, plain: bool = False) -> dict[str, Method]:
    """Summary tokens, where the model has them; `plain` names them without the fraction."""
    if not bench.adapter.has_summary_tokens:
        return {}
    return {
        "summary tokens" if plain else f"summary tokens {fraction_in_words(keep)}": named_method(
            "video-xl", keep
        )
        for keep in keeps
    }


def fraction(label: str) -> float:
    """The fraction at the end of a label such as `uniform 1/4`."""
    part, _, whole = label.rpartition(" ")[2].partition("/")
    return int(part) / int(whole or 1)


def _no_summaries(bench: Bench) -> dict[str, str]:
    return {} if bench.adapter.has_summary_tokens else {"summary tokens": "the model has none"}


def _blind(against: str) -> Arm:
    return Arm(BLIND.label, None, against=(against,))


def _others(labels: Sequence[str], label: str) -> tuple[str, ...]:
    return tuple(each for each in labels if each != label)


EXPERIMENTS: dict[str, Callable[[Bench], Experiment]] = {
    "longer": longer,
    "dpselect": dpselect,
    "pivotkv": pivotkv,
    "balance": balance,
    "window": window,
    "pooling": pooling,
    "combined": combined,
}
