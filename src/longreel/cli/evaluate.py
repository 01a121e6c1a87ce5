"""`longreel evaluate`: measure settings on films whose truth is known, and on the field's benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import evaluating, options
from longreel.cli.evaluate_benchmark import add_benchmarks
from longreel.cli.evaluate_recipe import recipe
from longreel.cli.evaluate_report import print_result
from longreel.cli.evaluating import Chosen, Compared, Places, measure
from longreel.cli.method_options import with_method_parameters
from longreel.errors import UsageError
from longreel.method_parameters import PLAIN, MethodParameters
from longreel.parsing import parsed_words

if TYPE_CHECKING:
    from longreel.evaluate.items import Task

evaluate = typer.Typer(
    help="Measure how many questions are answered rightly, under several methods and fractions kept."
)

_TASK, _HAYSTACK = "Task", "A haystack of your own"
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


@evaluate.command()
@with_method_parameters
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
    methods: evaluating.Methods = "video-xl",
    keep: options.Keeps = "1,1/2,1/4,1/8,1/16",
    budget: evaluating.Budgets = None,
    parameters: MethodParameters = PLAIN,
    dense_intervals: options.DenseIntervals = None,
    model: options.ModelName = None,
    blind_model: evaluating.BlindModel = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    fps: options.Fps = None,
    output: evaluating.Output = None,
    result: evaluating.ResultFile = None,
    baseline: evaluating.Baseline = None,
    keep_memories: evaluating.KeepMemories = False,
    untimed: evaluating.Untimed = False,
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
        splits=parsed_words(splits),
        wordings=parsed_words(wordings),
        families=parsed_words(families),
        per_family=per_family,
        existence=existence,
        min_event=min_event,
        options=not no_options,
        first_seed=first_seed,
    )
    chosen = Chosen(
        methods,
        keep,
        model,
        blind_model,
        dtype,
        device,
        fps,
        keep_memories=keep_memories,
        budget=budget,
        parameters=parameters,
        timed=not untimed,
        dense_intervals=dense_intervals,
    )
    _measure(task, chosen, Places(output, result, baseline), quiet=quiet, as_json=as_json)


@evaluate.command()
@with_method_parameters
def needle(
    haystack: Annotated[
        Path | None,
        typer.Option("--haystack", help="A film to hide needles in.", rich_help_panel=_HAYSTACK),
    ] = None,
    needles: Annotated[
        Path | None,
        typer.Option(
            "--needles",
            help="JSON list of needles: image or clip, question, options, answer.",
            rich_help_panel=_HAYSTACK,
        ),
    ] = None,
    lengths: Annotated[
        str, typer.Option("--lengths", help="Frames of the haystack.", rich_help_panel=_HAYSTACK)
    ] = "64,128,256",
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="PNG to draw shares found in, by depth and length."),
    ] = None,
    depths: Annotated[
        str, typer.Option("--depths", help="Shares of the film.", rich_help_panel=_TASK)
    ] = "0.1,0.3,0.5,0.7,0.9",
    films: Films = 20,
    minutes: Minutes = "60",
    splits: Splits = "unseen-combinations",
    min_event: MinEvent = 2.0,
    first_seed: FirstSeed = 600_000_000,
    methods: evaluating.Methods = "video-xl",
    keep: options.Keeps = "1/16",
    budget: evaluating.Budgets = None,
    parameters: MethodParameters = PLAIN,
    dense_intervals: options.DenseIntervals = None,
    model: options.ModelName = None,
    blind_model: evaluating.BlindModel = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    fps: options.Fps = None,
    output: evaluating.Output = None,
    result: evaluating.ResultFile = None,
    baseline: evaluating.Baseline = None,
    keep_memories: evaluating.KeepMemories = False,
    untimed: evaluating.Untimed = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Ask for one scene at each depth of long films, or for needles put into a film of your own.

    In drawn films each attribute of that scene is in other scenes too, so only their combination finds it.
    With --haystack, pictures or clips are put into a film, at each depth of stretches of several lengths;
    docs/evaluation.md shows a file of --needles.

    Examples:

      longreel evaluate needle --films 2 --minutes 10
      longreel evaluate needle --keep 1/4,1/16 -o runs/needle
      longreel evaluate needle --haystack film.mp4 --needles needles.json --lengths 64,256 --figure map.png
    """
    task: Task
    if haystack is not None:
        task = _haystack(haystack, needles, lengths, _numbers("--depths", depths), fps)
    elif needles is not None:
        raise UsageError("--needles are put into a film: name it with --haystack")
    else:
        from longreel.evaluate.drawn_films import NeedleTask

        task = NeedleTask(
            films=films,
            minutes=_numbers("--minutes", minutes),
            splits=parsed_words(splits),
            depths=_numbers("--depths", depths),
            min_event=min_event,
            first_seed=first_seed,
        )
    chosen = Chosen(
        methods,
        keep,
        model,
        blind_model,
        dtype,
        device,
        None if haystack else fps,
        keep_memories=keep_memories,
        budget=budget,
        parameters=parameters,
        timed=not untimed,
        dense_intervals=dense_intervals,
    )
    _measure(task, chosen, Places(output, result, baseline), figure, quiet=quiet, as_json=as_json)


def _haystack(
    film: Path, needles: Path | None, lengths: str, depths: tuple[float, ...], fps: float | None
) -> Task:
    from longreel.evaluate.haystack import HaystackTask
    from longreel.evaluate.needles import read_needles

    if needles is None:
        raise UsageError("--haystack needs to know what to hide in it: name a JSON file with --needles")
    numbers = _numbers("--lengths", lengths)
    if any(number != int(number) for number in numbers):
        raise UsageError(f"--lengths {lengths!r} are numbers of frames: write 64,128,256")
    return HaystackTask(
        film, tuple(read_needles(needles)), tuple(int(number) for number in numbers), depths, fps
    )


add_benchmarks(evaluate)
evaluate.command()(recipe)


def _measure(
    task: Task,
    chosen: Chosen,
    places: Places,
    figure: Path | None = None,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    from longreel.evaluate.heat_map import depth_grid, draw_heat_map
    from longreel.evaluate.result import result
    from longreel.evaluate.sharing import current_share

    def counted(compared: Compared) -> Mapping[str, Any]:
        found = result(
            compared.plan, compared.rows, compared.origin, compared.baseline, compared.baseline_rows
        )
        if not found["cells"]:
            raise UsageError(
                "nothing can be asked about these films: make them longer, or ask for other things"
            )
        if task.name != "needle":
            return found
        found = {**found, "grid": depth_grid(compared.rows)}
        if figure is not None:
            draw_heat_map(found, figure)
        return found

    measure(task, chosen, places, current_share(), counted, print_result, quiet=quiet, as_json=as_json)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    """The numbers in `2,5,10`.

    Raises:
        UsageError: one of them is none, or there is none.
    """
    try:
        numbers = tuple(float(part) for part in parsed_words(text))
    except ValueError:
        numbers = ()
    if not numbers:
        raise UsageError(f"{option} {text!r} is not a list of numbers: write 2,5,10")
    return numbers
