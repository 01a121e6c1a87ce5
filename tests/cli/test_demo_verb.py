"""`longreel demo` with models that know everything and nothing; the real one has a test of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from longreel.answer import Answer, Usage
from longreel.cli.loading import loaded_model
from longreel.films.questions import draw_questions
from longreel.films.scenes import draw_film
from longreel.memory import VideoMemory
from longreel.models.reel_tiny import FAMILIES
from tests.cli.conftest import Run

SEED, SECONDS = 5, 30.0
DEMO = ["demo", "--seed", str(SEED), "--seconds", str(SECONDS)]


class Oracle:
    """Watches as the small random model does, and answers with the truth, or never."""

    def __init__(self, folder: Path, *, knows: bool) -> None:
        self._model = loaded_model(str(folder), "video-xl", 1 / 16, None, None)
        film = draw_film(SEED, SECONDS)
        drawn = draw_questions(film, FAMILIES, 2, seed=SEED)
        self._answers = {question.text: question.answer if knows else "Who knows." for question in drawn}
        self.watch, self.open = self._model.watch, self._model.open

    def ask(self, memory: VideoMemory, questions: Sequence[str]) -> list[Answer]:
        assert len(memory.layers) == 2
        return [Answer(self._answers[question], Usage(1, 1, 1, 0.0)) for question in questions]


@pytest.fixture
def answering(model: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    oracle = Oracle(model, knows=request.param)

    def load(*settings: Any) -> Oracle:
        assert settings == (None, "video-xl", 1 / 16, None, None)
        return oracle

    monkeypatch.setattr("longreel.cli.demo.loaded_model", load)


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize("answering", [True], indirect=True)
class TestRightAnswers:
    def test_a_tick_for_each_and_a_total(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("LC_ALL", raising=False)
        monkeypatch.setenv("LANG", "en_GB.UTF-8")
        result = run(*DEMO, "-o", tmp_path / "out")
        assert result.code == 0, result.err
        asked = 2 * len(FAMILIES)
        assert f"{asked} of {asked} right" in result.out
        assert result.out.count("✓") == asked
        assert max(map(len, result.out.splitlines()[:-1])) <= 80
        assert sorted(os.listdir(tmp_path / "out")) == ["demo-5.json", "demo-5.memory", "demo-5.mp4"]

    def test_words_for_ticks_in_the_c_locale(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "C")
        result = run(*DEMO, "-q")
        assert result.code == 0
        assert result.err == ""
        assert result.out.isascii()

    def test_json(self, run: Run) -> None:
        report = run(*DEMO, "--json").json
        assert report["share"] == 1.0
        assert report["seed"] == SEED
        assert set(report["seconds"]) == {"draw", "load", "watch", "save", "reopen", "ask"}
        assert {asked["family"] for asked in report["questions"]} == set(FAMILIES)
        assert report["memory_bytes"] > 0

    def test_the_seed_may_come_from_the_environment(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEED", str(SEED))
        assert run("demo", "--seconds", SECONDS, "--json").json["seed"] == SEED


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize("answering", [False], indirect=True)
def test_wrong_answers_are_a_failure(run: Run) -> None:
    result = run(*DEMO)
    assert result.code == 1
    assert "0 of 10" in result.error
    assert "80%" in result.error


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [(["--seconds", "1"], 2, "1"), (["--seed", "-1"], 2, "-1"), (["--keep", "2"], 2, "2")],
)
def test_values_that_cannot_work(run: Run, tmp_path: Path, options: list[str], code: int, named: str) -> None:
    result = run("demo", *options, "-o", tmp_path / "out")
    assert result.code == code
    assert named in result.error
    assert not (tmp_path / "out").exists()
