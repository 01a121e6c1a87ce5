"""What watching costs beside the unmodified model of transformers, which takes the whole film in one pass.

Weights are random and frames are noise: only shapes matter. Each measurement is made in a process of its own.

    python benchmarks/watch_checkpoint.py -o docs/results/watch-checkpoint.json

On a GPU, stage by stage, our engine alone at the real shape of Qwen2.5-VL-7B:

    python benchmarks/watch_checkpoint.py --device cuda --shape 7b --frames 256 1024 2048 --peak-tflops 989 \\
        -o docs/results/watch-checkpoint-7b.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from memory_peak import peak, reset_peak
from provenance import provenance, show_and_store
from random_models import REAL, SMALL, WAYS
from watch_stages import measure_stages

RESULT = "docs/results/watch-checkpoint.json"
NOTE = (
    "Random weights, noise for frames, nothing compressed; entries are those of one layer. Medians of "
    "several runs, turn by turn, each in a process of its own; seconds are of the processor, on one core. "
    "Peaks are above the loaded model. Ratios are longreel to transformers: below 1 longreel takes less."
)
STAGES_NOTE = (
    "Random weights in bfloat16, noise of 640x360 for frames, nothing compressed. Medians of several runs, "
    "each in a process of its own. Shares are of the peak FLOP/s named in the command, for the FLOPs that "
    "the result needs. A chunk's memory is measured on a film of one chunk; the peak ratio is that of the "
    "peak to weights, memory and one chunk together."
)
Row = dict[str, Any]
# Measures one way ("longreel", "transformers", "stages") of watching so many frames with a kind of model.
Measure = Callable[[str, str, int, argparse.Namespace], Row]


def measure(way: str, kind: str, frames: int, settings: argparse.Namespace) -> Row:
    """Watch once, in this process."""
    if way == "stages":
        return measure_stages(REAL, frames, settings.device, torch.bfloat16, settings.peak_tflops)
    watch = WAYS[way](SMALL[kind], settings.device, torch.float32, settings.chunk)
    # What is made at the first use is not the film's.
    watch(4)
    before = reset_peak(settings.device)
    started, cpu = time.perf_counter(), time.process_time()
    entries = watch(frames)
    return {
        "entries": entries,
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - started,
        "peak_mib": (peak(settings.device) - before) / 2**20,
    }


def in_a_process(way: str, kind: str, frames: int, settings: argparse.Namespace) -> Row:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--one", way, kind, str(frames), "--device", settings.device]
    command += ["--shape", settings.shape, "--chunk", str(settings.chunk)]
    command += ["--peak-tflops", str(settings.peak_tflops)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: Row = json.loads(done.stdout)
    return result


def compared(settings: argparse.Namespace, run: Measure = in_a_process) -> list[Row]:
    """A row for each family and length, with the ratios of the two ways."""
    rows = []
    for kind in settings.kinds:
        for frames in settings.frames:
            runs = _turn_by_turn(list(WAYS), kind, frames, settings, run)
            ours, theirs = runs["longreel"], runs["transformers"]
            rows.append(
                {
                    "model": SMALL[kind].name,
                    "frames": frames,
                    "entries": ours["entries"],
                    **{f"seconds_{way}": round(runs[way]["cpu_seconds"], 3) for way in runs},
                    "time_ratio": round(ours["cpu_seconds"] / theirs["cpu_seconds"], 3),
                    **{f"peak_mib_{way}": round(runs[way]["peak_mib"], 1) for way in runs},
                    "memory_ratio": round(ours["peak_mib"] / theirs["peak_mib"], 3),
                }
            )
    return rows


def staged(settings: argparse.Namespace, run: Measure = in_a_process) -> list[Row]:
    """A row for each length, at the real shape."""
    return [
        {"frames": frames, **_turn_by_turn(["stages"], REAL.kind, frames, settings, run)["stages"]}
        for frames in settings.frames
    ]


def _turn_by_turn(
    ways: list[str], kind: str, frames: int, settings: argparse.Namespace, run: Measure
) -> dict[str, Row]:
    """Medians for each way; turn by turn, so that none has the quiet hours of the machine."""
    runs: dict[str, list[Row]] = {way: [] for way in ways}
    for _ in range(settings.repeats):
        for way in ways:
            runs[way].append(run(way, kind, frames, settings))
    return {
        way: {name: statistics.median(row[name] for row in rows) for name in rows[0]}
        for way, rows in runs.items()
    }


def report(settings: argparse.Namespace, arguments: Sequence[str], run: Measure = in_a_process) -> Row:
    """The whole result."""
    real = settings.shape == "7b"
    return {
        "task": "watch checkpoint",
        **provenance("watch_checkpoint.py", arguments),
        "settings": {
            name: getattr(settings, name) for name in ("device", "shape", "chunk", "repeats", "peak_tflops")
        },
        "note": STAGES_NOTE if real else NOTE,
        "rows": (staged if real else compared)(settings, run),
    }


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--frames", nargs="+", type=int, default=[32, 64, 128, 256])
    parser.add_argument("--kinds", nargs="+", choices=list(SMALL), default=list(SMALL))
    parser.add_argument("--chunk", type=int, default=512, help="visual tokens together, for small shapes")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--shape", choices=("small", "7b"), default="small")
    parser.add_argument("--peak-tflops", type=float, default=0.0, help="of the GPU in bfloat16, dense")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    settings = parser.parse_args(arguments)
    real, gpu = settings.shape == "7b", settings.device != "cpu"
    if real != gpu or (real and not settings.peak_tflops):
        parser.error("--shape 7b goes with --device cuda and --peak-tflops, small shapes with the processor")
    return settings


def main(arguments: Sequence[str]) -> None:
    """Run, print, store."""
    settings = parsed(arguments)
    if settings.one:
        way, kind, frames = settings.one
        if settings.device == "cpu":
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            torch.set_num_threads(1)
        print(json.dumps(measure(way, kind, int(frames), settings)))
        return
    show_and_store(report(settings, arguments), settings.output)
    if settings.output is None:
        print(f"to store it: the same with -o {RESULT}, then results_page.py", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
