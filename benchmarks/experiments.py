"""Experiments on drawn films: ways of watching compared over the same questions.

    python benchmarks/experiments.py pivotkv --films 40 -o docs/results/retake-pivotkv.json
    torchrun --nproc-per-node 2 benchmarks/experiments.py window --films 34 -o docs/results/window.json

NAME is one of longer, dpselect, pivotkv, balance (ReTaKe), window, extend, pooling, combined (visual
context window); `experiment/retake.py` and `experiment/window.py` say what each compares. Every film is
watched once by every arm, in the folder --folder, and the same command goes on with a run that was stopped
or killed; processes that torchrun or accelerate starts share the films. Differences are between answers to
the same questions, with 95 % intervals over films.

--output stores the result, with a figure beside it where there is a curve; `results_page.py` puts both on
the page of results. --so-far watches nothing and counts the films that every arm has watched.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import longreel
from experiment.bench import FAMILIES, Bench, Experiment
from experiment.result import draw, result, tables
from experiment.retake import balance, dpselect, longer, pivotkv
from experiment.window import combined, extend, pooling, window
from longreel.cli.failures import exit_code_of
from longreel.cli.progress import shown_progress
from longreel.evaluate.run import Evaluation, evaluate
from longreel.evaluate.run_folder import Row, read_rows
from longreel.evaluate.sharing import ALONE, Share, current_share
from longreel.files import atomic_file
from longreel.films.questions import named_families
from longreel.films.scenes import SPLITS
from longreel.models.base import ModelAdapter
from longreel.parsing import parsed_fraction
from longreel.progress import ProgressCallback
from provenance import provenance

# Far from the seeds of training, which start at 900,000,000, and from those tried out by hand.
FIRST_SEED = 800_000_000
EXPERIMENTS: dict[str, Callable[[Bench], Experiment]] = {
    "longer": longer,
    "dpselect": dpselect,
    "pivotkv": pivotkv,
    "balance": balance,
    "window": window,
    "extend": extend,
    "pooling": pooling,
    "combined": combined,
}


def run(
    experiment: Experiment,
    adapter: ModelAdapter,
    folder: Path,
    progress: ProgressCallback | None = None,
    share: Share = ALONE,
) -> dict[str, list[Row]]:
    """The answers of each leg; those that the folder holds are not asked for again."""
    found: dict[str, list[Row]] = {}
    for leg in experiment.legs:
        settings = [arm.setting for arm in leg.arms]
        evaluation = Evaluation(leg.task, adapter, settings, fps=leg.fps, timed=False)
        found[leg.name] = evaluate(evaluation, folder / leg.name, progress, share).rows()
    return found


def so_far(experiment: Experiment, folder: Path) -> dict[str, list[Row]]:
    """The answers that the folder holds."""
    folders = {leg.name: folder / leg.name for leg in experiment.legs}
    return {name: list(read_rows(path)) if path.exists() else [] for name, path in folders.items()}


def store(found: dict[str, Any], output: Path) -> None:
    """Write the result, and its figure beside it."""
    if found["x"]:
        draw(found, output.with_suffix(".png"))
        found = {**found, "figure": output.with_suffix(".png").name}
    with atomic_file(output) as file:
        file.write(document(found).encode())


def document(found: dict[str, Any]) -> str:
    """JSON in which each cell and difference has a line."""
    parts = []
    for name, value in found.items():
        text = json.dumps(value, allow_nan=False)
        if isinstance(value, list) and value:
            text = "[\n  " + ",\n  ".join(json.dumps(each, allow_nan=False) for each in value) + "\n ]"
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=EXPERIMENTS)
    parser.add_argument("--model", default=None, help="model folder; default: the one in the package")
    parser.add_argument("--device", default=None, help="cpu (default), cuda, cuda:1, …")
    parser.add_argument("--films", type=int, default=40)
    parser.add_argument(
        "--minutes", type=float, help="length of a film; of its quarter for longer, at 1x for window"
    )
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--split", choices=SPLITS, default="unseen-combinations")
    parser.add_argument("--families", nargs="+", help=f"to ask about: {', '.join(FAMILIES)}")
    parser.add_argument("--per-family", type=int, default=15, help="questions per family and film")
    parser.add_argument("--existence", type=int, default=52, help="questions about existence per film")
    parser.add_argument("--options", action="store_true", help="ask with lettered options, too")
    parser.add_argument("--min-event", type=float, help="seconds of the shortest scene asked about")
    parser.add_argument("--shortest", type=float, default=0.5, help="seconds of the shortest scene")
    parser.add_argument("--longest", type=float, help="seconds of the longest scene")
    parser.add_argument("--fps", type=float, help="frames per second to watch; default: the model's")
    parser.add_argument("--keep", nargs="+", type=parsed_fraction, help="fractions: 1/2 1/4 1/8")
    parser.add_argument(
        "--multiples", nargs="+", type=float, default=[1, 2, 4, 8, 16], help="window: lengths"
    )
    parser.add_argument(
        "--scales", nargs="+", type=float, default=[0.5, 1, 2], help="window: times the right one"
    )
    parser.add_argument("--least-films", type=int, default=10, help="window: films of the longest length")
    parser.add_argument(
        "--strides", nargs="+", type=int, default=[2, 4, 8], help="pooling: fine, then coarse"
    )
    parser.add_argument("--folder", type=Path, help="folder of the run; default: runs/NAME")
    parser.add_argument(
        "--store", type=Path, help="folder of films that several runs share; it is left there"
    )
    parser.add_argument("--so-far", action="store_true", help="count what is done, watch nothing")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args(arguments)
    chosen.families = named_families(chosen.families) if chosen.families else None
    chosen.folder = chosen.folder or Path("runs") / chosen.name
    chosen.own_store = chosen.store is None
    # No leg has this name.
    chosen.store = chosen.store or chosen.folder / "drawn"
    return chosen


def main(arguments: Sequence[str]) -> None:
    """Run or go on, print, store."""
    chosen = parsed(arguments)
    share = current_share()
    adapter = longreel.load(chosen.model, device=share.device(chosen.device)).adapter
    experiment = EXPERIMENTS[chosen.name](Bench(adapter, chosen))
    if chosen.so_far:
        rows = so_far(experiment, chosen.folder)
    else:
        with shown_progress(quiet=not share.first) as progress:
            rows = run(experiment, adapter, chosen.folder, progress, share)
    if not share.first:
        return
    origin = provenance("experiments.py", arguments)
    model = {"model": {"name": adapter.name, **adapter.identity()}}
    found = result(experiment, rows, origin | model)
    print("\n\n".join(tables(found)))
    if chosen.output:
        store(found, chosen.output)
    if chosen.own_store and not chosen.so_far:
        shutil.rmtree(chosen.store, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:]), sys.argv[1:]))
