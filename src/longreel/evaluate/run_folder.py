"""What an evaluation leaves on disk, so that a run killed at any point goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from longreel.errors import LongreelError, UsageError
from longreel.files import atomic_file
from longreel.kept_plan import differences, read_plan, write_plan

Row = dict[str, Any]
_LONGEST_NAME = 80
_ROWS = "rows.jsonl"


class RunFolder:
    """The plan of a run, one line for each film and setting that is done, and the memories between.

    A line is written in one piece after its last answer; a line cut short by a kill is dropped. Processes
    that share a run write a file each, which `settle` brings together.
    """

    def __init__(self, folder: Path, plan: dict[str, Any], part: int = 0) -> None:
        """Begin a run, or go on with one.

        Args:
            part: number of the process; 0 makes the folder, before the others open it.

        Raises:
            UsageError: the folder holds a run with another plan.
        """
        self.folder = folder
        self._rows = folder / (f"rows-{part}.jsonl" if part else _ROWS)
        for inner in ("films", "memories"):
            (folder / inner).mkdir(parents=True, exist_ok=True)
        self._keep_plan(folder / "plan.json", json.loads(json.dumps(plan)))
        self._drop_broken_line()

    def film(self, key: str) -> Path:
        """Where a film lies while it is needed."""
        return self.folder / "films" / f"{_file_name(key)}.mp4"

    def memory(self, key: str, setting: str) -> Path:
        """Where the memory of a film under a setting lies."""
        return self.folder / "memories" / f"{_file_name(key)}-{_file_name(setting)}.memory"

    def rows(self) -> list[Row]:
        """What is done."""
        return list(read_rows(self.folder))

    def add(self, row: Row) -> None:
        """Record one film under one setting as done."""
        with open(self._rows, "a", encoding="utf-8") as file:
            file.write(_line(row))
            file.flush()
            os.fsync(file.fileno())

    def settle(self, wanted: Sequence[tuple[str, str]]) -> None:
        """Bring the rows of all processes into one file, in the order of `wanted`, (film, setting) each.

        So what is counted from the rows does not depend on who made them, or when.
        """
        places = {each: number for number, each in enumerate(wanted)}

        def place(row: Row) -> tuple[int, str, str]:
            names = row["film"], row["setting"]
            return places.get(names, len(places)), *names

        lines = "".join(_line(row) for row in sorted(self.rows(), key=place))
        with atomic_file(self.folder / _ROWS) as file:
            file.write(lines.encode())
        for part in self.folder.glob("rows-*.jsonl"):
            part.unlink()

    def _keep_plan(self, path: Path, plan: dict[str, Any]) -> None:
        if path.exists():
            different = differences(read_plan(path), plan)
            if different:
                raise UsageError(
                    f"{self.folder} holds an evaluation with other values ({', '.join(different)}): "
                    "name another folder, or remove this one"
                )
            return
        if _row_files(self.folder):
            raise UsageError(f"{self.folder} holds rows without their plan: name another folder")
        write_plan(path, plan)

    def _drop_broken_line(self) -> None:
        if not self._rows.exists():
            return
        content = self._rows.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with open(self._rows, "r+b") as file:
                file.truncate(len(whole))


def read_rows(folder: Path) -> Iterator[Row]:
    """The rows of a run, finished or not; one for each film and setting.

    Raises:
        UsageError: there is no run in `folder`.
        LongreelError: a row is damaged.
    """
    files = _row_files(folder)
    if not files and not (folder / "plan.json").exists():
        raise UsageError(f"{folder} holds no evaluation: name the folder of one")
    given: dict[tuple[str, str], Row] = {}
    for path in files:
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
            try:
                row: Row = json.loads(line)
                names = row["film"], row["setting"]
            except (ValueError, LookupError, TypeError):
                raise LongreelError(
                    f"{path}, line {number} is damaged: remove the line, and its film is measured again"
                ) from None
            # A row is in two files if a process was killed after it brought the files together; what could
            # not be read may have been later.
            if names not in given or given[names].get("unreadable"):
                given[names] = row
    yield from given.values()


def _row_files(folder: Path) -> list[Path]:
    whole = folder / _ROWS
    return [*([whole] if whole.exists() else []), *sorted(folder.glob("rows-*.jsonl"))]


def _line(row: Row) -> str:
    return json.dumps(row, allow_nan=False) + "\n"


def _file_name(key: str) -> str:
    """A name for files about `key`, another for every key; the key itself where it is short and plain."""
    plain = re.sub(r"[^A-Za-z0-9._=-]", "_", key)[:_LONGEST_NAME]
    return plain if plain == key else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
