"""`longreel evaluate recipe`: the settings of a published row in one command, its numbers beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import evaluate_benchmark, evaluating, options
from longreel.cli.evaluate_benchmark import Asked, Incomplete, run_benchmark
from longreel.cli.evaluating import Chosen, Places, settings_of
from longreel.cli.output import print_json
from longreel.errors import UsageError

if TYPE_CHECKING:
    from longreel.evaluate.published import Recipe


def recipe(
    recipes: Annotated[
        Path, typer.Argument(metavar="RECIPES", help="A file such as recipes/published.toml.")
    ],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of a row; without: list them.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the row's benchmark.")] = None,
    model: options.ModelName = None,
    incomplete: evaluate_benchmark.WhenIncomplete = Incomplete.FAIL,
    check: evaluate_benchmark.Check = False,
    videos: evaluate_benchmark.Videos = None,
    prompt: evaluate_benchmark.Prompt = None,
    judge: evaluate_benchmark.JudgeUrl = None,
    judge_model: evaluate_benchmark.JudgeModel = None,
    judge_key: evaluate_benchmark.JudgeKey = "OPENAI_API_KEY",
    dtype: options.Dtype = None,
    device: options.Device = None,
    output: evaluating.Output = None,
    result: evaluating.ResultFile = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Measure a published row again, with its settings, and print its numbers beside ours.

    Weights and data are yours to bring: the row names the model, --model says where else it is.

    Examples:

      longreel evaluate recipe recipes/published.toml
      longreel evaluate recipe recipes/published.toml video-xl-video-mme --data data/video-mme --device cuda
    """
    from longreel.cli.evaluate_report import print_benchmark
    from longreel.evaluate.published import compared, named_recipe, read_recipes

    if name is None:
        _list(list(read_recipes(recipes).values()), as_json)
        return
    row = named_recipe(recipes, name)
    if data is None:
        raise UsageError(f"recipe {name} needs the data of {row.benchmark}: name its folder with --data")
    asked = Asked(
        row.benchmark,
        data,
        split=row.split,
        subtitles=row.subtitles,
        parse=row.parse,
        incomplete=incomplete,
        videos=videos,
        prompt=prompt or row.prompt,
        judge=judge,
        judge_model=judge_model,
        judge_key=judge_key,
    )
    chosen = Chosen(
        row.method,
        row.keep or "1",
        model or row.model,
        None,
        dtype or row.dtype,
        device,
        row.fps,
        row.count,
        row.max_frames,
        skip_unreadable=incomplete is Incomplete.SKIP,
        budget=None if row.budget is None else str(row.budget),
        parameters=row.parameters,
    )
    try:
        settings_of(chosen)
    except UsageError as error:
        raise UsageError(f"{recipes}, recipe {name}: {error}") from None

    def more(found: Mapping[str, Any]) -> Mapping[str, Any]:
        base, setting = found["plan"]["settings"][:2]
        return {
            "recipe": {
                "name": row.name,
                "title": row.title,
                "setting": setting,
                "source": row.source,
                "untold": row.untold,
                "differs": row.differs,
                "compared": compared(row, found, setting, base),
            }
        }

    def show(found: Mapping[str, Any]) -> None:
        print_benchmark(found)
        _print_compared(found["recipe"])

    places = Places(output or Path("runs") / f"recipe-{row.name}", result, None)
    run_benchmark(asked, chosen, places, show, more, check=check, quiet=quiet, as_json=as_json)


def _list(rows: Sequence[Recipe], as_json: bool) -> None:
    from dataclasses import asdict

    from longreel.evaluate.tables import as_text

    if as_json:
        print_json({"recipes": [asdict(row) for row in rows]})
        return
    table = [["recipe", "system", "metric", "published"]]
    for row in rows:
        figure = row.figures[0]
        table.append([row.name, row.title, figure.metric, f"{figure.value:g}"])
    print(as_text(table))


def _print_compared(part: Mapping[str, Any]) -> None:
    from longreel.evaluate.tables import as_text

    print(f"\n{part['title']}, published by {part['source']}, beside ours ({part['setting']})\n")
    table = [["", "published", "ours", "its base model", "our keep-all"]]
    for line in part["compared"]:
        values = (line[key] for key in ("published", "ours", "published_base", "our_base"))
        table.append([line["metric"], *("" if value is None else f"{value:.2f}" for value in values)])
    print(as_text(table))
    for word, text in (("Untold", part["untold"]), ("Done otherwise", part["differs"])):
        if text:
            print(f"{word}: {text}.")
