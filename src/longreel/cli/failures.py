"""Turn whatever goes wrong into one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from longreel.cli.output import is_json, print_error, print_json
from longreel.errors import LongreelError

INTERRUPTED = 130
_LONGEST_REASON = 300


def exit_code_of(command: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Run `command`, explain what goes wrong, and return the exit code.

    With --json among the arguments the error is an object on stdout too, so that a reader of stdout
    always gets JSON.
    """
    _never_fail_on_odd_characters()
    try:
        code = command()
        if code == INTERRUPTED:
            # The argument parser has caught Ctrl-C itself and says nothing.
            raise KeyboardInterrupt
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        _drop_stdout()
        return 1
    except KeyboardInterrupt:
        return _explain(arguments, "interrupted", "Interrupted", INTERRUPTED)
    except LongreelError as error:
        return _explain(arguments, str(error), type(error).__name__, error.exit_code)
    except OSError as error:
        return _explain_system(arguments, error)
    except Exception as error:
        if hasattr(error, "format_message"):
            return _explain_usage(arguments, error)
        return _explain_unexpected(arguments, error)


def _explain_usage(arguments: Sequence[str], error: Any) -> int:
    """Errors of the argument parser; its exception classes differ between releases of typer."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "longreel"
    message = f"{_one_line(error.format_message()).rstrip('.')}: see `{path} --help`"
    return _explain(arguments, message, "UsageError", 2)


def _explain_system(arguments: Sequence[str], error: OSError) -> int:
    """What the system refused: a file by its name, or, without one, standard output."""
    if "--debug" in _options(arguments):
        traceback.print_exception(error, file=sys.stderr)
    reason = error.strerror or _one_line(str(error)) or type(error).__name__
    if error.filename is not None:
        return _explain(arguments, f"{error.filename}: {reason}; name another file", "OSError", 1)
    _drop_stdout()
    return _explain(arguments, f"the result cannot be printed or written: {reason}; make room", "OSError", 1)


def _explain_unexpected(arguments: Sequence[str], error: Exception) -> int:
    if "--debug" in _options(arguments):
        traceback.print_exception(error, file=sys.stderr)
    reason = _one_line(str(error))[:_LONGEST_REASON]
    message = f"unexpected {type(error).__name__}: {reason} (`longreel --debug …` shows where)"
    return _explain(arguments, message, type(error).__name__, 1)


def _explain(arguments: Sequence[str], message: str, kind: str, exit_code: int) -> int:
    try:
        print_error(message)
        if is_json(_options(arguments)):
            print_json({"error": {"type": kind, "message": message, "exit_code": exit_code}})
        sys.stdout.flush()
    except OSError:
        _drop_stdout()
    return exit_code


def _options(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments before `--`, which ends options."""
    given = list(arguments)
    return given[: given.index("--")] if "--" in given else given


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _never_fail_on_odd_characters() -> None:
    """Print what the terminal's encoding lacks, such as odd file names, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _drop_stdout() -> None:
    """Nobody reads any more: keep the interpreter from complaining when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
