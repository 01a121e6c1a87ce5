"""`longreel info`: of a film and of a memory."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_a_film(run: Run, film: Path) -> None:
    result = run("info", film)
    assert result.code == 0, result.err
    assert "96" in result.out
    facts = run("info", film, "--json").json
    assert facts["width"] == 96
    assert facts["height"] == 64
    assert facts["duration"] == 4.0


def test_a_memory_needs_no_model(run: Run, memory: Path) -> None:
    result = run("info", memory)
    assert result.code == 0, result.err
    assert "stripes.mp4" in result.out
    facts = run("info", memory, "--json").json
    assert facts["kind"] == "memory"
    assert facts["complete"]
    assert facts["bytes"] == memory.stat().st_size


def test_a_memory_is_known_by_its_content(run: Run, memory: Path) -> None:
    renamed = memory.rename(memory.with_suffix(".dat"))
    assert run("info", renamed, "--json").json["kind"] == "memory"
