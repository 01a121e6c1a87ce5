"""Asking the trained models of an ablation about the same films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablation.recipe import DYNAMIC, SUMMARIES, Ablation, AblationRecipe, Arm
from ablation.training import Run, Workshop
from ablation.watching import CondensingModel
from experiment.films import SceneTask
from longreel.compress.video_xl import VideoXL
from longreel.evaluate.run import Evaluation, evaluate
from longreel.evaluate.run_folder import Row
from longreel.evaluate.settings import Setting, fraction_in_words
from longreel.methods import Method, named_method
from longreel.progress import ProgressCallback


@dataclass(frozen=True)
class Column:
    """An arm at one ratio: what a result has one row for."""

    label: str
    arm: Arm
    ratio: int
    to: str


def columns(ablation: Ablation) -> list[Column]:
    """All of them, by ratio; each is compared with the first arm at its ratio."""
    first = ablation.arms[0].label

    def label(name: str, ratio: int) -> str:
        return name if len(ablation.measured_at) == 1 else f"{name} {fraction_in_words(1 / ratio)}"

    return [
        Column(label(arm.label, ratio), arm, ratio, label(first, ratio))
        for ratio in ablation.measured_at
        for arm in ablation.arms
    ]


def task_of(recipe: AblationRecipe, ablation: Ablation, store: Path, films: int | None = None) -> SceneTask:
    """What is asked about which films; `films` of them, None for as many as the recipe says."""
    measured = recipe.measured
    return SceneTask(
        films=measured.films if films is None else films,
        minutes=(measured.minutes,),
        splits=(measured.split,),
        families=recipe.families_of(ablation),
        per_family=measured.per_family,
        existence=measured.existence,
        min_event=measured.min_event,
        options=False,
        first_seed=measured.first_seed,
        store=store,
    )


def measure(
    workshop: Workshop,
    recipe: AblationRecipe,
    column: Column,
    run: Run,
    task: SceneTask,
    folder: Path,
    progress: ProgressCallback | None = None,
) -> Sequence[Row]:
    """The answers of one trained model at one ratio; those that `folder` holds are not asked for again."""
    adapter, condenser = workshop.trained(run, task.families)
    shown = adapter if condenser is None else CondensingModel(adapter, condenser).as_adapter
    setting = Setting(column.label, method_of(recipe, column))
    return evaluate(Evaluation(task, shown, [setting], timed=False), folder, progress).rows()


def method_of(recipe: AblationRecipe, column: Column) -> Method:
    """How the model of an arm watches."""
    training, keep = recipe.trainings[column.arm.training], 1 / column.ratio
    if training.condense != SUMMARIES:
        # What is condensed beforehand stays whole.
        return named_method("keep-all")
    if column.arm.intervals != DYNAMIC:
        return named_method("video-xl", keep)
    settings = VideoXL(ratios=tuple(training.ratios), intervals=DYNAMIC)
    return named_method("video-xl", keep, video_xl=settings)
