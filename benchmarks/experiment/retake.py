"""ReTaKe's experiments."""

from __future__ import annotations

import math
from dataclasses import replace

from experiment.arms import KEEP_ALL, blind, evenly, no_summaries, others, retaken, summaries
from experiment.bench import Arm, Bench, Experiment
from experiment.films import PartsTask
from longreel.compress.context_window import ContextWindow
from longreel.evaluate.settings import fraction_in_words
from longreel.methods import Method, named_method


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
        **summaries(bench, [keep]),
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
            bench.leg(bench.task(parts * short, PartsTask, parts=parts), [*arms, blind(base)], "whole"),
        ],
        left_out=bench.left_out(**no_summaries(bench)),
    )


def dpselect(bench: Bench) -> Experiment:
    """DPSelect against uniform sampling where events are short."""
    fps = bench.fps(2 * bench.adapter.default_fps)
    arms = [Arm("keep-all", KEEP_ALL), blind("keep-all")]
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
            Arm(f"{line} {share}", method, line, keep, ("keep-all", *others(even, f"{line} {share}")))
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
    arms = [Arm("keep-all", KEEP_ALL), blind("keep-all")]
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
            **summaries(bench, [keep], plain=True),
        }
        own = [f"PivotKV {share}"]
        arms += [
            Arm(f"{line} {share}", method, line, keep, ("keep-all", *others(own, f"{line} {share}")))
            for line, method in ways.items()
        ]
    return Experiment(
        "pivotkv",
        f"Films of {minutes:g} minutes; every way has as large a memory at the same fraction.",
        [bench.leg(bench.task(minutes), arms)],
        "fraction kept",
        bench.left_out(**no_summaries(bench)),
    )


def balance(bench: Bench) -> Experiment:
    """The two keeps at a fixed product (the paper's figure 5b)."""
    minutes, product = bench.minutes(bench.trained_minutes), bench.keeps(1 / 4)[0]
    base, most = "keep-all", 1 / product
    quotients = [most, *(q for q in (3.0, 2.0, 1.0, 1 / 2, 1 / 3) if product <= q <= most), product]
    arms = [Arm(base, KEEP_ALL), blind(base)]
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
