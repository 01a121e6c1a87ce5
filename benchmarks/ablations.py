"""Ablations of the default model: models that differ in one thing of their training, asked the same.

    python benchmarks/ablations.py compressors -o docs/results/ablation-compressors.json

NAME is one of those under [ablations] of recipes/ablations.toml. Every arm is trained with every seed, for
the same number of steps, over the same films; then all are asked the same about films that nobody has learned
from. The same command goes on with a run that was stopped or killed, and does nothing twice: trainings that
several ablations have in common are made once in --folder.

The number of steps is chosen by the first ablation of a folder, for all of them: as many as the slowest
training makes in --minutes of CPU time, told from a few steps of each. --steps gives it instead. The starts,
one for each seed, come on top.

--output stores the result, with a figure beside it; `results_page.py` puts both on the page of results.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablation_measuring import Column, columns, measure, task_of
from ablation_recipe import Ablation, AblationRecipe, load_ablations
from ablation_result import draw, result, tables
from ablation_training import Workshop
from experiments import document
from provenance import provenance

from longreel.cli.failures import exit_code_of
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError
from longreel.evaluate.run_folder import Row
from longreel.files import atomic_file
from longreel.kept_plan import read_plan, write_plan
from longreel.models import reel_tiny
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback

RECIPE = Path(__file__).parents[1] / "recipes" / "ablations.toml"
# Of the minutes, what a few steps that happen to be quick must not use up.
_MARGIN = 0.9


def steps_of(
    folder: Path, workshop: Workshop, recipe: AblationRecipe, minutes: float, steps: int | None
) -> int:
    """The steps of every training in a folder, chosen when it has none.

    Raises:
        UsageError: other minutes or steps were chosen before.
    """
    path = folder / "steps.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_plan(path, {"minutes": minutes, "steps": steps} if steps else _timed(workshop, recipe, minutes))
    chosen = read_plan(path)
    if steps not in (None, chosen["steps"]) or (steps is None and minutes != chosen["minutes"]):
        raise UsageError(
            f"{folder} has trainings of {chosen['steps']:,} steps, for --minutes {chosen['minutes']:g}: "
            f"give --steps {chosen['steps']}, or another --folder"
        )
    return int(chosen["steps"])


def _timed(workshop: Workshop, recipe: AblationRecipe, minutes: float) -> dict[str, Any]:
    seconds = {name: workshop.seconds_per_step(name) for name in recipe.trainings}
    steps = max(1, int(_MARGIN * 60 * minutes / max(seconds.values())))
    return {"minutes": minutes, "steps": steps, "seconds_per_step": seconds}


def run(
    ablation: Ablation,
    name: str,
    recipe: AblationRecipe,
    workshop: Workshop,
    chosen: argparse.Namespace,
    steps: int,
    progress: ProgressCallback | None = None,
) -> dict[str, dict[int, Sequence[Row]]]:
    """Train and ask, or go on; the answers by label and seed."""
    for seed in seeds_of(recipe, chosen.seeds):
        for arm in ablation.arms:
            workshop.train(arm.training, seed, steps)
    task = task_of(recipe, ablation, chosen.folder / "drawn", chosen.films)

    def asked(column: Column, seed: int) -> Sequence[Row]:
        place = workshop.folder(column.arm.training, seed) / "measured"
        place /= f"{name}-{column.arm.label}-{column.ratio}".replace(" ", "-")
        return measure(workshop, recipe, column, seed, task, place, progress)

    return {
        column.label: {seed: asked(column, seed) for seed in seeds_of(recipe, chosen.seeds)}
        for column in columns(ablation)
    }


def eyes() -> VideoXLModel:
    """The model whose vision tower all have: the one in the package."""
    return reel_tiny.load_adapter().model


def seeds_of(recipe: AblationRecipe, count: int) -> range:
    """The first seeds of the recipe."""
    return range(recipe.seed, recipe.seed + count)


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
    with shown_progress(quiet=False) as progress:
        workshop = Workshop(recipe, chosen.folder, eyes(), shots=chosen.shots, progress=progress)
        steps = steps_of(chosen.folder, workshop, recipe, chosen.minutes, chosen.steps)
        answers = run(ablation, chosen.name, recipe, workshop, chosen, steps, progress)
    seeds = seeds_of(recipe, chosen.seeds)
    accounts = {
        arm.label: {seed: workshop.account(arm.training, seed) for seed in seeds} for arm in ablation.arms
    }
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
