"""Experiments on the visual context window and on progressive pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from experiment.arms import KEEP_ALL, blind, fraction, no_summaries, others, summaries
from experiment.bench import Arm, Bench, Experiment, Leg
from experiment.parts import OffScale
from longreel.compress.baselines import FramesWithin, UniformFrames
from longreel.compress.context_window import RAMPS, ContextWindow
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.compress.retake import Retake
from longreel.evaluate.settings import fraction_in_words
from longreel.methods import Method


def window(bench: Bench) -> Experiment:
    """Accuracy against film length, by several rotary tables at each length."""
    base = bench.minutes(bench.trained_minutes)
    return Experiment(
        "window",
        f"Films of {base:g} minutes and multiples of that. A table is for the trained window times a scale; "
        "the right scale is how many times as long as the window what is watched is.",
        _legs(bench, bench.chosen.multiples, _scaled),
        "film length / trained length",
        bench.left_out(**no_summaries(bench)),
    )


def _legs(bench: Bench, multiples: Sequence[float], arms: Callable[[Bench, float], list[Arm]]) -> list[Leg]:
    """One for each multiple of the trained length, with films of its own."""
    base = bench.minutes(bench.trained_minutes)
    return [
        bench.leg(bench.task(base * each, **bench.fewer(each)), arms(bench, each), f"{each:g}x", f"{each:g}x")
        for each in multiples
    ]


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
    for name, plain in summaries(bench, [1 / 4, 1 / 16]).items():
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


def extend(bench: Bench) -> Experiment:
    """Extending memories in place of watching longer films again."""
    base = bench.minutes(bench.trained_minutes)
    return Experiment(
        "extend",
        f"Films of multiples of {base:g} minutes. *Extended* are memories that were watched without a longer "
        "window and got it afterwards, *watched again* those that were watched with it.",
        _legs(bench, [each for each in bench.chosen.multiples if each > 1], _extended),
        "film length / trained length",
        bench.left_out(),
    )


def _extended(bench: Bench, multiple: float) -> list[Arm]:
    minutes = multiple * bench.minutes(bench.trained_minutes)
    extent = max(bench.adapter.trained_window, bench.tokens(60 * minutes, bench.fps()))
    plain, again = f"as watched at {multiple:g}x", f"watched again at {multiple:g}x"
    return [
        Arm(plain, KEEP_ALL, "as watched", multiple, (again,)),
        Arm(f"extended at {multiple:g}x", KEEP_ALL, "extended", multiple, (plain, again), extended=extent),
        Arm(again, Method(positions=ContextWindow(), name="window"), "watched again", multiple),
    ]


def pooling(bench: Bench) -> Experiment:
    """Progressive against uniform pooling at equal tokens."""
    minutes, keeps = bench.minutes(bench.trained_minutes), bench.keeps(1 / 4)
    fine, *coarse = bench.chosen.strides
    ways = {f"all by {stride}": ProgressivePooling(0, (stride, stride)) for stride in (fine, *coarse)}
    for group in (4, 8, 16):
        for stride in coarse:
            label = f"one in {group} by {fine}, the others by {stride}"
            ways[label] = ProgressivePooling(group, (fine, stride))
    why = {label: reason for label, part in ways.items() if (reason := bench.cannot_pool(part))}
    possible = {label: part for label, part in ways.items() if label not in why}
    whole = bench.tokens(60 * minutes, bench.fps())
    arms = [
        arm for keep in sorted(keeps, reverse=True) for arm in _pooled(possible, keep, round(keep * whole))
    ]
    return Experiment(
        "pooling",
        f"Films of {minutes:g} minutes, of which every way sees so many frames, evenly, that they become at "
        f"most a fraction of the {whole:,} tokens that all frames are.",
        [bench.leg(bench.task(minutes), [*arms, blind(arms[0].label)])] if arms else [],
        "fraction of tokens",
        bench.left_out(**why),
    )


def _pooled(ways: Mapping[str, ProgressivePooling], keep: float, budget: int) -> list[Arm]:
    """All ways within one budget; each is compared with those that pool all frames alike."""
    share = fraction_in_words(keep)
    even = [f"{way} {share}" for way, part in ways.items() if part.group == 0]
    return [
        Arm(
            f"{way} {share}",
            Method(FramesWithin(budget), tokens=part, name="pooling"),
            way,
            keep,
            others(even, f"{way} {share}"),
        )
        for way, part in ways.items()
    ]


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
        [bench.leg(bench.task(minutes), [*whole, *arms, blind("uniform")])],
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
        Arm(label, method, against=others(("uniform",), label)),
        Arm(f"{label} + window", longer, against=tuple(dict.fromkeys(("uniform", label)))),
    ]
