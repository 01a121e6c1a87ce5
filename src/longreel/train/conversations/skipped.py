"""The log of samples that were left out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from longreel.train.conversations.samples import BadSample


class SkippedSamples:
    """A file with one line for each bad sample that came up; any number of processes add to it.

    A sample that comes up again, in a later round or in a run that goes on, has another line and counts once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, where: str, name: Any, bad: BadSample) -> None:
        """Add a sample.

        Args:
            where: its file and number. name: its "id", if it has one.
        """
        line = {"sample": where, "id": name, "reason": bad.reason, "detail": bad.detail}
        # One short write at the end of a file: lines of several processes do not mix.
        with open(self._path, "ab", buffering=0) as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")

    def counts(self) -> dict[str, int]:
        """How many samples were left out, by reason."""
        if not self._path.exists():
            return {}
        lines = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
        return dict(Counter({line["sample"]: line["reason"] for line in lines}.values()))
