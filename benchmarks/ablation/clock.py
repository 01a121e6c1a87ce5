"""What a training costs, over all processes that worked on it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from longreel.files import atomic_file
from longreel.progress import Progress, ProgressCallback


class CpuClock:
    """Adds up CPU seconds in a file, report by report; what was lost by stopping counts, too."""

    def __init__(self, path: Path, progress: ProgressCallback | None) -> None:
        self._path, self._progress = path, progress
        self._before = cpu_seconds(path)
        self._since = time.process_time()

    def __call__(self, progress: Progress) -> None:
        """Note a step, and pass it on."""
        seconds = self._before + time.process_time() - self._since
        with atomic_file(self._path) as file:
            file.write(json.dumps({"cpu_seconds": round(seconds, 3)}).encode())
        if self._progress is not None:
            self._progress(progress)


def cpu_seconds(path: Path) -> float:
    """What a clock has written; 0 if there was none."""
    return float(json.loads(path.read_text())["cpu_seconds"]) if path.exists() else 0.0
