"""`longreel compare`: the same questions about one film under several settings, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.evaluating import Budgets
from longreel.cli.loading import loaded_model
from longreel.cli.method_options import with_method_parameters
from longreel.cli.output import print_json
from longreel.cli.progress import shown_progress
from longreel.cli.watching import Frames, check_films, watched
from longreel.method_parameters import PLAIN, MethodParameters
from longreel.parsing import parsed_budgets, parsed_fractions, parsed_seconds, parsed_words
from longreel.plain_text import bytes_in_words

if TYPE_CHECKING:
    from longreel.evaluate.settings import Setting
    from longreel.models.base import ModelAdapter
    from longreel.progress import ProgressCallback


@with_method_parameters
def compare(
    film: Annotated[str, typer.Argument(metavar="FILM", help="A film file or a folder of pictures.")],
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", help="One or several.")],
    methods: options.Methods = "video-xl,uniform,keep-all",
    keep: options.Keeps = "1/4,1/16",
    budget: Budgets = None,
    parameters: MethodParameters = PLAIN,
    dense_intervals: options.DenseIntervals = None,
    model: options.ModelName = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    fps: options.Fps = None,
    count: options.Count = None,
    max_frames: options.MaxFrames = None,
    start: options.Start = None,
    end: options.End = None,
    seconds: options.Seconds = None,
    strict: options.Strict = False,
    allow_url: options.AllowUrl = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Watch a film under every method and fraction, and put the same questions to each memory.

    Examples:

      longreel compare film.mp4 "Where was the fox?"
      longreel compare film.mp4 "Where was the fox?" --methods video-xl,random --keep 1,1/16
      longreel compare film.mp4 "Where was the fox?" --methods video-xl --intervals dynamic --keep 1/4
    """
    from longreel.ask import check_question, question_ids
    from longreel.evaluate.settings import settings_to_compare, with_dense_intervals

    frames = Frames(
        fps,
        count,
        max_frames,
        start,
        end,
        parsed_seconds(seconds),
        strict=strict,
        allow_url=allow_url,
    )
    fractions, budgets = parsed_fractions(keep), parsed_budgets(budget)
    settings = with_dense_intervals(
        settings_to_compare(parsed_words(methods), fractions, budgets, parameters), dense_intervals
    )
    for each in question:
        check_question(each)
    frames.check()
    check_films([film], allow_url=allow_url)
    adapter = loaded_model(model, None, None, dtype, device).adapter
    for each in question:
        question_ids(adapter, each)
    rows = []
    for setting in settings:
        with shown_progress(quiet) as progress:
            rows.append(_compared(adapter, setting, film, frames, question, progress))
    if as_json:
        print_json({"film": film, "questions": question, "settings": rows})
    else:
        _print(question, rows)


def _compared(
    adapter: ModelAdapter,
    setting: Setting,
    film: str,
    frames: Frames,
    questions: Sequence[str],
    progress: ProgressCallback | None,
) -> dict[str, Any]:
    from longreel.model import Model

    assert setting.method is not None
    model = Model(adapter, setting.method)
    memory = watched(model, [film], frames, progress=progress)
    answers = model.ask(memory, list(questions), dense_intervals=setting.dense_intervals)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.memory"
        memory.save(path)
        size = path.stat().st_size
    return {
        "setting": setting.label,
        "answers": [answer.text for answer in answers],
        "watch_seconds": memory.header.seconds,
        "ask_seconds": [answer.usage.seconds for answer in answers],
        "frames": sum(source.frames_encoded for source in memory.header.sources),
        "visual_tokens": memory.header.visual_tokens,
        "kept": list(memory.header.kept),
        "bytes": size,
    }


def _print(questions: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    from longreel.evaluate.tables import as_text

    table = [["", "kept", "memory", "watched in", "asked in"]]
    for row in rows:
        table.append(
            [
                row["setting"],
                f"{row['kept'][0]:,}",
                bytes_in_words(row["bytes"]),
                f"{row['watch_seconds']:.1f} s",
                f"{sum(row['ask_seconds']):.2f} s",
            ]
        )
    print(as_text(table))
    width = max(len(row["setting"]) for row in rows)
    for number, question in enumerate(questions):
        print(f"\n{question}")
        for row in rows:
            print(f"  {row['setting']:<{width}}  {row['answers'][number]}")
