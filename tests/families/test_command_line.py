"""A real film file through the command line, on a checkpoint of every family."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from longreel.errors import ModelError
from longreel.loading import load
from tests.cli import tiny
from tests.cli.conftest import Run, run

__all__ = ["run"]


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of moving stripes."""
    return tiny.write_film(tmp_path_factory.mktemp("film") / "stripes.mp4")


def test_watched_saved_and_asked(run: Run, family: str, folder: Path, stripes: Path, tmp_path: Path) -> None:
    memory = tmp_path / "film.memory"
    watched = run("watch", stripes, "-o", memory, "--model", folder, "--json", "-q")
    assert watched.code == 0, watched.err
    assert watched.json["model"] == folder.name
    assert watched.json["sources"][0]["frames_encoded"] == 8
    asked = run("ask", memory, "Who is there?", "--model", folder, "--max-new-tokens", "5", "--json")
    assert asked.code == 0, asked.err
    once = run("ask", stripes, "Who is there?", "--model", folder, "--max-new-tokens", "5", "--json", "-q")
    assert once.json["answers"][0]["answer"] == asked.json["answers"][0]["answer"]


@pytest.mark.parametrize("verb", [["ask"], ["compare", "--methods", "keep-all"]], ids=["ask", "compare"])
def test_a_question_too_long_for_the_model_is_refused_before_watching(
    run: Run, verb: list[str], family: str, folder: Path, stripes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longreel.model.Model.watch", None)
    refused = run(*verb, stripes, "Who?", "why " * 2300, "--model", folder, "-q")
    assert refused.code == 2
    assert "takes 8,192: ask a shorter question" in refused.error


def test_a_memory_of_other_positions_is_refused(
    run: Run, checkpoints: dict[str, Path], stripes: Path, tmp_path: Path
) -> None:
    memory, model = tmp_path / "film.memory", ["--model", checkpoints["qwen2_vl"]]
    assert run("watch", stripes, "-o", memory, *model, "-q", "--positions", "transformers").code == 0
    refused = run("ask", memory, "Who?", *model)
    assert refused.code == 1
    assert "config differ" in refused.error
    assert run("ask", memory, "Who?", *model, "--positions", "transformers").code == 0


def test_a_film_and_an_image(run: Run, family: str, folder: Path, stripes: Path, tmp_path: Path) -> None:
    memory, plan = tmp_path / "house.memory", tmp_path / "plan.png"
    Image.new("RGB", (90, 60), "red").save(plan)
    watched = run("watch", stripes, plan, "-o", memory, "--model", folder, "-q")
    assert watched.code == 0, watched.err
    assert "8 frames and 1 image, " in watched.out
    told = run("info", memory)
    assert re.search(r"^image +plan.png \(90x60, at ", told.out, re.MULTILINE)
    asked = run("ask", memory, "Where?", "--model", folder, "--max-new-tokens", "3", "--json", "--evidence")
    assert asked.code == 0, asked.err
    named = [span.get("image") for span in asked.json["answers"][0]["evidence"]]
    assert set(named) <= {None, "plan.png"}
    again = run("watch", stripes, plan, "-o", memory, "--model", folder, "-q")
    assert "holds this already" in again.err


@pytest.mark.parametrize(
    "missing", ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"]
)
def test_a_folder_that_lacks_a_file_is_named(missing: str, family: str, folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.name != missing:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(ModelError, match=missing) as caught:
        load(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_name_the_hub_cannot_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="nobody/no-such-model is no folder here") as caught:
        load("nobody/no-such-model")
    assert len(str(caught.value).splitlines()) == 1


def test_retake_is_set_and_reported(
    run: Run, family: str, folder: Path, stripes: Path, tmp_path: Path
) -> None:
    memory, chosen = tmp_path / "film.memory", ["--model", folder, "--method", "retake", "--fps", "10"]
    kept = ["--keep", "1/4", "--chunk-frames", "8", "--no-squeeze"]
    watched = run("watch", stripes, "-o", memory, *chosen, *kept, "--json", "-q")
    assert watched.code == 0, watched.err
    report = watched.json
    assert report["method"]["cache"]["squeeze"] is False
    plan = report["sources"][0]["plan"]
    assert plan["frames"] == 40
    assert plan["patches"] > plan["visual_tokens"] == report["visual_tokens"]
    stages = {stage["name"]: (stage["before"], stage["after"]) for stage in report["stages"]}
    assert stages["prefill"] == (report["visual_tokens"], report["visual_tokens"] // 4)
    assert len(report["kept"]) == 3
    drawn = run("map", memory, "-o", tmp_path / "map.png")
    assert drawn.code == 0, drawn.err
    assert len(Image.open(tmp_path / "map.png").convert("RGB").getcolors(2**24) or ()) > 20
    said = run("info", memory)
    assert "chunk_frames=8" in said.out
    assert "entries" in said.out
    other = run("watch", stripes, "-o", tmp_path / "other.memory", *chosen[:-4], "--no-pivots", "-q")
    assert other.code == 2
    assert "--no-pivots is for --method retake" in other.error


def test_frames_are_chosen_before_entries(
    run: Run, family: str, folder: Path, stripes: Path, tmp_path: Path
) -> None:
    chosen = ["--model", folder, "--method", "retake", "--keep", "1/2", "--keyframes", "1/2"]
    for how in ("peaks", "merge-hard"):
        memory = tmp_path / f"{how}.memory"
        watched = run("watch", stripes, "-o", memory, *chosen, "--select", how, "--json", "-q")
        assert watched.code == 0, watched.err
        planned = watched.json["sources"][0]["plan"]["visual_tokens"]
        assert watched.json["visual_tokens"] == planned // 2
        assert "keep=0.5" in run("info", memory).out
    assert "'often'" in run("watch", stripes, *chosen[:-2], "--select", "often").error
    assert "--keyframes '2'" in run("watch", stripes, *chosen[:-1], "2").error


def test_a_question_at_watch_time(run: Run, family: str, folder: Path, stripes: Path, tmp_path: Path) -> None:
    memory, model = tmp_path / "film.memory", ["--model", folder]
    chosen = [*model, "--method", "retake", "--scores", "question"]
    assert "--question" in run("watch", stripes, "-o", memory, *chosen, "-q").error
    assert run("watch", stripes, "-o", memory, *chosen, "--question", "Who is there?", "-q").code == 0
    short = ["--max-new-tokens", "5", "--json", "-q"]
    asked = run("ask", memory, "Who is there?", *model, *short[:-1])
    once = run("ask", stripes, "Who is there?", *chosen, *short)
    assert once.json["answers"][0]["answer"] == asked.json["answers"][0]["answer"]
    assert "'Who is there?'" in run("ask", memory, "Where?", *model).error
    assert "give one" in run("ask", stripes, *chosen).error
