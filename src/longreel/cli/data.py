"""`longreel data`: samples for training, made of films that have none."""

from __future__ import annotations

import typer

from longreel.cli.data_vico import vico

data = typer.Typer(help="Make samples for `longreel train` of films that have none.")
data.command()(vico)


@data.callback()
def kinds() -> None:
    """Make samples for `longreel train` of films that have none."""
