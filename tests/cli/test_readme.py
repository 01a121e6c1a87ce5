"""What the documents tell users to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/methods/retake.md",
    "docs/methods/video-xl.md",
    "docs/evaluation.md",
]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = "".join(block for document in DOCUMENTS for block in blocks(document, "sh")).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("longreel ")]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_verbs_and_options_exist(run: Run, command: list[str]) -> None:
    verb = command[:2] if command[0] in {"films", "evaluate", "data"} else command[:1]
    result = run(*verb, "--help")
    assert result.code == 0
    for option in (word for word in command if word.startswith("-")):
        assert re.search(rf"(?<!\S){option}\b", result.out), option


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / document).parent.joinpath(target).exists(), target


def test_files_named_by_the_architecture_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    for name in re.findall(r"`([a-z_/]+(?:\.py|/))`", text):
        assert (ROOT / name).exists() or list((ROOT / "src/longreel").glob(f"**/{name.rstrip('/')}")), name


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in DOCUMENTS:
        for target in re.findall(r"\bmake (demo|test|lint)\b", (ROOT / document).read_text()):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    steps = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and line[0] not in "#"]
    assert steps[0] == "set -euo pipefail"
    assert steps[1].startswith("cd ")
    assert steps[2:] == ["make test"]
    assert "| `make test` |" in (ROOT / "README.md").read_text()
