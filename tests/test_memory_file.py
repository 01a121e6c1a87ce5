"""Saving and opening: bit for bit, whole or not at all, and nothing foreign gets in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

import longreel.files
from longreel.errors import MemoryFileError
from longreel.memory import VideoMemory
from tests.fakes import arrays, assert_same, fake_model

QUESTION = "what does she find in the end"


@pytest.fixture(scope="module")
def memory() -> VideoMemory:
    return fake_model().watch(arrays(25))


@pytest.fixture
def saved(memory: VideoMemory, tmp_path: Path) -> Path:
    path = tmp_path / "film.memory"
    memory.save(path)
    return path


def refusal(path: Path) -> str:
    """The one line with which a file is refused, at opening or at the first question."""
    model = fake_model()
    with pytest.raises(MemoryFileError) as caught:
        model.ask(model.open(path), QUESTION)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert path.name in message
    return message


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_answers_are_the_same_bit_for_bit(dtype: torch.dtype, tmp_path: Path) -> None:
    model = fake_model(dtype=dtype)
    before = model.watch(arrays(25))
    answer = model.ask(before, QUESTION)
    before.save(tmp_path / "film.memory")
    after = model.open(tmp_path / "film.memory")
    assert after.layers[0].keys.dtype == dtype
    assert_same(after, before)
    assert torch.equal(after.seconds(1).nan_to_num(), before.seconds(1).nan_to_num())
    assert after.nbytes == before.nbytes
    assert model.ask(after, QUESTION).text == answer.text
    assert str(after.report()) == str(before.report())


def test_a_saved_memory_can_be_saved_again_byte_for_byte(saved: Path, tmp_path: Path) -> None:
    VideoMemory.open(saved).save(tmp_path / "copy.memory")
    assert saved.read_bytes() == (tmp_path / "copy.memory").read_bytes()


def test_any_safetensors_reader_opens_it(saved: Path, memory: VideoMemory) -> None:
    with safe_open(saved, framework="pt") as file:
        assert torch.equal(file.get_tensor("layers.2.values"), memory.layers[2].values)
        assert json.loads(file.metadata()["header"])["header"]["visual_tokens"] == 75
        # What the layers share is stored once.
        assert "layers.1.positions" not in file.keys()  # noqa: SIM118


def test_tensors_start_aligned(saved: Path) -> None:
    assert (8 + int.from_bytes(saved.read_bytes()[:8], "little")) % 64 == 0


def test_opening_reads_no_layer(saved: Path) -> None:
    """A layer's damage is found when the layer is touched, not before."""
    content = bytearray(saved.read_bytes())
    place = _tensor_start(saved, "layers.1.keys")
    content[place] ^= 1
    saved.write_bytes(content)
    opened = VideoMemory.open(saved)
    assert opened.report().header.visual_tokens == 75
    assert opened.layers[0].keys.shape[0] == 1
    with pytest.raises(MemoryFileError, match=r"layers\.1\.keys was changed"):
        opened.layers[1]


def _tensor_start(path: Path, name: str) -> int:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return 8 + length + int(json.loads(content[8 : 8 + length])[name]["data_offsets"][0])


def test_every_cut_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    for length in [*range(1, 40), *range(40, len(content), 97), len(content) - 1]:
        saved.write_bytes(content[:length])
        refusal(saved)
    saved.write_bytes(content + b"more")
    refusal(saved)


def test_every_flipped_byte_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    padding = 8 + int.from_bytes(content[:8], "little")
    text_end = len(content[:padding].rstrip(b" "))
    for place in [*range(0, 64), *range(64, text_end, 41), *range(padding, len(content), 53)]:
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        saved.write_bytes(changed)
        refusal(saved)


def test_every_changed_part_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    with safe_open(saved, framework="pt") as file:
        names = list(file.keys())
    for name in names:
        changed = bytearray(content)
        changed[_tensor_start(saved, name)] ^= 1
        copy = saved.with_name("changed.memory")
        copy.write_bytes(changed)
        assert f"{name} was changed" in refusal(copy)


def test_a_changed_header_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content.replace(b'visual_tokens\\":75', b'visual_tokens\\":57'))
    assert "header was changed" in refusal(saved)


def test_another_format_version(saved: Path) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content.replace(b'"longreel_memory":"1"', b'"longreel_memory":"7"'))
    assert "format '7'" in refusal(saved)


def test_another_model(saved: Path) -> None:
    other = fake_model(seed=1)
    with pytest.raises(MemoryFileError, match=r"film\.memory was made by the model 'fake'.*weights differ"):
        other.open(saved)
    with pytest.raises(MemoryFileError, match="weights differ"):
        other.ask(VideoMemory.open(saved), QUESTION)


def test_what_is_not_a_memory(tmp_path: Path) -> None:
    def refused(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return refusal(tmp_path / name)

    from safetensors.torch import save

    assert "is empty" in refused("empty", b"")
    assert "not a memory file" in refused("text", b"once upon a time there was a film\n" * 9)
    assert "not a memory file" in refused("zeros", bytes(1000))
    assert "not a memory" in refused("weights", save({"a": torch.zeros(3)}))
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder")
    assert "there is no file" in refusal(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    assert "not an ordinary file" in refusal(tmp_path / "pipe")


def test_where_nothing_can_be_saved(memory: VideoMemory, tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "film.memory", "there is no folder"),
        (Path(os.devnull), "not an ordinary file"),
    ):
        with pytest.raises(MemoryFileError, match=reason):
            memory.save(path)


class Failing:
    """A file that fails after some writes."""

    def __init__(self, file: Any, writes: int, error: BaseException) -> None:
        self._file, self._left, self._error = file, writes, error

    def write(self, data: Any) -> int:
        if self._left == 0:
            raise self._error
        self._left -= 1
        return int(self._file.write(data))


def failing_saves(error: Callable[[], BaseException]) -> Iterator[Callable[..., Any]]:
    """`atomic_file` stand-ins that fail at every write in turn."""
    from contextlib import contextmanager

    for writes in range(10):

        @contextmanager
        def broken(path: Any, writes: int = writes) -> Iterator[Any]:
            with longreel.files.atomic_file(path) as file:
                yield Failing(file, writes, error())

        yield broken


@pytest.mark.parametrize("before", [None, b"the old memory"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    before: bytes | None, memory: VideoMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.memory"
    if before is not None:
        path.write_bytes(before)
    for broken in failing_saves(lambda: OSError(28, "No space left on device")):
        monkeypatch.setattr("longreel.memory_file.atomic_file", broken)
        with pytest.raises(MemoryFileError, match="No space left on device") as caught:
            memory.save(path)
        assert len(str(caught.value).splitlines()) == 1
        assert [file.read_bytes() for file in tmp_path.iterdir()] == ([] if before is None else [before])


def test_ctrl_c_while_saving_leaves_the_old_file_and_nothing_else(
    memory: VideoMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.memory"
    path.write_bytes(b"the old memory")
    for broken in failing_saves(KeyboardInterrupt):
        monkeypatch.setattr("longreel.memory_file.atomic_file", broken)
        with pytest.raises(KeyboardInterrupt):
            memory.save(path)
        assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"the old memory"]


def test_a_really_full_disk(memory: VideoMemory, tmp_path: Path) -> None:
    """A size limit of the process makes the system itself refuse the write."""
    code = (
        "import resource, signal, sys\n"
        "from longreel.memory import VideoMemory\n"
        "from longreel.errors import MemoryFileError\n"
        "memory = VideoMemory.open(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n    memory.save(sys.argv[2])\n"
        "except MemoryFileError as error:\n    print(error)\n"
    )
    memory.save(tmp_path / "film.memory")
    target = tmp_path / "out"
    target.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "film.memory"), str(target / "copy.memory")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "copy.memory cannot be written: File too large" in done.stdout
    assert list(target.iterdir()) == []


def test_a_process_killed_while_saving_leaves_the_old_file(memory: VideoMemory, tmp_path: Path) -> None:
    memory.save(tmp_path / "film.memory")
    path = tmp_path / "copy.memory"
    path.write_bytes(b"the old memory")
    code = (
        "import os, signal, sys\n"
        "from longreel.files import atomic_file\n"
        "with atomic_file(sys.argv[1]) as file:\n"
        "    file.write(b'half a memory')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old memory"
    memory.save(path)
    assert_same(VideoMemory.open(path), memory)


def test_saving_one_path_from_many_threads(tmp_path: Path) -> None:
    memories = [fake_model().watch(arrays(25, seed)) for seed in range(4)]
    path = tmp_path / "film.memory"
    threads = [threading.Thread(target=each.save, args=(path,)) for each in memories * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [file.name for file in tmp_path.iterdir()] == ["film.memory"]
    opened = VideoMemory.open(path)
    assert any(torch.equal(opened.layers[0].keys, each.layers[0].keys) for each in memories)


def test_an_open_memory_outlives_its_file(saved: Path, memory: VideoMemory) -> None:
    opened = VideoMemory.open(saved)
    fake_model().watch(arrays(9, seed=5)).save(saved)
    assert_same(opened, memory)


def test_saving_over_the_file_it_was_opened_from(saved: Path, memory: VideoMemory) -> None:
    VideoMemory.open(saved).save(saved)
    assert_same(VideoMemory.open(saved), memory)


def test_a_link_keeps_pointing_at_the_file(memory: VideoMemory, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "film.memory"
    link.symlink_to(tmp_path / "there" / "real.memory")
    memory.save(link)
    assert link.is_symlink()
    assert_same(VideoMemory.open(tmp_path / "there" / "real.memory"), memory)
