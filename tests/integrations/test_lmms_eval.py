"""lmms-eval, unmodified and in an environment of its own, evaluates longreel through its command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

import longreel
from longreel.films.encode import write_film
from longreel.films.questions import draw_questions
from longreel.films.scenes import draw_film

pytestmark = [pytest.mark.slow, pytest.mark.lmms_eval]

ROOT = Path(__file__).parents[2]
# What lmms-eval imports to run a task, of the many packages that it lists and that are not here already.
NEEDED = ("loguru", "datasets", "evaluate", "sacrebleu", "pytz", "tenacity", "pytablewriter")
TASK = """\
task: longreel_local
dataset_path: json
dataset_kwargs:
  data_files:
    test: {rows}
test_split: test
output_type: generate_until
doc_to_visual: !function functions.visual
doc_to_text: !function functions.text
doc_to_target: answer
process_results: !function functions.results
generation_kwargs:
  max_new_tokens: 32
  temperature: 0
  do_sample: false
metric_list:
  - metric: right
    aggregation: mean
    higher_is_better: true
"""
FUNCTIONS = """\
def visual(document):
    return [document["video"]]


def text(document, lmms_eval_specific_kwargs=None):
    return document["question"]


def results(document, answers):
    return {"right": float(document["answer"] in answers[0])}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with lmms-eval and longreel installed, above the packages of this one."""
    folder = tmp_path_factory.mktemp("lmms_eval") / "venv"
    try:
        venv.create(folder, with_pip=True)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no environment can be made here: {error}")
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (packages / "above.pth").write_text(sysconfig.get_path("purelib") + "\n")
    source = shutil.copytree(
        ROOT, folder.parent / "source", ignore=shutil.ignore_patterns(".*", "runs", "out", "tests")
    )
    install = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for packages_wanted in (["--no-deps", "lmms-eval==0.7.*"], [*NEEDED], ["--no-deps", source]):
        done = subprocess.run([*install, *packages_wanted], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"lmms-eval cannot be installed: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """A question about each of two drawn films."""
    folder = tmp_path_factory.mktemp("films")
    rows = []
    for seed in (620_000_000, 620_000_001):
        film = draw_film(seed, 8.0, split="unseen-combinations")
        path = folder / f"{seed}.mp4"
        write_film(film, path)
        (question, *_) = draw_questions(film, ["colour"], 1, seed=seed, min_event=0.5)
        rows.append({"video": str(path), "question": question.text, "answer": question.gold[0]})
    return rows


def run(environment: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(environment.parent / "hub")}
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [environment / "bin" / "lmms-eval", *arguments],
        env={**plain, **quiet},
        cwd=environment.parent,
        capture_output=True,
        text=True,
    )


def python(environment: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([environment / "bin" / "python", "-c", code], capture_output=True, text=True)


def check_that_it_knows_our_name(environment: Path) -> None:
    """Its own listing, `lmms-eval models`, leaves out what entry points bring."""
    done = python(
        environment,
        "from lmms_eval import models; print(*models.list_available_models()); models.get_model('longreel')",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "longreel" in done.stdout.split()
    assert "Failed to load model entry-point" not in done.stderr


def check_that_unknown_arguments_are_named(environment: Path) -> None:
    done = python(
        environment,
        "from longreel.integrations.lmms_eval_model import LongreelChat; LongreelChat(kepp=1)",
    )
    assert done.returncode != 0
    assert "--model_args has kepp, which longreel does not know" in done.stderr


def check_that_parameters_of_methods_arrive(environment: Path) -> None:
    """Read by lmms-eval from its option, as its command line does."""
    done = python(
        environment,
        "from lmms_eval.utils import simple_parse_args_string as parsed;"
        "from longreel.integrations.lmms_eval_model import LongreelChat;"
        "print(LongreelChat(**parsed('ratios=[2,4],draw=film,ratio_seed=5')).model.method.cache)",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "DrawnRatios(ratios=(2, 4), each='film', seed=5)" in done.stdout


def test_a_task_of_two_samples(environment: Path, samples: list[dict[str, str]], tmp_path: Path) -> None:
    """One test for all: where tests are shared out, each worker would install an environment of its own."""
    check_that_it_knows_our_name(environment)
    check_that_unknown_arguments_are_named(environment)
    check_that_parameters_of_methods_arrive(environment)
    (tmp_path / "rows.json").write_text(json.dumps(samples))
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "longreel_local.yaml").write_text(TASK.format(rows=tmp_path / "rows.json"))
    (tmp_path / "task" / "functions.py").write_text(FUNCTIONS)
    done = run(
        environment,
        *("eval", "--model", "longreel", "--model_args", "keep=1/4,fps=2", "--tasks", "longreel_local"),
        *("--include_path", tmp_path / "task", "--batch_size", "1"),
        *("--log_samples", "--output_path", tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (logged,) = (tmp_path / "out").rglob("*samples_longreel_local.jsonl")
    answers = [reply(json.loads(line)) for line in logged.read_text().splitlines()]
    model = longreel.load(keep=1 / 4)
    expected = [
        model.ask(model.watch(row["video"], fps=2), row["question"], max_new_tokens=32).text
        for row in samples
    ]
    assert answers == expected
    right = [row["answer"] in answer for row, answer in zip(samples, expected, strict=True)]
    (result,) = (tmp_path / "out").rglob("*results.json")
    measured = json.loads(result.read_text())["results"]["longreel_local"]
    assert measured["right,none"] == sum(right) / 2


def reply(sample: dict[str, Any]) -> str:
    """The model's words in a logged sample."""
    found = sample["filtered_resps"]
    while isinstance(found, list):
        (found,) = found
    return str(found)
