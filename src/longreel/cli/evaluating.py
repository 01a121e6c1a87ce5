"""What the commands that evaluate share: their options, the run, and where its result goes."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli.loading import loaded_model
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError
from longreel.files import atomic_file
from longreel.method_parameters import PLAIN, MethodParameters
from longreel.parsing import parsed_budgets, parsed_fractions, parsed_words

if TYPE_CHECKING:
    from longreel.evaluate.items import Task
    from longreel.evaluate.run import Evaluation
    from longreel.evaluate.run_folder import Row
    from longreel.evaluate.settings import Setting
    from longreel.evaluate.sharing import Share
    from longreel.models.base import ModelAdapter

_RUN = "Run"
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Folder of the run; default: runs/evaluate-TASK.", rich_help_panel=_RUN
    ),
]
ResultFile = Annotated[
    Path | None,
    typer.Option("--result", help="Write the result here too.", rich_help_panel=_RUN),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        help="Compare with this setting too, or FOLDER:SETTING of another run, beside keep-all.",
        rich_help_panel=_RUN,
    ),
]
BlindModel = Annotated[
    str | None,
    typer.Option(
        "--blind-model", help="Folder of a model that answers without a film; default: the same model."
    ),
]
KeepMemories = Annotated[
    bool, typer.Option("--keep-memories", help="Leave the memories in the folder.", rich_help_panel=_RUN)
]
Untimed = Annotated[
    bool,
    typer.Option(
        "--untimed",
        help="Much faster: encode frames once for all methods, ask questions together, and leave times out.",
        rich_help_panel=_RUN,
    ),
]
Methods = Annotated[
    str,
    typer.Option("--methods", "--method", help="To compare: video-xl,uniform.", rich_help_panel="Model"),
]

Budgets = Annotated[
    str | None,
    typer.Option(
        "--budget",
        help="Numbers of visual tokens to keep, in place of --keep: 4096,8192.",
        rich_help_panel="Model",
    ),
]


@dataclass(frozen=True)
class Chosen:
    """What is measured; see `Evaluation`."""

    methods: str
    keep: str
    model: str | None
    blind_model: str | None
    dtype: str | None
    device: str | None
    fps: float | None
    count: int | None = None
    max_frames: int | None = None
    keep_memories: bool = False
    skip_unreadable: bool = False
    budget: str | None = None
    parameters: MethodParameters = PLAIN
    timed: bool = True
    dense_intervals: int | None = None


@dataclass(frozen=True)
class Places:
    """Where the run, its result and its baseline are."""

    output: Path | None
    result: Path | None
    baseline: str | None


@dataclass(frozen=True)
class Compared:
    """A run that is done.

    folder: where it is. origin: see `provenance`. baseline: what it is compared with.
    """

    folder: Path
    plan: Mapping[str, Any]
    rows: Sequence[Row]
    origin: Mapping[str, Any]
    baseline: str
    baseline_rows: Sequence[Row]


def measure(
    task: Task,
    chosen: Chosen,
    places: Places,
    share: Share,
    counted: Callable[[Compared], Mapping[str, Any]],
    show: Callable[[Mapping[str, Any]], None],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run, or go on with, an evaluation; store its result and show it, if this is the first process of it."""
    from longreel.evaluate.provenance import provenance
    from longreel.evaluate.run import evaluate
    from longreel.evaluate.settings import BASE

    settings = settings_of(chosen)
    labels = [setting.label for setting in settings]
    folder = places.output or Path("runs") / f"evaluate-{task.name}"
    compared, theirs = _baseline(places.baseline or BASE, labels)
    task.items()
    evaluation = _evaluation(task, chosen, settings, share)
    try:
        with shown_progress(quiet or not share.first) as progress:
            run = evaluate(evaluation, folder, progress, share)
    except KeyboardInterrupt:
        if share.first:
            print_remark(f"what was measured is in {folder}: run the same command again to go on")
        raise
    if not share.first:
        return
    rows = run.rows()
    if theirs is None:
        theirs = [row for row in rows if row["setting"] == compared]
    origin = provenance(_command())
    measured = counted(Compared(folder, evaluation.plan(), rows, origin, compared, theirs))
    for path in filter(None, (folder / "result.json", places.result)):
        with atomic_file(path) as file:
            file.write((json.dumps(measured, allow_nan=False) + "\n").encode())
    if as_json:
        print_json(measured)
    else:
        show(measured)


def settings_of(chosen: Chosen) -> list[Setting]:
    """The base model, the methods at their fractions, and nothing shown.

    Raises:
        UsageError: a method, or a fraction, number or parameter that it cannot have.
    """
    from longreel.evaluate.settings import BLIND, settings_to_compare, with_base, with_dense_intervals

    fractions = parsed_fractions(chosen.keep)
    budgets = parsed_budgets(chosen.budget)
    names = parsed_words(chosen.methods)
    methods = settings_to_compare(names, fractions, budgets, chosen.parameters)
    return [*with_base(with_dense_intervals(methods, chosen.dense_intervals)), BLIND]


def _evaluation(task: Task, chosen: Chosen, settings: Sequence[Setting], share: Share) -> Evaluation:
    from longreel.evaluate.run import Evaluation

    return Evaluation(
        task,
        _adapter(chosen, chosen.model, share),
        settings,
        None if chosen.blind_model is None else _adapter(chosen, chosen.blind_model, share),
        fps=chosen.fps,
        count=chosen.count,
        max_frames=chosen.max_frames,
        keep_memories=chosen.keep_memories,
        skip_unreadable=chosen.skip_unreadable,
        timed=chosen.timed,
    )


def _adapter(chosen: Chosen, name: str | None, share: Share) -> ModelAdapter:
    return loaded_model(name, None, None, chosen.dtype, share.device(chosen.device)).adapter


def _baseline(name: str, labels: Sequence[str]) -> tuple[str, list[Row] | None]:
    """What to compare with: a setting of this run, or rows of another.

    Raises:
        UsageError: it is neither.
    """
    from longreel.evaluate.run_folder import read_rows

    folder, colon, label = name.rpartition(":")
    if not colon:
        if name not in labels:
            raise UsageError(f"--baseline {name!r} is none of the settings: {', '.join(labels)}")
        return name, None
    rows = [row for row in read_rows(Path(folder)) if row["setting"] == label]
    if not rows:
        raise UsageError(f"--baseline {name!r}: {folder} holds no rows of {label!r}")
    return name, rows


def _command() -> str:
    return shlex.join(["longreel", *sys.argv[1:]])
