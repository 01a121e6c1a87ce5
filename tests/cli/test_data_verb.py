"""`longreel data`: what is passed on, printed and refused; tests/data has what comes out."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import longreel.data.vico
from longreel.data.vico import LeftOut, VicoResult
from longreel.films.encode import make_film
from longreel.train.conversations.recipe import DataFile
from tests.cli.conftest import Run
from tests.endpoint import Server, servers

__all__ = ["servers"]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    make_film(tmp_path / "films", 30.0, 0, size=(32, 32))
    (tmp_path / "films" / "bad.mp4").write_bytes(b"bad")
    return tmp_path / "films"


def test_what_comes_out_can_be_put_into_a_recipe(run: Run, films: Path, tmp_path: Path) -> None:
    output = tmp_path / "made" / "vico.jsonl"
    command = ["data", "vico", "--videos", films, "-o", output, "--writer", "truth"]
    result = run(*command)
    assert result.code == 0, result.err
    assert "bad.mp4 is left out (unreadable): " in result.err
    assert "clips: 3/3 (100%)" in result.err
    said, _, recipe = result.out.partition("\n")
    assert said == f"{output}: 3 questions about 1 of 2 films; for a recipe:"
    (data,) = tomllib.loads(recipe)["data"]
    assert DataFile(**data) == DataFile(file=str(output), folder=str(films))
    assert len(output.read_text().splitlines()) == 3
    again = run(*command, "--json", "-q").json
    assert (again["samples"], again["films"], again["clips"]) == (3, 2, 3)
    assert again["reasons"] == {"unreadable": 1}
    assert again["left_out"][0]["film"] == "bad.mp4"
    refused = run(*command, "--seed", "1")
    assert refused.code == 2
    assert "(seed)" in refused.error


def test_a_model_in_a_folder_and_an_endpoint(
    run: Run, films: Path, model: Path, tmp_path: Path, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    clues = [{"part": part, "clue": f"sight {part}"} for part in (1, 2, 3)]
    server = Server(json.dumps(clues))
    servers.append(server)
    monkeypatch.setenv("WRITER_KEY", "secret")
    output = tmp_path / "vico.jsonl"
    command = ["data", "vico", "--videos", films, "-o", output, "--writer", server.url]
    command += ["--writer-model", "writes", "--writer-key", "WRITER_KEY", "--captioner", model]
    result = run(*command)
    assert result.code == 2
    assert "--caption-prompt" in result.error
    result = run(*command, "--caption-prompt", "What colour was the fox?")
    assert result.code == 0, result.err
    path, headers, body = server.requests[0]
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer secret")
    assert body["model"] == "writes"
    assert len(output.read_text().splitlines()) == 1, "of three clues there is one choice"
    for file in (output, *output.with_name("vico.jsonl.work").iterdir()):
        assert "secret" not in file.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--writer", "gpt"], "'gpt'"),
        (["--writer", "http://host/v1"], "--writer-model"),
        (["--writer", "truth", "--writer-model", "m"], "--writer-model"),
        (["--writer", "truth", "--captioner", "http://host/v1"], "--captioner-model"),
        (["--writer", "truth", "--captioner-model", "m"], "--captioner-model"),
        (["--writer", "http://host/v1", "--writer-model", "m"], "--captioner"),
        (["--writer", "http://host/v1", "--writer-model", "m", "--writer-key", "NOT_SET"], "NOT_SET"),
        (["--writer", "truth", "--clip-seconds", "0"], "0"),
        (["--writer", "truth", "--seed", "-1"], "--seed"),
        (["--writer", "truth", "--frames", "0"], "--frames"),
    ],
)
def test_options_that_cannot_work(
    run: Run, films: Path, tmp_path: Path, options: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    result = run("data", "vico", "--videos", films, "-o", tmp_path / "vico.jsonl", *options)
    assert result.code == 2
    assert said in result.error
    assert not list(tmp_path.glob("vico*"))


def test_places_that_cannot_work(run: Run, films: Path, tmp_path: Path) -> None:
    missing = run(
        "data", "vico", "--videos", tmp_path / "none", "-o", tmp_path / "v.jsonl", "--writer", "truth"
    )
    assert missing.code == 1
    assert str(tmp_path / "none") in missing.error
    (tmp_path / "empty").mkdir()
    empty = run(
        "data", "vico", "--videos", tmp_path / "empty", "-o", tmp_path / "v.jsonl", "--writer", "truth"
    )
    assert empty.code == 1
    assert "has no film" in empty.error
    folder = run("data", "vico", "--videos", films, "-o", films, "--writer", "truth")
    assert folder.code == 2
    no_model = run(
        *("data", "vico", "--videos", films, "-o", tmp_path / "v.jsonl", "--writer", "truth"),
        *("--captioner", tmp_path / "no-model"),
    )
    assert no_model.code == 1
    assert "no-model" in no_model.error


def test_ctrl_c_says_how_to_go_on(
    run: Run, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(longreel.data.vico, "make_vico", interrupted)
    result = run("data", "vico", "--videos", films, "-o", tmp_path / "v.jsonl", "--writer", "truth")
    assert result.code == 130
    assert "v.jsonl.work: run the same command again" in result.err
    assert result.error == "longreel: interrupted"


def test_of_many_films_left_out_a_file_names_the_rest(
    run: Run, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = tuple(LeftOut(f"{number}.mp4", "unreadable", "why") for number in range(30))
    monkeypatch.setattr(longreel.data.vico, "make_vico", lambda *_: VicoResult(31, 3, 3, left_out))
    result = run("data", "vico", "--videos", films, "-o", tmp_path / "v.jsonl", "--writer", "truth")
    assert len([line for line in result.err.splitlines() if "is left out" in line]) == 10
    assert "30 films are left out: " in result.err
    assert "v.jsonl.work/left_out.jsonl" in result.err
