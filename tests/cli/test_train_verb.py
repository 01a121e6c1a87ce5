"""`longreel train`: what is passed on, printed and refused; training itself is tested in tests/train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import longreel.train
from longreel.progress import Progress, ProgressCallback
from tests.cli.conftest import Run


def test_the_model_is_named_on_stdout_and_the_curve_on_stderr(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(recipe: Path, out: Path, progress: ProgressCallback | None) -> dict[str, Any]:
        print({"loss": 1.0})
        if progress is not None:
            progress(Progress("train base", 30, 120, 10.0, 30.0))
        return {"model": str(out / "model"), "recipe": str(recipe)}

    monkeypatch.setattr(longreel.train, "run", trained)
    result = run("train", "recipes/small.toml")
    assert result.code == 0
    assert "loss" in result.err
    assert "train base: 30/120 (25%), 30 s left" in result.err
    assert result.out == "runs/small/model: trained; use it with --model runs/small/model\n"
    again = run("train", "recipes/small.toml", "-o", "elsewhere", "--json", "-q")
    assert "left" not in again.err
    assert again.json == {"model": "elsewhere/model", "recipe": "recipes/small.toml"}


def test_samples_left_out_are_told_of(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(recipe: Path, out: Path, progress: ProgressCallback | None) -> dict[str, Any]:
        return {"model": "m", "recipe": str(recipe), "skipped": {"no answer": 2, "too long": 1}}

    monkeypatch.setattr(longreel.train, "run", trained)
    result = run("train", "stage.toml")
    assert "3 samples were left out: runs/stage/skipped.jsonl" in result.err
    monkeypatch.setenv("RANK", "1")
    assert run("train", "stage.toml").out == ""


def test_ctrl_c_says_how_to_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(recipe: Path, out: Path, progress: ProgressCallback | None) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(longreel.train, "run", interrupted)
    result = run("train", "recipes/small.toml")
    assert result.code == 130
    assert "runs/small" in result.err
    assert result.error == "longreel: interrupted"


def test_missing_packages_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longreel.cli.train.find_spec", lambda name: None)
    result = run("train", "recipes/small.toml")
    assert result.code == 1
    assert "longreel[train]" in result.error


@pytest.mark.parametrize("content", [None, "seed = ", "seed = 1", 'colour = "red"', "\0\0"])
def test_recipes_that_cannot_work(run: Run, tmp_path: Path, content: str | None) -> None:
    recipe = tmp_path / "recipe.toml"
    if content is not None:
        recipe.write_text(content)
    result = run("train", recipe, "-o", tmp_path / "out")
    assert result.code == 2
    assert str(recipe) in result.error
    assert result.out == ""
    assert not (tmp_path / "out").exists()
