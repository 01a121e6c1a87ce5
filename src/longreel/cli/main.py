"""The command line: one verb per file, and one place where errors become one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from longreel.cli import failures
from longreel.cli.ask import ask
from longreel.cli.compare import compare
from longreel.cli.convert import convert
from longreel.cli.curve import curve
from longreel.cli.data import data
from longreel.cli.demo import demo
from longreel.cli.evaluate import evaluate
from longreel.cli.extend import extend
from longreel.cli.films import films
from longreel.cli.info import info
from longreel.cli.map import kept_map
from longreel.cli.train import train
from longreel.cli.watch import watch

app = typer.Typer(
    name="longreel",
    help="Watch a film once, keep a small memory of it, and ask that memory any number of questions.",
    epilog="`longreel VERB --help` has examples. Results go to stdout, progress and errors to stderr. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(watch)
app.command()(ask)
app.command()(info)
app.command()(extend)
app.add_typer(films, name="films")
app.command()(compare)
app.add_typer(data, name="data")
app.command()(train)
app.command()(convert)
app.add_typer(evaluate, name="evaluate")
app.command()(curve)
app.command("map")(kept_map)
app.command()(demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"longreel {version('longreel')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print a traceback for unexpected errors.")] = False,
) -> None:
    """Options before the verb; `failures` reads --debug itself, as it must know of it before parsing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit; the console script."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(
        failures.exit_code_of(
            lambda: app(given or ["--help"], prog_name="longreel", standalone_mode=False), given
        )
    )
