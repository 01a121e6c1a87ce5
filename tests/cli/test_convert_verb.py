"""`longreel convert`: what it prints, writes, refuses and leaves behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from longreel.models.video_xl.released import convert as converting
from tests.cli import tiny
from tests.cli.conftest import Run
from tests.released import Released, write_released


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return write_released(tmp_path_factory.mktemp("Video_XL") / "VideoXL_weight_8", strange_key=1)


def test_the_new_model_gives_the_same_answers(
    run: Run, released: Released, film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "made" / "video-xl"
    result = run("convert", released.folder.parent, "-o", out)
    assert result.code == 0, result.err
    assert result.out.startswith(f"{out}: ")
    assert f"--model {out}" in result.out
    assert "convert: 4/4" in result.err
    assert "ignored 1 unknown keys: strange_key" in result.err
    answers = [
        run(
            "ask",
            film,
            "What is it?",
            "--model",
            model,
            "--keep",
            "8x",
            "-q",
            "--json",
            "--seed",
            "1",
            "--temperature",
            "1",
            "--max-new-tokens",
            "6",
        ).json["answers"][0]["answer"]
        for model in (released.folder.parent, out)
    ]
    assert answers[0] == answers[1] != ""


def test_json_says_what_was_done(run: Run, released: Released, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(
        "convert", released.folder, "-o", out, "--frames", "whole", "--vision-layer", "-1", "-q", "--json"
    )
    assert result.code == 0, result.err
    assert result.err == ""
    assert result.json["model"] == str(out)
    assert result.json["tensors"] == len(released.tensors)
    assert result.json["ignored_keys"] == ["strange_key"]
    written = run("convert", out, "-o", tmp_path / "again")
    assert written.code == 2
    assert str(out) in written.error


def test_what_is_there_is_not_replaced(run: Run, released: Released, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "note.txt"):
        result = run("convert", released.folder, "-o", taken, "-q")
        assert result.code == 2
        assert str(taken) in result.error
    assert [each.name for each in tmp_path.iterdir()] == ["note.txt"]


def test_an_empty_folder_is_filled(run: Run, released: Released, tmp_path: Path) -> None:
    assert run("convert", released.folder, "-o", tmp_path, "-q").code == 0
    assert (tmp_path / "config.json").is_file()


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--frames", "stretched"], "stretched"), (["--vision-layer", "x"], "--vision-layer")],
)
def test_settings_that_cannot_work(
    run: Run, released: Released, tmp_path: Path, options: list[str], named: str
) -> None:
    result = run("convert", released.folder, "-o", tmp_path / "out", *options)
    assert result.code == 2
    assert named in result.error
    assert not (tmp_path / "out").exists()


def test_folders_that_are_no_released_checkpoint(run: Run, tmp_path: Path) -> None:
    own = tiny.save_model(tmp_path / "own")
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert"}')
    for folder, code in ((tmp_path / "nowhere", 1), (own, 2), (tmp_path / "bert", 1)):
        result = run("convert", folder, "-o", tmp_path / "out", "-q")
        assert result.code == code
        assert str(folder) in result.error
        assert not (tmp_path / "out").exists()


def test_ctrl_c_leaves_nothing_behind(
    run: Run, released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []

    def pressed(tensors: object, file: Path, metadata: object) -> None:
        saved.append(file)
        if len(saved) == 2:
            raise KeyboardInterrupt
        shutil.copy(next(released.folder.glob("*.safetensors")), file)

    monkeypatch.setattr(converting, "save_file", pressed)
    result = run("convert", released.folder, "-o", tmp_path / "out", "-q")
    assert result.code == 130
    assert saved[0].parent.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(run: Run, released: Released) -> None:
    result = run("convert", released.folder, "-o", "/proc/nowhere", "-q")
    assert result.code == 1
    assert "/proc" in result.error
