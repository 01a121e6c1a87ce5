"""Ablations of the default model: models that differ in one thing of their training, asked the same.

    python benchmarks/ablations.py compressors -o docs/results/ablation-compressors.json

NAME is one of those under [ablations] of recipes/ablations.toml. Every arm is trained with every seed, for
the same number of steps, over the same films; then all are asked the same about films that nobody has learned
from. The same command goes on with a run that was stopped or killed, and does nothing twice: trainings that
several ablations have in common are made once in --folder.

The number of steps is the same for all arms: as many as the slowest of them makes in --minutes of CPU time,
told from a few steps of each. --steps gives it instead; with one number of steps, ablations share trainings.
The starts, one for each seed, come on top.

--output stores the result, with a figure beside it; `results_page.py` puts both on the page of results.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablation.measuring import columns, measure, task_of
from ablation.recipe import Ablation, AblationRecipe, load_ablations
from ablation.result import draw, result, tables
from ablation.training import Run, Workshop
from experiments import document
from longreel.cli.failures import exit_code_of
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError
from longreel.evaluate.run_folder import Row
from longreel.files import atomic_file
from longreel.kept_plan import read_plan, write_plan
from longreel.models import reel_tiny
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback
from provenance import provenance

RECIPE = Path(__file__).parents[1] / "recipes" / "ablations.toml"
# Of the minutes, what a few steps that happen to be quick must not use up.
_MARGIN = 0.9


def steps_of(ablation: Ablation, workshop: Workshop, minutes: float, path: Path) -> int:
    """As many as the slowest training of an ablation makes in so many CPU minutes, kept in `path`."""
    if not path.exists():
        names = dict.fromkeys(arm.training for arm in ablation.arms)
        seconds = {name: workshop.seconds_per_step(name) for name in names}
        steps = max(1, int(_MARGIN * 60 * minutes / max(seconds.values())))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_plan(path, {"minutes": minutes, "steps": steps, "seconds_per_step": seconds})
    return int(read_plan(path)["steps"])


def asked(
    recipe: AblationRecipe,
    workshop: Workshop,
    chosen: argparse.Namespace,
    runs: Mapping[str, Sequence[Run]],
    progress: ProgressCallback | None = None,
) -> dict[str, dict[int, Sequence[Row]]]:
    """The answers of trained models, by label and seed; those that are there are not asked for again."""
    ablation = recipe.ablations[chosen.name]
    task = task_of(recipe, ablation, chosen.folder / "drawn", chosen.films)
    found: dict[str, dict[int, Sequence[Row]]] = {}
    for column in columns(ablation):
        arm = column.arm
        name = f"{chosen.name}-{arm.label}-{column.ratio}".replace(" ", "-")
        found[column.label] = {
            run.seed: measure(
                workshop, recipe, column, run, task, workshop.folder(run) / "measured" / name, progress
            )
            for run in runs[arm.label]
        }
    return found


def eyes() -> VideoXLModel:
    """The model whose vision tower all have: the one in the package."""
    return reel_tiny.load_adapter().model


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", help="of an ablation in the recipe")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=30.0, help="CPU minutes of one training")
    parser.add_argument("--steps", type=int, help="of one training, in place of --minutes")
    parser.add_argument("--films", type=int, help="films to ask about; default: as the recipe says")
    parser.add_argument("--folder", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--shots", type=Path, help="frames of the films that `longreel train` drew before")
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run or go on, print, store."""
    chosen = parsed(arguments)
    recipe = load_ablations(chosen.recipe)
    ablation = recipe.ablations.get(chosen.name)
    if ablation is None:
        raise UsageError(f"there is no ablation {chosen.name!r}: choose from {', '.join(recipe.ablations)}")
    if min(chosen.seeds, 1 if chosen.steps is None else chosen.steps, chosen.minutes) <= 0:
        raise UsageError("--seeds, --steps and --minutes are numbers above 0")
    seeds = range(recipe.seed, recipe.seed + chosen.seeds)
    with shown_progress(quiet=False) as progress:
        workshop = Workshop(recipe, chosen.folder, eyes(), shots=chosen.shots, progress=progress)
        path = chosen.folder / f"steps-{chosen.name}-{chosen.minutes:g}.json"
        steps = chosen.steps or steps_of(ablation, workshop, chosen.minutes, path)
        runs = {arm.label: [Run(arm.training, seed, steps) for seed in seeds] for arm in ablation.arms}
        for number, _ in enumerate(seeds):
            for each in runs.values():
                workshop.train(each[number])
        answers = asked(recipe, workshop, chosen, runs, progress)
    accounts = {label: {run.seed: workshop.account(run) for run in each} for label, each in runs.items()}
    origin = provenance("ablations.py", arguments)
    found = result(chosen.name, ablation.about, columns(ablation), answers, accounts, steps, origin)
    print("\n\n".join(tables(found)))
    if chosen.output:
        store(found, chosen.output)


def store(found: dict[str, Any], output: Path) -> None:
    """Write the result, and its figure beside it."""
    draw(found, output.with_suffix(".png"))
    with atomic_file(output) as file:
        file.write(document({**found, "figure": output.with_suffix(".png").name}).encode())


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:]), sys.argv[1:]))
