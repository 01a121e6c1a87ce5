from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli import tiny
from tests.evaluate.benchmarks.folder import PutFilm


@pytest.fixture(scope="session")
def one_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_film(tmp_path_factory.mktemp("film") / "stripes.mp4")


@pytest.fixture
def put_film(one_film: Path, tmp_path: Path) -> PutFilm:
    """Put a film of four seconds below the test's folder."""

    def put(*names: str) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.link(one_film, path)

    return put
