"""Thousands of damaged films and memories: each is read, or refused by one line that names it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import arrays, fake_model
from tests.fuzz.guard import Guarded
from tests.fuzz.mutants import Edit, edits, mutant
from tests.fuzz.worker import QUESTION
from tests.video.make import CONTAINERS, Recipe, write

RECIPES = {**CONTAINERS, "mjpeg.avi": Recipe("mjpeg", "yuvj420p")}
FILMS = {name: replace(recipe, frames=20, size=(24, 32)) for name, recipe in RECIPES.items()}
SAMPLINGS: list[dict[str, Any]] = [
    {},
    {"fps": 2.0},
    {"fps": 25.0},
    {"count": 5},
    {"max_frames": 7},
    {"seconds": [0.0, 1.0, 2.5]},
    {"start": 1.5},
    {"end": 1.0},
]
# Shrinking a failure is worth more than a few more examples; the same examples every time.
FUZZ = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@pytest.fixture(scope="module")
def worker() -> Iterator[Guarded]:
    guarded = Guarded()
    yield guarded
    guarded.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutants")


@pytest.fixture(scope="module")
def films(folder: Path) -> dict[str, bytes]:
    return {name: write(folder / f"film.{name}", recipe).read_bytes() for name, recipe in FILMS.items()}


@pytest.fixture(scope="module")
def memory(folder: Path) -> bytes:
    path = folder / "whole.memory"
    fake_model().watch(arrays(25)).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def answer(folder: Path, memory: bytes) -> str:
    model = fake_model()
    return model.ask(model.open(placed(folder, "whole.memory", memory)), QUESTION).text


def placed(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def check_refusal(outcome: dict[str, Any], name: str) -> None:
    assert outcome["outcome"] == "refused", outcome.get("trace", outcome)
    assert name in outcome["line"]
    assert "\n" not in outcome["line"]
    assert len(outcome["line"]) < 400


@settings(FUZZ, max_examples=1400)
@given(
    ending=st.sampled_from(list(FILMS)),
    changes=edits(),
    sampling=st.sampled_from(SAMPLINGS),
    policy=st.sampled_from(["auto", "sequential", "seek"]),
    strict=st.booleans(),
)
def test_films(
    worker: Guarded,
    folder: Path,
    films: dict[str, bytes],
    ending: str,
    changes: list[Edit],
    sampling: dict[str, Any],
    policy: str,
    strict: bool,
) -> None:
    path = placed(folder, f"mutant.{ending}", mutant(films[ending], changes))
    outcome = worker.do("film", path, sampling=sampling, policy=policy, strict=strict)
    if outcome["outcome"] != "read":
        check_refusal(outcome, path.name)


@settings(FUZZ, max_examples=900)
@given(changes=edits())
def test_memories(worker: Guarded, folder: Path, memory: bytes, answer: str, changes: list[Edit]) -> None:
    """A damaged memory gives the very answer of the whole one, or none."""
    path = placed(folder, "mutant.memory", mutant(memory, changes))
    outcome = worker.do("memory", path)
    if outcome["outcome"] == "answered":
        assert outcome["text"] == answer
    else:
        check_refusal(outcome, path.name)


def test_the_guard_notices_and_goes_on(folder: Path) -> None:
    guarded = Guarded(seconds=8.0)
    try:
        for job, outcome in (("die", "killed"), ("hang", "hung"), ("hoard", "failed")):
            assert guarded.do(job, folder)["outcome"] == outcome
            check_refusal(guarded.do("memory", folder / "missing.memory"), "missing.memory")
    finally:
        guarded.close()
