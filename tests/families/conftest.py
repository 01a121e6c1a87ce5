"""One tiny checkpoint of every family, written once and loaded from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.families.checkpoints import FAMILIES, write_checkpoint


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of each family's checkpoint."""
    home = tmp_path_factory.mktemp("checkpoints")
    return {family: write_checkpoint(family, home / family) for family in FAMILIES}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """The name of each family in turn."""
    return str(request.param)


@pytest.fixture
def folder(family: str, checkpoints: dict[str, Path]) -> Path:
    """Its checkpoint."""
    return checkpoints[family]
