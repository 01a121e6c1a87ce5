"""Bad input: one line that names the file or value, the right exit code, and nothing half-written."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from longreel.memory_file import FORMAT_VERSION
from tests.cli import tiny
from tests.cli.conftest import Result, Run

LONGEST_LINE = 400


def missing(path: Path) -> Path:
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def text(path: Path) -> Path:
    path.write_text("This is no film.\n" * 50)
    return path


def folder_without_pictures(path: Path) -> Path:
    path.mkdir()
    (path / "notes.txt").write_text("nothing to see")
    return path


def truncated_before_its_index(path: Path) -> Path:
    tiny.write_film(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def without_frames(path: Path) -> Path:
    return tiny.write_frameless(path)


def sound_only(path: Path) -> Path:
    return tiny.write_sound(path)


UNREADABLE = [
    missing,
    empty,
    text,
    folder_without_pictures,
    truncated_before_its_index,
    without_frames,
    sound_only,
]


def check(result: Result, code: int, *named: str) -> None:
    """One line that names what is wrong; nothing on stdout."""
    assert result.code == code, result.err
    for name in named:
        assert name in result.error
    assert len(result.error) < LONGEST_LINE
    assert result.out == ""


@pytest.mark.parametrize("make", UNREADABLE)
def test_unreadable_films(run: Run, model: Path, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    film = make(tmp_path / "film.mp4")
    before = sorted(os.listdir(tmp_path))
    output = tmp_path / "out.memory"
    check(run("watch", film, "-o", output, "--model", model, "-q"), 1, "film.mp4")
    check(run("ask", film, "what was it?", "--model", model, "-q"), 1, "film.mp4")
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("make", [missing, empty, text, folder_without_pictures, sound_only])
def test_info_of_unreadable_films(run: Run, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    check(run("info", make(tmp_path / "film.mp4")), 1, "film.mp4")


def truncated(path: Path) -> Path:
    tiny.write_film(path, fast_start=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def bits_flipped(path: Path) -> Path:
    tiny.write_film(path, fast_start=True)
    content = bytearray(path.read_bytes())
    chance = random.Random(0)
    for _ in range(200):
        content[chance.randrange(len(content) * 2 // 3, len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("make", [truncated, bits_flipped])
def test_damaged_films_give_what_is_readable(
    run: Run, model: Path, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    film = make(tmp_path / "film.mp4")
    command = ["watch", film, "-o", tmp_path / "out.memory", "--model", model, "-q"]
    result = run(*command)
    assert result.code == 0, result.err
    assert "warning: film.mp4" in result.err
    assert "Traceback" not in result.err
    check(run(*command, "--force", "--strict"), 1, "film.mp4")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--start", "3", "--end", "1"], "3"),
        (["--start", "-1"], "-1"),
        (["--fps", "0"], "0"),
        (["--count", "0"], "0"),
        (["--max-frames", "-2"], "-2"),
        (["--max-tokens", "0"], "0"),
        (["--seconds", "1,two"], "1,two"),
        (["--keep", "0"], "0"),
        (["--keep", "1.5"], "1.5"),
        (["--keep", "-0.5"], "-0.5"),
        (["--keep", "16"], "16"),
        (["--keep", "nan"], "nan"),
        (["--keep", "1/0"], "1/0"),
        (["--keep", "a/b/c"], "a/b/c"),
        (["--keep", "half"], "half"),
        (["--method", "video-lx"], "video-xl"),
        (["--dtype", "int7"], "int7"),
        (["--device", "gpu9"], "gpu9"),
    ],
)
def test_values_that_cannot_work(
    run: Run, film: Path, model: Path, tmp_path: Path, options: list[str], named: str
) -> None:
    output = tmp_path / "out.memory"
    check(run("watch", film, "-o", output, "--model", model, "-q", *options), 2, named)
    check(run("ask", film, "what was it?", "--model", model, "-q", *options), 2, named)
    assert not output.exists()


def test_a_start_behind_the_end_of_the_film(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    result = run("watch", film, "-o", tmp_path / "out.memory", "--model", model, "-q", "--start", "100")
    assert result.code in (1, 2)
    assert "100" in result.error
    assert os.listdir(tmp_path) == []


def test_unknown_models(run: Run, film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.memory"
    check(run("watch", film, "-o", output, "--model", "no/such-model", "-q"), 1, "no/such-model")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    check(run("watch", film, "-o", output, "--model", tmp_path, "-q"), 1, "bert")
    (tmp_path / "config.json").write_text("{")
    check(run("watch", film, "-o", output, "--model", tmp_path, "-q"), 1, "config.json")
    assert not output.exists()


def test_a_model_that_is_cut_short(run: Run, film: Path, tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    check(run("ask", film, "what was it?", "--model", folder, "-q"), 1, str(folder))


@pytest.mark.parametrize("temperature", ["-1", "nan", "inf"])
def test_wordings_that_cannot_work(run: Run, memory: Path, model: Path, temperature: str) -> None:
    check(
        run("ask", memory, "what was it?", "--model", model, "--temperature", temperature), 2, "temperature"
    )
    check(run("ask", memory, "what was it?", "--model", model, "--max-new-tokens", "0"), 2, "max_new_tokens")
    check(run("ask", memory, "what was it?", "--model", model, "--top-p", "0"), 2, "top_p")


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question(run: Run, memory: Path, film: Path, model: Path, question: str) -> None:
    check(run("ask", memory, question, "--model", model), 2, "empty")
    check(run("ask", film, question, "--model", model, "-q"), 2, "empty")


def test_a_question_of_a_hundred_thousand_characters(run: Run, memory: Path, film: Path, model: Path) -> None:
    question = "fox " * 25_000
    check(run("ask", memory, question, "--model", model), 2, "100,000")
    check(run("ask", film, question, "--model", model, "-q"), 2, "100,000")


def cut_short(content: bytes) -> bytes:
    return content[:-100]


def cut_to_its_start(content: bytes) -> bytes:
    return content[:60]


def nothing(content: bytes) -> bytes:
    return b""


def tensor_changed(content: bytes) -> bytes:
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


def header_changed(content: bytes) -> bytes:
    return content.replace(b"stripes.mp4", b"stripes.mp5", 1)


def of_another_version(content: bytes) -> bytes:
    mark = json.dumps({"longreel_memory": FORMAT_VERSION}, separators=(",", ":"))[1:-1].encode()
    return content.replace(mark, mark.replace(FORMAT_VERSION.encode(), b"9"), 1)


def no_memory(content: bytes) -> bytes:
    return b"This is no memory.\n" * 50


@pytest.mark.parametrize(
    "change",
    [cut_short, cut_to_its_start, nothing, tensor_changed, header_changed, of_another_version, no_memory],
)
def test_damaged_memories(run: Run, memory: Path, model: Path, change: Callable[[bytes], bytes]) -> None:
    content = memory.read_bytes()
    memory.write_bytes(change(content))
    assert memory.read_bytes() != content
    check(run("ask", memory, "what was it?", "--model", model), 1, str(memory))
    if change is not tensor_changed:
        check(run("info", memory), 1, str(memory))


def test_a_memory_of_another_model(run: Run, memory: Path, tmp_path: Path) -> None:
    other = tiny.save_model(tmp_path / "other", seed=1)
    check(run("ask", memory, "what was it?", "--model", other), 1, str(memory), "tiny", "other")


def test_a_missing_memory(run: Run, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "no.memory"
    check(run("ask", path, "what was it?", "--model", model), 1, str(path))
    check(run("info", path), 1, str(path))


def test_outputs_that_cannot_be_written(run: Run, film: Path, model: Path, tmp_path: Path) -> None:
    """Found out before anything is watched."""
    for output in (tmp_path / "no" / "a.memory", film / "a.memory", Path("/dev/null/a.memory")):
        check(run("watch", film, "-o", output, "--model", "is-not-looked-at"), 1, str(output))
    check(run("watch", film, "-o", tmp_path, "--model", "is-not-looked-at"), 2, str(tmp_path))
    check(run("watch", film, "-o", "/dev/null", "--model", "is-not-looked-at"), 2, "/dev/null")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_refuses_files(run: Run, film: Path) -> None:
    """The system's own folder takes no files, not even from an administrator."""
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc here")
    check(run("watch", film, "-o", "/proc/a.memory", "--model", "is-not-looked-at"), 1, "/proc/a.memory")


def test_a_disk_that_is_full_when_the_memory_is_saved(
    run: Run, film: Path, model: Path, tmp_path: Path
) -> None:
    """A limit on the size of files fails in the middle of writing, as a full disk does."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        result = run("watch", film, "-o", tmp_path / "a.memory", "--model", model, "-q")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    check(result, 1, "a.memory", "cannot be written")
    assert os.listdir(tmp_path) == []
