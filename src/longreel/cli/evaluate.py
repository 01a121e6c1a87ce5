"""`longreel evaluate`: measure settings on films whose truth is known."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longreel.cli import options
from longreel.cli.evaluate_report import print_result
from longreel.cli.loading import loaded_model
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError
from longreel.files import atomic_file

if TYPE_CHECKING:
    from longreel.evaluate.items import Task
    from longreel.evaluate.run_folder import Row
    from longreel.models.base import ModelAdapter

evaluate = typer.Typer(
    help="Measure how many questions are answered rightly, under several methods and fractions kept."
)

_TASK, _RUN = "Task", "Run"
Films = Annotated[
    int, typer.Option("--films", min=1, help="Films of each length and split.", rich_help_panel=_TASK)
]
Minutes = Annotated[str, typer.Option("--minutes", help="Lengths: 2,5,10.", rich_help_panel=_TASK)]
Splits = Annotated[
    str,
    typer.Option(
        "--splits", help="train, unseen-combinations, unseen-places, unseen-style.", rich_help_panel=_TASK
    ),
]
MinEvent = Annotated[
    float,
    typer.Option("--min-event", help="Seconds of the shortest scene asked about.", rich_help_panel=_TASK),
]
FirstSeed = Annotated[int, typer.Option("--first-seed", help="Of the first film.", rich_help_panel=_TASK)]
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
        help="Compare with this setting, or FOLDER:SETTING of another run; default: the first setting.",
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


@evaluate.command()
def films(
    films: Films = 20,
    minutes: Minutes = "5",
    splits: Splits = "unseen-combinations",
    wordings: Annotated[
        str, typer.Option("--wordings", help="train, unseen.", rich_help_panel=_TASK)
    ] = "train",
    families: Annotated[
        str,
        typer.Option(
            "--families", help="Of questions; recall is colour, place, action, object.", rich_help_panel=_TASK
        ),
    ] = "recall,existence",
    per_family: Annotated[
        int,
        typer.Option("--per-family", min=1, help="Questions of each family and film.", rich_help_panel=_TASK),
    ] = 15,
    existence: Annotated[
        int, typer.Option("--existence", min=1, help="The same for existence.", rich_help_panel=_TASK)
    ] = 52,
    min_event: MinEvent = 2.0,
    no_options: Annotated[
        bool, typer.Option("--no-options", help="Ask in free wording only.", rich_help_panel=_TASK)
    ] = False,
    first_seed: FirstSeed = 600_000_000,
    methods: options.Methods = "video-xl",
    keep: options.Keeps = "1,1/2,1/4,1/8,1/16",
    model: options.ModelName = None,
    blind_model: BlindModel = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    fps: options.Fps = None,
    output: Output = None,
    result: ResultFile = None,
    baseline: Baseline = None,
    keep_memories: KeepMemories = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Ask many questions of every family about drawn films.

    Each film is drawn, watched once per setting, and asked. Beside the settings stand the answers of a model
    to which nothing was shown, and the best constant answer. The same command goes on with a run that was
    stopped.

    Examples:

      longreel evaluate films --films 5 --minutes 2
      longreel evaluate films --methods video-xl,uniform,keep-all --keep 1/4,1/16 -o runs/methods
    """
    from longreel.evaluate.drawn_films import FilmsTask

    task = FilmsTask(
        films=films,
        minutes=_numbers("--minutes", minutes),
        splits=options.parsed_words(splits),
        wordings=options.parsed_words(wordings),
        families=options.parsed_words(families),
        per_family=per_family,
        existence=existence,
        min_event=min_event,
        options=not no_options,
        first_seed=first_seed,
    )
    chosen = _Chosen(methods, keep, model, blind_model, dtype, device, fps, keep_memories)
    _evaluate(task, chosen, _Places(output, result, baseline), quiet=quiet, as_json=as_json)


@evaluate.command()
def needle(
    films: Films = 20,
    minutes: Minutes = "60",
    splits: Splits = "unseen-combinations",
    depths: Annotated[
        str, typer.Option("--depths", help="Shares of the film.", rich_help_panel=_TASK)
    ] = "0.1,0.3,0.5,0.7,0.9",
    min_event: MinEvent = 2.0,
    first_seed: FirstSeed = 600_000_000,
    methods: options.Methods = "video-xl",
    keep: options.Keeps = "1/16",
    model: options.ModelName = None,
    blind_model: BlindModel = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    fps: options.Fps = None,
    output: Output = None,
    result: ResultFile = None,
    baseline: Baseline = None,
    keep_memories: KeepMemories = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Ask for one scene at each depth of long films.

    Each attribute of that scene is in other scenes too, so only their combination finds it.

    Examples:

      longreel evaluate needle --films 2 --minutes 10
      longreel evaluate needle --keep 1/4,1/16 -o runs/needle
    """
    from longreel.evaluate.drawn_films import NeedleTask

    task = NeedleTask(
        films=films,
        minutes=_numbers("--minutes", minutes),
        splits=options.parsed_words(splits),
        depths=_numbers("--depths", depths),
        min_event=min_event,
        first_seed=first_seed,
    )
    chosen = _Chosen(methods, keep, model, blind_model, dtype, device, fps, keep_memories)
    _evaluate(task, chosen, _Places(output, result, baseline), quiet=quiet, as_json=as_json)


@dataclass(frozen=True)
class _Chosen:
    """What is measured."""

    methods: str
    keep: str
    model: str | None
    blind_model: str | None
    dtype: str | None
    device: str | None
    fps: float | None
    keep_memories: bool


@dataclass(frozen=True)
class _Places:
    """Where the run, its result and its baseline are."""

    output: Path | None
    result: Path | None
    baseline: str | None


def _evaluate(task: Task, chosen: _Chosen, places: _Places, *, quiet: bool, as_json: bool) -> None:
    from longreel.evaluate.provenance import provenance
    from longreel.evaluate.result import result
    from longreel.evaluate.run import Evaluation, evaluate
    from longreel.evaluate.settings import BLIND, settings_to_compare

    fractions = options.parsed_fractions(chosen.keep)
    settings = [*settings_to_compare(options.parsed_words(chosen.methods), fractions), BLIND]
    folder = places.output or Path("runs") / f"evaluate-{task.name}"
    compared, theirs = _baseline(places.baseline or settings[0].label, [each.label for each in settings])
    task.items()
    evaluation = Evaluation(
        task,
        _adapter(chosen, chosen.model),
        settings,
        None if chosen.blind_model is None else _adapter(chosen, chosen.blind_model),
        fps=chosen.fps,
        keep_memories=chosen.keep_memories,
    )
    try:
        with shown_progress(quiet) as progress:
            run = evaluate(evaluation, folder, progress)
    except KeyboardInterrupt:
        print_remark(f"what was measured is in {folder}: run the same command again to go on")
        raise
    rows = run.rows()
    measured = result(
        evaluation.plan(),
        rows,
        provenance(_command()),
        compared,
        [row for row in rows if row["setting"] == compared] if theirs is None else theirs,
    )
    for path in filter(None, (folder / "result.json", places.result)):
        with atomic_file(path) as file:
            file.write((json.dumps(measured, allow_nan=False) + "\n").encode())
    if as_json:
        print_json(measured)
    else:
        print_result(measured)


def _adapter(chosen: _Chosen, name: str | None) -> ModelAdapter:
    return loaded_model(name, None, None, chosen.dtype, chosen.device).adapter


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


def _numbers(option: str, text: str) -> tuple[float, ...]:
    """The numbers in `2,5,10`.

    Raises:
        UsageError: one of them is none, or there is none.
    """
    try:
        numbers = tuple(float(part) for part in options.parsed_words(text))
    except ValueError:
        numbers = ()
    if not numbers:
        raise UsageError(f"{option} {text!r} is not a list of numbers: write 2,5,10")
    return numbers
