"""`longreel films`: drawn films whose truth is known."""

from __future__ import annotations

import typer

from longreel.cli.films_make import make
from longreel.cli.films_questions import questions

films = typer.Typer(help="Draw films whose truth is known, and questions about them.")
films.command()(make)
films.command()(questions)
