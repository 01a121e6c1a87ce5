"""The folder of a run, which belongs to one recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from longreel.errors import UsageError
from longreel.files import atomic_file


def begin_run(folder: Path, recipe: dict[str, Any]) -> None:
    """Make the folder and note its recipe: a run that goes on with another one would be neither's.

    Raises:
        UsageError: it is a file, or holds a run of another recipe.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder for the run")
    folder.mkdir(parents=True, exist_ok=True)
    noted, text = folder / "recipe.json", json.dumps(recipe, indent=1)
    if noted.exists() and noted.read_text(encoding="utf-8") != text:
        raise UsageError(f"{folder} holds a run of another recipe: name another folder, or remove this one")
    with atomic_file(noted) as file:
        file.write(text.encode())
