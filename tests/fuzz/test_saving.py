"""A memory file is the old one or the whole new one, whatever happens while it is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from longreel.memory import VideoMemory
from tests.fakes import arrays, fake_model

ROOT = Path(__file__).parents[2]
STEP = 4096

# Saves again and again; each time the process that writes is killed a little later.
KILLED_EVERYWHERE = f"""
import builtins, os, signal, sys
import longreel.files
from longreel.memory import VideoMemory

memory = VideoMemory.open(sys.argv[1])
memory.verify()
target, size = sys.argv[2], os.path.getsize(sys.argv[1])

def dying_file(limit):
    class Dying:
        def __init__(self, *arguments):
            self.file, self.left = builtins.open(*arguments), limit
        def write(self, data):
            part = bytes(data)[: self.left]
            self.file.write(part)
            self.file.flush()
            self.left -= len(part)
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return len(data)
        def __enter__(self):
            return self
        def __exit__(self, *error):
            self.file.close()
        def __getattr__(self, name):
            return getattr(self.file, name)
    return Dying

for limit in range({STEP}, size + {STEP}, {STEP}):
    child = os.fork()
    if not child:
        longreel.files.open = dying_file(min(limit, size))
        memory.save(target)
        os._exit(0)
    print(limit, os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
    with builtins.open(target, "rb") as file:
        assert file.read() == b"the old memory", limit
memory.save(target)
"""

SAVES_AGAIN_AND_AGAIN = """
import sys
from longreel.memory import VideoMemory

memory = VideoMemory.open(sys.argv[1])
for _ in range(60):
    memory.save(sys.argv[2])
"""

FILLS_A_SMALL_DISK = """
mount -t tmpfs -o size=64k none "$1" || exit 77
printf 'the old memory' > "$1/film.memory"
"$2" -c "
import sys
from longreel.errors import MemoryFileError
from longreel.memory import VideoMemory
try:
    VideoMemory.open(sys.argv[1]).save(sys.argv[2])
except MemoryFileError as error:
    print(error)
" "$3" "$1/film.memory"
ls -A "$1"
cat "$1/film.memory"
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "film.memory"
    fake_model().watch(arrays(1200)).save(path)
    assert path.stat().st_size > 50 * STEP
    return path


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_killed_at_every_4_kib(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "film.memory"
    target.write_bytes(b"the old memory")
    process = python(KILLED_EVERYWHERE, whole, target)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    deaths = [line.split() for line in out.splitlines()]
    assert len(deaths) >= whole.stat().st_size // STEP
    assert {signal for _, signal in deaths} == {"9"}
    # What a killed process leaves is hidden, and no obstacle: the last save succeeded.
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["film.memory"]
    assert target.read_bytes() == whole.read_bytes()


def test_two_processes_saving_the_same_memory(whole: Path, tmp_path: Path) -> None:
    """Whoever opens it meanwhile gets one of the two, never a mixture."""
    other = tmp_path / "other.memory"
    fake_model().watch(arrays(900, seed=4)).save(other)
    target = tmp_path / "film.memory"
    shutil.copy(whole, target)
    contents = {whole.read_bytes(), other.read_bytes()}
    processes = [python(SAVES_AGAIN_AND_AGAIN, source, target) for source in (whole, other)]
    seen = set()
    while any(process.poll() is None for process in processes):
        content = target.read_bytes()
        assert content in contents
        seen.add(content)
        VideoMemory.open(target).verify()
        time.sleep(0.001)
    for process in processes:
        assert process.communicate()[1] == ""
        assert process.returncode == 0
    assert seen == contents
    assert sorted(os.listdir(tmp_path)) == ["film.memory", "other.memory"]


def test_a_disk_of_64_kib(whole: Path, tmp_path: Path) -> None:
    """A real full disk, in a name space of its own."""
    if not shutil.which("unshare"):
        pytest.skip("unshare (util-linux) is missing: the disk cannot be mounted")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["unshare", "-rm", "sh", "-c", FILLS_A_SMALL_DISK, "sh", disk, sys.executable, whole]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode in (1, 77) and "perm" in done.stderr.lower():
        pytest.skip(f"this system lets nobody mount a disk: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    said, files, old = done.stdout.splitlines()
    assert "film.memory cannot be written: No space left on device" in said
    assert (files, old) == ("film.memory", "the old memory")
