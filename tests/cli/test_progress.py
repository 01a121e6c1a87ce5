"""Progress for people: lines where stderr is no terminal, a bar where it is."""

from __future__ import annotations

import io
import sys

import pytest

from longreel.cli.progress import progress_line, shown_progress
from longreel.progress import Progress, StageClock


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("watch film.mp4", 120, 600, 9.0, 35.4), "watch film.mp4: 120/600 (20%), 35 s left"),
        (Progress("watch film.mp4", 1, 600, 0.1, None), "watch film.mp4: 1/600 (0%)"),
        (Progress("watch film.mp4", 120, None, 250.0, None), "watch film.mp4: 120, 4 min 10 s so far"),
        (
            Progress("watch film.mp4", 600, 600, 7500.0, 0.0),
            "watch film.mp4: 600/600 (100%), took 2 h 05 min",
        ),
        (Progress("watch film.mp4", 0, 0, 0.0, None), "watch film.mp4: 0/0 (100%), took 0 s"),
    ],
)
def test_lines(progress: Progress, line: str) -> None:
    assert progress_line(progress) == line


def test_beginning_and_end_of_each_stage_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress(quiet=False) as show:
        assert show is not None
        for stage in ("draw", "watch"):
            for done in (1, 2, 3, 10, 10):
                show(Progress(stage, done, 10, 0.0, 0.0))
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(",")[0] for line in err.splitlines()] == [
        "draw: 1/10 (10%)",
        "draw: 10/10 (100%)",
        "watch: 1/10 (10%)",
        "watch: 10/10 (100%)",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress(quiet=False) as show:
        assert show is not None
        show(Progress("watch", 5, 10, 1.0, 1.0))
        show(Progress("watch", 5, None, 1.0, None))
    assert "5/10" in terminal.getvalue()


def test_quiet_shows_nothing() -> None:
    with shown_progress(quiet=True) as show:
        assert show is None


def test_time_left_ignores_what_came_before_the_first_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 30.0, 31.0, 35.0])  # begun, then three reports: it took long to come to frame 500
    monkeypatch.setattr("longreel.progress.time.perf_counter", lambda: next(now))
    told: list[Progress] = []
    clock = StageClock(told.append, "watch", 600)
    for done in (500, 520, 600):
        clock.report(done)
    assert [report.remaining for report in told] == [None, 4.0, 0.0]
    assert told[-1].elapsed == 35.0
