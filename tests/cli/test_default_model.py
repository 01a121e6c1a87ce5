"""The model in the package, as a new user meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import longreel
import longreel.models.reel_tiny
from longreel.films.questions import draw_questions, is_right
from longreel.films.scenes import draw_film
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
WEIGHTS = Path(longreel.models.reel_tiny.__file__).parent / "model.safetensors"

pytestmark = pytest.mark.skipif(not WEIGHTS.exists(), reason="the model in the package is not trained yet")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_demo_passes(run: Run, seed: int) -> None:
    result = run("demo", "--seed", str(seed), "--seconds", "120", "--json", "-q")
    assert result.code == 0, result.err
    assert result.json["share"] >= 0.8


@pytest.mark.parametrize("seed", [1, 2])
def test_lettered_options_are_answered_with_a_letter(run: Run, tmp_path: Path, seed: int) -> None:
    film = draw_film(seed, 60.0)
    questions = draw_questions(film, ["recall"], 6, seed=seed, options=True)
    run("films", "make", tmp_path, "--seconds", "60", "--seed", str(seed), "-q")
    model = longreel.load(keep=1 / 16)
    answers = model.ask(model.watch(tmp_path / f"film-{seed}.mp4"), [question.text for question in questions])
    assert all(re.search(r"\([A-D]\)", answer.text) for answer in answers)
    right = [is_right(question, answer.text) for question, answer in zip(questions, answers, strict=True)]
    assert sum(right) >= 0.8 * len(right)


def test_the_seven_lines_of_the_readme(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) == 7
    assert run("films", "make", tmp_path, "--seconds", "20", "--seed", "7", "-q").code == 0
    (tmp_path / "film-7.mp4").rename(tmp_path / "film.mp4")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_a_film_of_the_real_world_gets_no_guess_about_unknown_words(run: Run, tmp_path: Path) -> None:
    run("films", "make", tmp_path, "--seconds", "20", "--seed", "7", "-q")
    film = tmp_path / "film-7.mp4"
    answer = run("ask", film, "What did the chancellor say?", "-q", "--json").json["answers"][0]
    assert "chancellor" in answer["unknown_words"]
    assert "chancellor" in answer["answer"]


def test_a_memory_needs_no_options_to_be_asked(run: Run, tmp_path: Path) -> None:
    run("films", "make", tmp_path, "--seconds", "20", "--seed", "7", "-q")
    memory = tmp_path / "film.memory"
    assert run("watch", tmp_path / "film-7.mp4", "-o", memory, "-q").code == 0
    (tmp_path / "film-7.mp4").unlink()
    result = run("ask", memory, "Was there a tulip?")
    assert result.code == 0, result.err
    assert result.out.strip()


def test_words_it_was_not_taught_are_named(run: Run, tmp_path: Path) -> None:
    run("films", "make", tmp_path, "--seconds", "20", "--seed", "7", "-q")
    questions = ["Was the ship at the farm?", "How many foxes were red?", "What color was the fox?"]
    answers = run("ask", tmp_path / "film-7.mp4", *questions, "-q", "--json").json["answers"]
    assert [answer["unknown_words"] for answer in answers] == [["farm"], ["How", "many", "foxes", "were"], []]


def test_follow_ups_are_answered_like_first_questions(run: Run, tmp_path: Path) -> None:
    film = draw_film(7, 60.0)
    run("films", "make", tmp_path, "--seconds", "60", "--seed", "7", "-q")
    questions = draw_questions(film, ["recall"], 3, seed=7)
    asked = "\n".join(question.text for question in questions)
    lines = run("ask", tmp_path / "film-7.mp4", "-q", stdin=asked).out.splitlines()
    right = [is_right(question, line) for question, line in zip(questions, lines, strict=True)]
    assert sum(right) >= 0.8 * len(right)


def test_retake_keeps_a_fraction_of_each_chunk(run: Run, tmp_path: Path) -> None:
    run("films", "make", tmp_path, "--seconds", "40", "--seed", "4", "-q")
    film = tmp_path / "film-4.mp4"
    everything = longreel.load(method="keep-all").watch(film)
    whole = longreel.load(method="retake", keep=1.0).watch(film)
    for mine, theirs in zip(whole.layers, everything.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.positions, theirs.positions)
    for keyframes, squeeze in ((1.0, True), (0.5, False)):
        settings = longreel.Retake(keyframes=keyframes, squeeze=squeeze)
        memory = longreel.load(method="retake", keep=0.3, retake=settings).watch(film)
        tokens = memory.header.visual_tokens
        assert tokens == everything.header.visual_tokens * keyframes
        # Frames of four tokens each, 32 in a chunk.
        chunks = [range(first, min(first + 128, tokens)) for first in range(0, tokens, 128)]
        kept = [layer.token.tolist() for layer in memory.layers]
        for chunk in chunks:
            for layer in kept:
                assert sum(token in chunk for token in layer) == max(1, int(0.3 * len(chunk)))
        assert len({tuple(layer) for layer in kept}) > 1
