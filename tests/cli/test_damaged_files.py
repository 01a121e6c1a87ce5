"""Thirty damaged files through the real program: an answer, or one line and an exit code."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from longreel.loading import load
from tests.fuzz.mutants import KINDS, Edit, mutant
from tests.program import Program

RUNS = 30


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    longreel = Program(tmp_path_factory.mktemp("program"))
    yield longreel
    longreel.close()


@pytest.fixture(scope="module")
def whole_memory(model: Path, film: Path) -> Path:
    path = film.with_name("whole.memory")
    load(str(model), keep=0.25).watch(film).save(path)
    return path


def drawn(seed: int) -> list[Edit]:
    """Edits as hypothesis draws them, for runs too slow to shrink."""
    chance = random.Random(seed)
    return [
        Edit(
            chance.choice(KINDS),
            chance.choice(["all", "all", "head", "tail"]),
            chance.randrange(1 << 16),
            chance.choice([1, 8, 500]),
            chance.randrange(1000),
        )
        for _ in range(chance.randint(1, 3))
    ]


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_damaged_file(
    program: Program, model: Path, film: Path, whole_memory: Path, tmp_path: Path, seed: int
) -> None:
    verb = ("watch", "ask", "info")[seed % 3]
    whole = whole_memory if verb == "ask" else film
    path = tmp_path / f"mutant{whole.suffix}"
    path.write_bytes(mutant(whole.read_bytes(), drawn(seed)))
    result = tmp_path / "result.memory"
    arguments = {
        "watch": ["watch", path, "-o", result, "--model", model, "--keep", "1/4"],
        "ask": ["ask", path, "what is it?", "--model", model],
        "info": ["info", path, "--json"],
    }[verb]
    done = program.run(*arguments)
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr
    if done.returncode:
        line = done.stderr.splitlines()[-1]
        assert line.startswith("longreel: ")
        assert path.name in line
        assert "unexpected" not in line
    assert {each.name for each in tmp_path.iterdir()} <= {path.name, result.name}
    assert result.exists() == (verb == "watch" and done.returncode == 0)
