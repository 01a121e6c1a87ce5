"""Ctrl-C where it costs nothing, and only once."""

from __future__ import annotations

import signal

import pytest

from longreel.interrupts import held_back_interrupts, interrupts_at_reports
from longreel.progress import Progress

REPORT = Progress("watch", 1, 2, 0.0, None)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_it_comes_at_the_next_report_and_not_again() -> None:
    seen: list[Progress] = []
    with interrupts_at_reports(seen.append) as report:
        report(REPORT)
        press()
        press()
        with pytest.raises(KeyboardInterrupt):
            report(REPORT)
        press()
        report(REPORT)
    assert len(seen) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_comes_at_once_before_the_first_report() -> None:
    with interrupts_at_reports(None), pytest.raises(KeyboardInterrupt):
        press()


def test_writing_a_result_is_not_interrupted() -> None:
    written = []
    with interrupts_at_reports(None) as report:
        report(REPORT)
        press()
        written.append("result")
    assert written == ["result"]


@pytest.mark.parametrize("deliver", [True, False])
def test_what_is_held_back_comes_after_or_never(deliver: bool) -> None:
    done = []

    def work() -> None:
        with held_back_interrupts(deliver=deliver):
            press()
            done.append("all")

    if deliver:
        with pytest.raises(KeyboardInterrupt):
            work()
    else:
        work()
    assert done == ["all"]
