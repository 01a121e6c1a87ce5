"""The program run many times, each time in a process of its own, without importing everything anew.

One process imports what the verbs need and forks itself for every command, so that a command costs what it
does and not the seconds in which Python starts. That those start too is what `tests/cli/test_help.py` and
`test_failures.py` look at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[1]


class Ended(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


class Program:
    """`longreel` at the command line; see above."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.program"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
        )

    def run(self, *arguments: str | Path) -> Ended:
        """Run one command to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        written = [self._folder / name for name in ("stdout", "stderr")]
        order = [[str(each) for each in arguments], [str(path) for path in written]]
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Ended(code, *(path.read_text(encoding="utf-8") for path in written))

    def close(self) -> None:
        """End the process that forks."""
        self._process.communicate()


def _serve() -> None:
    import longreel.cli.main
    import longreel.loading

    # Much of what a verb needs is imported only once a model is loaded.
    longreel.loading.load()
    for line in sys.stdin:
        arguments, (out, err) = json.loads(line)
        child = os.fork()
        if not child:
            for stream, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.argv = ["longreel", *arguments]
            longreel.cli.run()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
