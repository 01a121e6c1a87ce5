from __future__ import annotations

from pathlib import Path

import pytest

from longreel.films.encode import make_film
from tests.endpoint import servers

__all__ = ["servers"]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """film-0.mp4 and below/film-1.mp4 of 30 s and 28 s with their truth, and bad.mp4, which is no film."""
    folder = tmp_path_factory.mktemp("films")
    make_film(folder, 30.0, 0, size=(32, 32))
    make_film(folder / "below", 28.0, 1, size=(32, 32))
    (folder / "bad.mp4").write_bytes(b"not a film" * 100)
    return folder
