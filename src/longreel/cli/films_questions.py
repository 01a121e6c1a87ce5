"""`longreel films questions`: questions about a drawn film, with their answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from longreel.cli import options
from longreel.cli.output import print_json


def questions(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A drawn film, or the JSON file beside it.")],
    family: Annotated[
        list[str] | None,
        typer.Option("--family", help="What to ask for, such as colour or recall; may be repeated."),
    ] = None,
    per_family: Annotated[int, typer.Option("--per-family", min=1, help="Questions of each family.")] = 2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Other questions about the same film.")] = 0,
    wording: Annotated[str, typer.Option("--wording", help="train or unseen.")] = "train",
    with_options: Annotated[bool, typer.Option("--options", help="Add lettered choices.")] = False,
    depth: Annotated[
        float | None,
        typer.Option("--depth", min=0.0, max=1.0, help="Needles nearest to this share of the film first."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Draw questions about a film of `longreel films make`, with their true answers.

    Examples:

      longreel films questions out/film-7.mp4
      longreel films questions out/film-7.mp4 --family recall --per-family 5 --options --json
    """
    from longreel.films.families import FAMILIES
    from longreel.films.questions import draw_questions
    from longreel.films.truth import load_truth

    shown = load_truth(film.with_suffix(".json"))
    drawn = draw_questions(
        shown,
        family or list(FAMILIES),
        per_family,
        seed=seed,
        wording=wording,
        options=with_options,
        depth=depth,
    )
    if as_json:
        print_json({"film": str(film), "questions": [asdict(question) for question in drawn]})
        return
    for question in drawn:
        print(f"{question.text}\n  {question.answer}")
