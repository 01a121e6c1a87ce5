"""Help, version and usage errors, none of which may load a model library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

VERBS = [
    "watch",
    "ask",
    "info",
    "extend",
    "films make",
    "data vico",
    "train",
    "convert",
    "demo",
    "evaluate films",
    "evaluate needle",
    "evaluate video-mme",
    "evaluate mlvu",
    "compare",
    "curve",
    "map",
]
HEAVY = {"torch", "transformers", "numpy", "av", "PIL", "safetensors"}


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["--version"], *([*v.split(), "--help"] for v in VERBS)]
)
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from longreel.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        f"heavy = {HEAVY!r} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_and_json(run: Run, verb: str) -> None:
    result = run(*verb.split(), "--help")
    assert result.code == 0
    assert f"longreel {verb}" in result.out
    assert "Examples:" in result.out
    assert "--json" in result.out


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.code == 0
    assert result.out.startswith("longreel ")


def test_no_verb_shows_help(run: Run) -> None:
    result = run()
    assert result.code == 0
    assert "watch" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["watsh"], "watch"),
        (["watch"], "FILM"),
        (["watch", "film.mp4", "--fsp", "2"], "--fps"),
        (["watch", "film.mp4", "--fps", "fast"], "--fps"),
        (["ask"], "FILM|MEMORY"),
        (["films"], "command"),
        (["films", "make", "out", "--count", "0"], "--count"),
    ],
)
def test_wrong_usage_is_one_line_and_where_to_look(run: Run, arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert said in result.error
    assert re.fullmatch(r"longreel: .*: see `longreel.* --help`\n", result.err)
    assert result.out == ""


def test_with_json_an_error_is_json_on_stdout_too(run: Run) -> None:
    result = run("info", "no-such-film.mp4", "--json")
    assert result.code == 1
    error = result.json["error"]
    assert error["exit_code"] == 1
    assert error["type"] == "SourceError"
    assert f"longreel: {error['message']}" == result.error


def test_json_after_two_dashes_is_not_an_option(run: Run) -> None:
    result = run("info", "no-such-film.mp4", "--", "--json")
    assert result.out == ""


def test_shells_can_complete_verbs() -> None:
    """What a shell asks for after `--install-completion`."""
    asked = {
        **os.environ,
        "_LONGREEL_COMPLETE": "complete_bash",
        "COMP_WORDS": "longreel wa",
        "COMP_CWORD": "1",
    }
    console = Path(sys.executable).with_name("longreel")
    shown = subprocess.run([console], env=asked, capture_output=True, text=True, check=False)
    assert shown.stdout.split() == ["watch"]


def test_package_runs_as_a_module() -> None:
    shown = subprocess.run([sys.executable, "-m", "longreel", "--version"], capture_output=True, check=True)
    assert shown.stdout.startswith(b"longreel ")
