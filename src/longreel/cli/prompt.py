"""A conversation: at a terminal with a prompt, from a pipe one question a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import typer

from longreel.cli.answering import Answers
from longreel.cli.output import print_error, print_remark
from longreel.errors import UsageError

_PROMPT = "> "


def hold_conversation(answers: Answers) -> None:
    """Answer questions until there are no more.

    A question that cannot be asked is explained, and the next one is read; read from a pipe it also
    makes the exit code that of wrong usage.
    """
    at_terminal = sys.stdin.isatty()
    refused = False
    chat = answers.chat()
    if at_terminal:
        print_remark("Ask about the film; Ctrl-D ends.")
    for question in _typed() if at_terminal else _piped():
        try:
            answers.print_turn(chat, question, stream=answers.stream)
        except UsageError as error:
            refused = True
            print_error(str(error))
        except KeyboardInterrupt:
            if not at_terminal:
                raise
            print_remark(" (broken off; Ctrl-D ends)")
    if refused and not at_terminal:
        raise typer.Exit(UsageError.exit_code)


def _typed() -> Iterator[str]:
    """Questions typed at a prompt; the arrow keys bring earlier ones back where readline is there."""
    with suppress(ImportError):
        import readline  # noqa: F401
    while True:
        try:
            question = _asked_for()
        except EOFError:
            print_remark("")
            return
        if question.strip():
            yield question


def _asked_for() -> str:
    """Prompt for a line; where stdout goes to a file the prompt is kept out of it."""
    if sys.stdout.isatty():
        return input(_PROMPT)
    print(_PROMPT, end="", file=sys.stderr, flush=True)
    return input()


def _piped() -> Iterator[str]:
    for line in sys.stdin:
        if line.strip():
            yield line.strip()
