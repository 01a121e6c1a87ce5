"""Progress on stderr: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from longreel.cli.output import print_remark

if TYPE_CHECKING:
    from rich.progress import TaskID

    from longreel.progress import Progress, ProgressCallback

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress(quiet: bool) -> Iterator[ProgressCallback | None]:
    """Give a callback that shows stage, share and time left; None if nothing is to be shown."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as callback:
            yield callback
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bar.add_task(progress.stage, total=progress.total, left="")
            left = "" if progress.remaining is None else f"{_duration(progress.remaining)} left"
            bar.update(
                tasks[progress.stage],
                completed=int(progress.done),
                total=None if progress.total is None else int(progress.total),
                left=left,
            )

        yield show


def _lines() -> ProgressCallback:
    stage = ""
    due = 0.0
    ended = False

    def show(progress: Progress) -> None:
        nonlocal stage, due, ended
        now = time.monotonic()
        ends = progress.total is not None and progress.done >= progress.total
        if progress.stage == stage and (ended or (now < due and not ends)):
            return
        stage, due, ended = progress.stage, now + _SECONDS_BETWEEN_LINES, ends
        print_remark(progress_line(progress))

    return show


def progress_line(progress: Progress) -> str:
    """`watching: 120/600 (20 %), 35 s left`."""
    if progress.total is None:
        return f"{progress.stage}: {progress.done:.0f}, {_duration(progress.elapsed)} so far"
    share = progress.done / progress.total if progress.total else 1.0
    line = f"{progress.stage}: {progress.done:.0f}/{progress.total:.0f} ({share:.0%})"
    if share >= 1:
        return f"{line}, took {_duration(progress.elapsed)}"
    return line if progress.remaining is None else f"{line}, {_duration(progress.remaining)} left"


def _duration(seconds: float) -> str:
    """`35 s`, `4 min 10 s` or `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
