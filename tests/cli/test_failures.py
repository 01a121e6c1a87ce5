"""Whatever goes wrong ends in one line and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from longreel.cli.failures import exit_code_of
from longreel.errors import LongreelError, UsageError
from tests.cli.conftest import Run


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (LongreelError("film.mp4 is broken"), 1, "longreel: film.mp4 is broken"),
        (UsageError("keep=2 is too much"), 2, "longreel: keep=2 is too much"),
        (KeyboardInterrupt(), 130, "longreel: interrupted"),
        (
            ValueError("one\n  two"),
            1,
            "longreel: unexpected ValueError: one two (`longreel --debug …` shows where)",
        ),
    ],
)
def test_one_line_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert exit_code_of(raising(error), []) == code
    out, err = capsys.readouterr()
    assert err == f"{line}\n"
    assert out == ""


def test_debug_shows_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(raising(ValueError("odd")), ["--debug", "info", "film"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_bad_input_is_no_reason_for_a_traceback(run: Run) -> None:
    assert "Traceback" not in run("--debug", "info", "no-such-film.mp4").err


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    console = Path(sys.executable).with_name("longreel")
    ended = subprocess.run([console, "--version"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert ended.stderr == b""


def test_odd_file_names_are_printed_as_escapes() -> None:
    """In an encoding that has no such characters, and for names that are no text at all."""
    console = Path(sys.executable).with_name("longreel")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for name in ("Ünïcode.mp4".encode(), b"\xff\xfe.mp4"):
        arguments = [os.fsencode(console), b"info", name]
        ended = subprocess.run(arguments, env=environment, capture_output=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith(b"longreel: ")
        assert b"Traceback" not in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_disk_behind_stdout_is_one_line(film: Path, more: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "longreel", "info", film, *more], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1
    assert "No space left" in lines[0]


def test_a_name_that_is_too_long_is_named(run: Run) -> None:
    name = "x" * 300
    for arguments in (["info", f"{name}.mp4"], ["info", f"{name}.memory"]):
        result = run(*arguments)
        assert result.code == 1
        assert name in result.error
        assert "unexpected" not in result.error
