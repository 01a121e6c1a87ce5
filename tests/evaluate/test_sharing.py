"""Runs shared by processes: the same rows and the same result, whoever did what, and after any kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longreel.errors import LongreelError
from longreel.evaluate.run import evaluate
from longreel.evaluate.run_folder import RunFolder, read_rows
from longreel.evaluate.sharing import ALONE, Share, current_share
from tests.cli import tiny
from tests.cli.conftest import run as run
from tests.evaluate.benchmarks.folder import write_json
from tests.evaluate.test_run import answers, evaluation

ROOT = Path(__file__).parents[2]


class GoneError(Exception):
    """Stands for a kill."""


def shared(count: int, folder: Path, *, killed: int | None = None, after: int = 0) -> list[BaseException]:
    """A run by `count` threads in place of processes; `killed` dies as it adds a row. What they raised."""
    barrier = threading.Barrier(count)
    raised: list[BaseException] = []

    def meet() -> None:
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            raise LongreelError("another process has ended") from None

    def work(index: int) -> None:
        part = evaluation()
        try:
            if index == killed:
                progress = dying_at(after)
            evaluate(part, folder, progress if index == killed else None, Share(index, count, meet=meet))
        except BaseException as error:
            raised.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def dying_at(number: int) -> Callable[[Any], None]:
    """A progress callback that ends its process at this report."""
    reports = iter(range(number))

    def report(_: Any) -> None:
        if next(reports, None) is None:
            raise GoneError

    return report


@given(st.integers(0, 30), st.integers(1, 8))
def test_every_item_is_somebodys_and_nobody_elses(items: int, count: int) -> None:
    shares = [Share(index, count).of(range(items)) for index in range(count)]
    assert sorted(item for share in shares for item in share) == list(range(items))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("count", [2, 3])
def test_shared_runs_have_the_rows_of_one(tmp_path: Path, count: int) -> None:
    evaluate(evaluation(), tmp_path / "one")
    assert shared(count, tmp_path / "shared") == []
    assert answers(tmp_path / "shared") == answers(tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "shared").glob("rows*")) == ["rows.jsonl"]
    assert {row["cost"]["processes"] for row in read_rows(tmp_path / "shared") if row["cost"]} == {count}


@pytest.mark.parametrize(("killed", "after"), [(0, 0), (0, 2), (1, 0), (1, 2)])
def test_after_any_kill_any_number_of_processes_goes_on(tmp_path: Path, killed: int, after: int) -> None:
    evaluate(evaluation(), tmp_path / "one")
    folder = tmp_path / "shared"
    raised = shared(2, folder, killed=killed, after=after)
    assert {type(error) for error in raised} == {GoneError, LongreelError}
    with open(folder / "rows-1.jsonl", "a", encoding="utf-8") as file:
        file.write('{"film": "half a li')
    before = len(list(read_rows(folder)))
    assert before < len(answers(tmp_path / "one"))
    assert shared(3, folder) == []
    assert answers(folder) == answers(tmp_path / "one")


def test_a_kill_after_bringing_rows_together_doubles_none(tmp_path: Path) -> None:
    folder = evaluate(evaluation(), tmp_path).folder
    whole = answers(folder)
    (folder / "rows-1.jsonl").write_text((folder / "rows.jsonl").read_text())
    assert answers(folder) == whole
    RunFolder(folder, evaluation().plan()).settle([])
    assert sorted(answers(folder), key=str) == sorted(whole, key=str)


def test_a_process_without_a_launcher_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert current_share() is ALONE
    assert ALONE.device("cuda") == "cuda"
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(LongreelError, match="pip install accelerate"):
        current_share()


@pytest.mark.parametrize(("cards", "device"), [(0, "cuda:0"), (2, "cuda:1"), (8, "cuda:3")])
def test_each_process_has_a_card_of_its_own(monkeypatch: pytest.MonkeyPatch, cards: int, device: str) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: cards)
    share = Share(11, 16, local_index=3)
    assert share.device("cuda") == device
    assert (share.device("cuda:2"), share.device("cpu"), share.device(None)) == ("cuda:2", "cpu", None)


VIDEOS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """VNBench with six samples, whose films differ in length."""
    (tmp_path / "data" / "VNBench_new").mkdir(parents=True)
    texts = ["red", "blue", "the forest", "a fox"]
    rows = [
        {
            "video": f"/VNBench_new/{video}.mp4",
            "question": "what colour was the fox",
            "options": texts[turn:] + texts[:turn],
            "gt": "red",
            "type": "ret_edit1",
            "try": turn,
        }
        for video in range(VIDEOS)
        for turn in range(4)
    ]
    write_json(tmp_path / "data" / "VNBench-main-4try.json", rows)
    for video in range(VIDEOS):
        tiny.write_film(tmp_path / "data" / "VNBench_new" / f"{video}.mp4", seconds=2 + video)
    return tmp_path


def launched(folder: Path, processes: int) -> subprocess.Popen[bytes]:
    """`longreel evaluate vnbench` by this many processes, as accelerate starts them."""
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_machines=1", f"--num_processes={processes}"]
    evaluated = ["longreel", "evaluate", "vnbench", "--data", "data", "--incomplete", "skip", "-o", "run"]
    settings = ["--model", "model", "--method", "random", "--keep", "1/4", "--count", "4", "-q"]
    quiet = ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", *launch, *quiet, "-m", *evaluated, *settings],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )


def process_of_rank(launcher: int, rank: int) -> psutil.Process:
    return next(
        child
        for child in psutil.Process(launcher).children(recursive=True)
        if child.environ().get("RANK") == str(rank)
    )


def without_costs(path: Path) -> bytes:
    """A result, but for when and on what it was measured."""
    result = json.loads(path.read_text())
    for part in ("command", "hardware", "costs", "runs"):
        result.pop(part, None)
    return json.dumps(result).encode()


@pytest.mark.slow
def test_two_processes_one_of_them_killed_end_in_the_result_of_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    tiny.save_model(folder / "model")
    killed = launched(folder, 2)
    while not list(folder.glob("run/rows-1.jsonl")):
        assert killed.poll() is None
        time.sleep(0.05)
    process_of_rank(killed.pid, 1).kill()
    assert killed.wait() != 0
    assert not (folder / "run" / "result.json").exists()
    assert launched(folder, 2).wait() == 0
    monkeypatch.chdir(folder)
    alone = [
        *("evaluate", "vnbench", "--data", "data", "--incomplete", "skip", "-o", "alone", "-q"),
        *("--model", "model", "--method", "random", "--keep", "1/4", "--count", "4"),
    ]
    assert run(*alone).code == 0
    assert without_costs(folder / "run" / "result.json") == without_costs(folder / "alone" / "result.json")
