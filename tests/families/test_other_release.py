"""The oldest transformers that longreel takes: parity there too, in a folder and a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_RELEASE = "5.19"
_ROOT = Path(__file__).parents[2]
# One whole path per family: logits, greedy words, and stock `generate` with the positions of transformers.
_SUBSET = "greedy or stock_generate or (logits_and_words and 5-40)"
_TESTS = ["tests/families/test_parity.py", "tests/families/test_images.py"]
_RUN = """
import sys, pytest, transformers
print("transformers", transformers.__version__, transformers.__file__, flush=True)
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the other release alone; all it needs is installed with the newest.

    No test runs where no package index answers.
    """
    folder = tmp_path_factory.mktemp("release")
    wanted = ["--no-deps", "--no-compile", "--target", str(folder), f"transformers=={_RELEASE}.*"]
    patience = ["--disable-pip-version-check", "--retries", "1", "--timeout", "20"]
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "install", *patience, *wanted], capture_output=True, text=True
    )
    if "No matching distribution" in installed.stderr:
        pytest.skip(f"no package index answers that it has transformers {_RELEASE}")
    assert installed.returncode == 0, installed.stderr
    return folder


@pytest.mark.slow
def test_parity_holds_on_the_oldest_release(release: Path) -> None:
    paths = [str(release), *filter(None, [os.environ.get("PYTHONPATH")])]
    tests = [*_TESTS, "-k", _SUBSET, "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, *tests],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    version, file = ran.stdout.splitlines()[0].removeprefix("transformers ").split(" ", 1)
    assert version.startswith(f"{_RELEASE}.")
    assert Path(file).is_relative_to(release)
    assert re.search(r"^20 passed", ran.stdout, re.MULTILINE), ran.stdout
