"""`longreel evaluate BENCHMARK`: a command for each of the field's benchmarks, all with the same options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import evaluating, options
from longreel.cli.evaluate_report import print_benchmark
from longreel.cli.evaluating import Chosen, Compared, Places, measure, settings_of
from longreel.cli.method_options import with_method_parameters
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError
from longreel.evaluate.benchmarks.table import BENCHMARKS, named_benchmark
from longreel.method_parameters import PLAIN, MethodParameters

if TYPE_CHECKING:
    from longreel.evaluate.benchmarks.data import Data
    from longreel.evaluate.benchmarks.task import BenchmarkTask
    from longreel.evaluate.sharing import Share

_DATA, _PROMPT, _JUDGE = "Benchmark", "Questions and answers", "Judge of free answers"


class Incomplete(str, Enum):  # noqa: UP042 - typer shows the members of such a class as choices
    """What to do about missing or broken parts."""

    FAIL = "fail"
    SKIP = "skip"


class ParseChoice(str, Enum):  # noqa: UP042 - see above
    """How letters are read."""

    STRICT = "strict"
    HARNESS = "harness"
    OFFICIAL = "official"


Folder = Annotated[Path, typer.Option("--data", help="Folder of the benchmark.", rich_help_panel=_DATA)]
WhenIncomplete = Annotated[
    Incomplete, typer.Option("--incomplete", help="What to do about gaps.", rich_help_panel=_DATA)
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Look through the folder and stop; exit code 1 if it is incomplete.",
        rich_help_panel=_DATA,
    ),
]
Videos = Annotated[
    int | None, typer.Option("--videos", min=1, help="Only so many, for a trial.", rich_help_panel=_DATA)
]
Prompt = Annotated[
    Path | None,
    typer.Option(
        "--prompt",
        help="Text file that says how questions are put, with {question} and {options}.",
        rich_help_panel=_PROMPT,
    ),
]
JudgeUrl = Annotated[
    str | None,
    typer.Option(
        "--judge", help="OpenAI-compatible address, such as http://host/v1.", rich_help_panel=_JUDGE
    ),
]
JudgeModel = Annotated[str | None, typer.Option("--judge-model", help="Its model.", rich_help_panel=_JUDGE)]
JudgeKey = Annotated[
    str,
    typer.Option("--judge-key", help="Environment variable that holds its key.", rich_help_panel=_JUDGE),
]


@dataclass(frozen=True)
class Asked:
    """What one benchmark is asked for. prompt: a file or, from a recipe, the words."""

    name: str
    data: Path
    split: str | None = None
    subtitles: str = "none"
    subtitle_frames: int | None = None
    parse: Any = "strict"
    incomplete: Incomplete = Incomplete.FAIL
    videos: int | None = None
    prompt: Path | str | None = None
    judge: str | None = None
    judge_model: str | None = None
    judge_key: str = "OPENAI_API_KEY"


def add_benchmarks(app: typer.Typer) -> None:
    """Add a command for each benchmark of the table."""
    for name, entry in BENCHMARKS.items():
        app.command(name, help=_help(name, entry.about, entry.example))(_command_for(name))


def _help(name: str, about: str, example: str) -> str:
    return (
        f"{about}\n\nThe files are read as published from the folder that --data names, and looked through "
        "before anything is watched. Each video is watched once per setting, however many questions there "
        "are about it. The same command goes on with a run that was stopped.\n\nExamples:\n\n"
        f"  longreel evaluate {name} --data data/{name} --check\n\n"
        f"  longreel evaluate {name} --data data/{name} {example}"
    )


def _command_for(name: str) -> Callable[..., None]:
    @with_method_parameters
    def command(
        data: Folder,
        split: Annotated[
            str | None,
            typer.Option("--split", help="Such as dev, test or long.", rich_help_panel=_DATA),
        ] = None,
        incomplete: WhenIncomplete = Incomplete.FAIL,
        check: Check = False,
        videos: Videos = None,
        subtitles: Annotated[
            str,
            typer.Option("--subtitles", help="none, sampled, all or interleaved.", rich_help_panel=_PROMPT),
        ] = "none",
        subtitle_frames: Annotated[
            int | None,
            typer.Option(
                "--subtitle-frames",
                min=1,
                help="Frames by which subtitles are picked; default: the benchmark's.",
                rich_help_panel=_PROMPT,
            ),
        ] = None,
        parse: Annotated[
            ParseChoice,
            typer.Option("--parse", help="How letters are read from answers.", rich_help_panel=_PROMPT),
        ] = ParseChoice.STRICT,
        prompt: Prompt = None,
        judge: JudgeUrl = None,
        judge_model: JudgeModel = None,
        judge_key: JudgeKey = "OPENAI_API_KEY",
        methods: evaluating.Methods = "video-xl",
        keep: options.Keeps = "1,1/4,1/16",
        budget: evaluating.Budgets = None,
        parameters: MethodParameters = PLAIN,
        dense_intervals: options.DenseIntervals = None,
        model: options.ModelName = None,
        blind_model: evaluating.BlindModel = None,
        dtype: options.Dtype = None,
        device: options.Device = None,
        fps: options.Fps = None,
        count: options.Count = None,
        max_frames: options.MaxFrames = None,
        output: evaluating.Output = None,
        result: evaluating.ResultFile = None,
        baseline: evaluating.Baseline = None,
        keep_memories: evaluating.KeepMemories = False,
        untimed: evaluating.Untimed = False,
        quiet: options.Quiet = False,
        as_json: options.Json = False,
    ) -> None:
        asked = Asked(
            name,
            data,
            split,
            subtitles,
            subtitle_frames,
            parse.value,
            incomplete,
            videos,
            prompt,
            judge,
            judge_model,
            judge_key,
        )
        chosen = Chosen(
            methods,
            keep,
            model,
            blind_model,
            dtype,
            device,
            fps,
            count,
            max_frames,
            keep_memories,
            incomplete is Incomplete.SKIP,
            budget,
            parameters,
            not untimed,
            dense_intervals,
        )
        places = Places(output, result, baseline)
        run_benchmark(asked, chosen, places, print_benchmark, check=check, quiet=quiet, as_json=as_json)

    return command


def run_benchmark(
    asked: Asked,
    chosen: Chosen,
    places: Places,
    show: Callable[[Mapping[str, Any]], None],
    more: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda result: {},
    *,
    check: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Look through the folder, and measure unless that was all.

    Args:
        show: prints a result. more: parts to add to it.

    Raises:
        UsageError: an option that this benchmark or a method does not have.
        SourceError: the folder is incomplete, and that is not to be skipped; told behind what a check shows.
    """
    from longreel.evaluate.benchmarks.task import BenchmarkTask
    from longreel.evaluate.sharing import current_share

    share, prompt = current_share(), _prompt(asked.prompt)
    if not check:
        # Before all videos are looked through, which takes a while.
        settings_of(chosen)
    found = _looked_through(asked, prompt, quiet or not share.first)
    task = BenchmarkTask(found, asked.subtitles, asked.subtitle_frames, prompt)
    if check and share.first:
        _show_check(task, as_json)
        if as_json:
            # One document, which says so.
            raise typer.Exit(1 if found.lacks() and asked.incomplete is Incomplete.FAIL else 0)
    if asked.incomplete is Incomplete.FAIL:
        found.require_whole()
    if not check:
        _measure(asked, task, chosen, places, share, show, more, quiet=quiet, as_json=as_json)


def _prompt(given: Path | str | None) -> str | None:
    """The words of a prompt.

    Raises:
        UsageError: the file cannot be read.
    """
    if not isinstance(given, Path):
        return given
    try:
        return given.read_text(encoding="utf-8-sig").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise UsageError(f"--prompt {given} cannot be read ({reason}): name a text file") from None


def _looked_through(asked: Asked, prompt: str | None, quiet: bool) -> Data:
    """What is in the folder; its gaps on stderr.

    Raises:
        UsageError: an option that this benchmark does not have.
    """
    from longreel.evaluate.benchmarks.data import read_data
    from longreel.evaluate.benchmarks.task import NOT_SHOWN, check_asking
    from longreel.progress import StageClock

    benchmark = named_benchmark(asked.name)
    if asked.parse not in benchmark.parses:
        raise UsageError(f"{asked.name} has no --parse {asked.parse}: use {', '.join(benchmark.parses)}")
    if asked.judge is not None and asked.name != "mlvu":
        raise UsageError(f"{asked.name} has no free answers: leave out --judge")
    check_asking(benchmark, asked.subtitles, prompt)
    subtitled = asked.subtitles != NOT_SHOWN
    clock: StageClock | None = None

    def report(done: int, total: int) -> None:
        nonlocal clock
        clock = clock or StageClock(progress, "look through", total)
        clock.report(done)

    with shown_progress(quiet) as progress:
        data = read_data(benchmark, asked.data, asked.split, asked.videos, report, subtitles=subtitled)
    return data


def _show_check(task: BenchmarkTask, as_json: bool) -> None:
    from longreel.evaluate.benchmarks.tables import denominator
    from longreel.evaluate.benchmarks.task import NOT_SHOWN

    data, report = task.data, task.data.report()
    if as_json:
        print_json({"benchmark": data.benchmark.name, "complete": not data.lacks(), "data": report})
    else:
        print(f"{data.benchmark.title}: {denominator(report)}")
        for name, reason in report["reasons"].items():
            print(f"  {name}: {reason}")
        if report["without_subtitles"] and task.subtitles != NOT_SHOWN:
            print(f"  {report['without_subtitles']:,} subtitle files are missing")


def _measure(
    asked: Asked,
    task: BenchmarkTask,
    chosen: Chosen,
    places: Places,
    share: Share,
    show: Callable[[Mapping[str, Any]], None],
    more: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    from longreel.evaluate.benchmarks.judge import judge_of, judgements
    from longreel.evaluate.benchmarks.result import benchmark_result

    data = task.data
    judge = None if asked.judge is None else judge_of(asked.judge, asked.judge_model, asked.judge_key)
    if share.first and (lacks := data.lacks()):
        print_remark(f"{data.benchmark.title} is incomplete: {'; '.join(lacks)}")

    def counted(compared: Compared) -> Mapping[str, Any]:
        judged = theirs = None
        if judge is not None:
            with shown_progress(quiet) as progress:
                # A setting of another run may have the name of one of this run: they are judged apart.
                judged, theirs = (
                    judgements(data, rows, judge, compared.folder, progress)
                    for rows in (compared.rows, compared.baseline_rows)
                )
        found = benchmark_result(
            data,
            compared.plan,
            compared.rows,
            compared.origin,
            parse=asked.parse,
            baseline=compared.baseline,
            baseline_rows=compared.baseline_rows,
            judgements=judged,
            baseline_judgements=theirs,
        )
        asked_judge = None if judge is None else {"url": judge.url, "model": judge.model}
        return {**found, "judge": asked_judge, **more(found)}

    measure(task, chosen, places, share, counted, show, quiet=quiet, as_json=as_json)
