"""The folder of a run, which belongs to one recipe."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from longreel.errors import UsageError
from longreel.files import atomic_file


def begin_run(folder: Path, recipe: BaseModel) -> None:
    """Make the folder and note its recipe: a run that goes on with another one would be neither's.

    What an older note does not tell counts as left out, so runs go on with settings that came later.

    Raises:
        UsageError: it is a file, or holds a run of another recipe.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder for the run")
    folder.mkdir(parents=True, exist_ok=True)
    noted = folder / "recipe.json"
    if noted.exists() and not _tells(noted, recipe):
        raise UsageError(f"{folder} holds a run of another recipe: name another folder, or remove this one")
    with atomic_file(noted) as file:
        file.write(json.dumps(recipe.model_dump(), indent=1).encode())


def _tells(noted: Path, recipe: BaseModel) -> bool:
    try:
        return type(recipe).model_validate_json(noted.read_text(encoding="utf-8")) == recipe
    except ValueError:
        return False
