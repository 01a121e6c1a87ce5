"""A worker process with limits on time and memory, which does one job after the other."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


class Guarded:
    """The worker; a job that kills it, or takes too long, is an outcome like any other."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def do(self, job: str, path: Path, **settings: Any) -> dict[str, Any]:
        """The outcome of a job: what the function of this name in `worker` returns."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        line = json.dumps({"job": job, "path": str(path), "settings": settings})
        with suppress(BrokenPipeError):
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], self._seconds)
        answer = process.stdout.readline() if ready else b""
        if not answer:
            self.close()
            return {"outcome": "killed" if ready else "hung", "code": process.returncode}
        result: dict[str, Any] = json.loads(answer)
        return result

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            root = Path(__file__).parents[2]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=root,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            assert self._process.stdout is not None
            # Imports take their time and are nobody's fault.
            self._process.stdout.readline()
        return self._process

    def close(self) -> None:
        """Stop the worker."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
