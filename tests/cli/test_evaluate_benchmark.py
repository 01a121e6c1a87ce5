"""`longreel evaluate BENCHMARK` on the small random model."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from longreel.evaluate.benchmarks.mlvu import DEV
from longreel.evaluate.benchmarks.table import BENCHMARKS, named_benchmark
from tests.cli.conftest import Run
from tests.evaluate.benchmarks.folder import write_json
from tests.evaluate.benchmarks.test_data import row_of
from tests.evaluate.benchmarks.test_judge import Server

KINDS = ("ret_edit1", "cnt_edit1")


def rows(kind: str) -> list[dict[str, Any]]:
    texts = ["red", "blue", "the forest", "a fox"]
    return [
        {
            "video": f"/VNBench_new/{kind}.mp4",
            "question": "what colour was the fox",
            "options": texts[turn:] + texts[:turn],
            "gt": "red",
            "gt_option": "ADCB"[turn],
            "type": kind,
            "try": turn,
        }
        for turn in range(4)
    ]


@pytest.fixture
def folder(tmp_path: Path, film: Path) -> Path:
    """VNBench with two samples, the videos of both there."""
    data = tmp_path / "data"
    write_json(data / "VNBench-main-4try.json", [row for kind in KINDS for row in rows(kind)])
    (data / "VNBench_new").mkdir()
    for kind in KINDS:
        os.link(film, data / "VNBench_new" / f"{kind}.mp4")
    return data


def command(folder: Path, model: Path, output: Path, *more: str) -> list[str | Path]:
    return [
        *("evaluate", "vnbench", "--data", folder, "--model", model, "-o", output, "-q"),
        *("--method", "random", "--keep", "1/4", "--count", "4", *more),
    ]


def test_an_incomplete_benchmark_is_refused_before_anything_runs(
    run: Run, folder: Path, model: Path, tmp_path: Path
) -> None:
    refused = run(*command(folder, model, tmp_path / "run"))
    assert refused.code == 1
    assert "8 of 5,400 published questions" in refused.error
    assert "--incomplete skip" in refused.error
    assert not (tmp_path / "run").exists()


def test_what_is_there_is_measured_and_the_rest_named(
    run: Run, folder: Path, model: Path, tmp_path: Path
) -> None:
    videos = folder / "VNBench_new"
    write_json(
        folder / "VNBench-main-4try.json",
        [row for kind in (*KINDS, "ord_edit1", "ord_edit2", "ret_insert1") for row in rows(kind)],
    )
    (videos / "ord_edit1.mp4").write_bytes((videos / "ret_edit1.mp4").read_bytes()[:-400])
    (videos / "ord_edit2.mp4").write_bytes(b"no film at all")
    arguments = command(folder, model, tmp_path / "run", "--incomplete", "skip")
    shown = run(*arguments)
    assert shown.code == 0, shown.err
    for word in ("all four tries right", "random 1/4", "blind", "unparsed", "8 of 5,400 published questions"):
        assert word in shown.out
    assert re.search(
        r"Difference to keep-all over .*\n\n.*\nrandom 1/4 +[+-]\d+\.\d \[.*, .*\] of 2 ", shown.out
    )
    assert "raw frames" in shown.out
    assert "missing (VNBench_new/ret_insert1.mp4)" in shown.err
    found = run(*arguments, "--json").json
    assert found["data"]["missing"] == ["VNBench_new/ret_insert1.mp4"]
    assert found["data"]["unreadable"][-1] == "VNBench_new/ord_edit2.mp4"
    assert len(found["data"]["truncated"]) + len(found["data"]["unreadable"]) == 2
    assert found["data"]["questions_asked"] == 8
    assert {each["units"] for each in found["metrics"]} == {2, 8}
    assert [(each["film"], each["setting"]) for each in found["runs"]] == [
        (f"VNBench_new/{kind}.mp4", setting) for kind in KINDS for setting in ("keep-all", "random 1/4")
    ]
    for each in found["runs"]:
        known = each["cost"]
        assert known["raw_frames"] == known["frames"] == 4
        assert known["visual_tokens"] >= known["kept"][0] - 2 > 0
        assert min(known["memory_bytes"], known["watch_seconds"], *known["ask_seconds"]) > 0
    assert found["metrics"][0]["videos"] == 2
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == found
    curve = run("curve", tmp_path / "run", "-o", tmp_path / "curve.png")
    assert curve.code == 2
    assert "is of a benchmark" in curve.error


def test_parameters_of_methods_are_measured(run: Run, folder: Path, model: Path, tmp_path: Path) -> None:
    settings = [
        "--method",
        "video-xl,retake",
        "--intervals",
        "dynamic",
        "--by-time",
        "--squeeze",
        "--target",
        "auto",
    ]
    arguments = command(folder, model, tmp_path / "run", "--incomplete", "skip", "--json", *settings)
    found = run(*arguments)
    assert found.code == 0, found.err
    plan = found.json["plan"]
    labels = [
        "video-xl 1/4 --target auto --intervals dynamic",
        "retake 1/4 --target auto --by-time",
    ]
    assert plan["settings"] == ["keep-all", *labels, "blind"]
    assert plan["methods"]["keep-all"] == {"name": "keep-all", "frames": None, "cache": {"part": "KeepAll"}}
    assert [plan["methods"][label]["cache"]["part"] for label in labels] == ["DynamicIntervals", "PivotKV"]
    assert all(plan["methods"][label]["positions"]["target"] == "auto" for label in labels)
    assert {each["setting"] for each in found.json["runs"]} == {"keep-all", *labels}
    other = run(*command(folder, model, tmp_path / "run", "--incomplete", "skip"))
    assert other.code == 2
    assert "holds an evaluation with other values" in other.error


def test_a_parameter_of_no_method_is_refused_before_the_folder_is_looked_through(
    run: Run, folder: Path, model: Path, tmp_path: Path
) -> None:
    refused = run(*command(folder, model, tmp_path / "run", "--by-time"))
    assert refused.code == 2
    assert "--by-time is for --method retake" in refused.error


def test_each_video_is_watched_once_and_other_letters_cost_nothing(
    run: Run, folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = command(folder, model, tmp_path / "run", "--incomplete", "skip", "--json")
    assert run(*arguments).code == 0
    lines = (tmp_path / "run" / "rows.jsonl").read_text().splitlines()
    assert [(len(json.loads(line)["answers"]), json.loads(line)["setting"]) for line in lines] == [
        (4, "keep-all"),
        (4, "random 1/4"),
        (4, "blind"),
    ] * 2
    monkeypatch.setattr("longreel.model.Model.watch", None)
    again = run(*arguments, "--parse", "harness")
    assert again.code == 0, again.err
    assert again.json["parse"] == "harness"


def test_a_run_goes_on_with_videos_that_came_later(
    run: Run, folder: Path, model: Path, tmp_path: Path
) -> None:
    late = folder / "VNBench_new" / "cnt_edit1.mp4"
    late.rename(tmp_path / "late.mp4")
    arguments = command(folder, model, tmp_path / "run", "--incomplete", "skip", "--json")
    assert run(*arguments).json["data"]["questions_asked"] == 4
    (tmp_path / "late.mp4").rename(late)
    assert run(*arguments).json["data"]["questions_asked"] == 8
    assert len((tmp_path / "run" / "rows.jsonl").read_text().splitlines()) == 6


def test_a_check_needs_no_model(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longreel.loading.load", None)
    check = ["evaluate", "vnbench", "--data", folder, "--check", "-q"]
    found = run(*check, "--json", "--incomplete", "skip")
    assert found.code == 0, found.err
    assert found.json["complete"] is False
    assert found.json["data"]["clips_watched"] == 2
    incomplete = run(*check, "--json")
    assert incomplete.code == 1
    assert incomplete.json == found.json
    told = run(*check)
    assert told.out == "VNBench: 8 of 5,400 published questions, 2 of 2 videos\n"
    assert told.code == 1
    assert "is not all of VNBench: 8 of 5,400 published questions are there" in told.error


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--subtitles", "all"], "does not show subtitles"),
        (["--split", "long"], "no split"),
        (["--judge", "http://host/v1"], "no free answers"),
        (["--method", "magic"], "magic"),
        (["--baseline", "nobody"], "nobody"),
    ],
)
def test_what_a_benchmark_does_not_have_is_refused(
    run: Run, folder: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    model = tmp_path / "no-model"
    refused = run(*command(folder, model, tmp_path / "run", "--incomplete", "skip", *more))
    assert refused.code == 2
    assert said in refused.error


def test_a_prompt_of_ones_own(run: Run, folder: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("{question}? It was:\n{bracketed}\n")
    arguments = command(folder, model, tmp_path / "run", "--incomplete", "skip", "--json")
    found = run(*arguments, "--prompt", tmp_path / "prompt.txt")
    assert found.code == 0, found.err
    assert found.json["plan"]["task"]["prompt"] == "{question}? It was:\n{bracketed}"
    other = run(*arguments)
    assert other.code == 2
    assert "task.prompt" in other.error


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("{options}", "no {question}"),
        ("{question}", "no {options}"),
        ("{question} {answers} {options}", "{answers}"),
        (None, "cannot be read"),
    ],
)
def test_prompts_that_leave_something_out_are_refused(
    run: Run, folder: Path, tmp_path: Path, prompt: str | None, said: str
) -> None:
    if prompt is not None:
        (tmp_path / "prompt.txt").write_text(prompt)
    refused = run("evaluate", "vnbench", "--data", folder, "--check", "--prompt", tmp_path / "prompt.txt")
    assert refused.code == 2
    assert said in refused.error


def test_a_trial_of_one_video(run: Run, folder: Path) -> None:
    told = run("evaluate", "vnbench", "--data", folder, "--check", "-q", "--videos", "1")
    assert told.out == "VNBench: 4 of 5,400 published questions, 1 of 1 videos, the first of 2\n"


def test_a_check_looks_into_subtitles_where_they_are_to_be_shown(
    run: Run, film: Path, tmp_path: Path
) -> None:
    write_json(tmp_path / "lvb_val.json", [row_of(number) for number in range(3)])
    (tmp_path / "videos").mkdir()
    for number in range(3):
        os.link(film, tmp_path / "videos" / f"{number}.mp4")
    write_json(tmp_path / "subtitles" / "0.json", [{"timestamp": [0.0, None], "text": "hello"}])
    write_json(tmp_path / "subtitles" / "1.json", [{"times": 3}])
    check = ["evaluate", "longvideobench", "--data", tmp_path, "--check", "-q"]
    assert run(*check).out.count("\n") == 1
    told = run(*check, "--subtitles", "all").out
    assert "2 of 3 videos; 1 without readable subtitles: videos/1.mp4" in told
    assert "1 subtitle files are missing" in told
    assert run(*check, "--subtitles", "all", "--json").json["data"]["badly_subtitled"] == ["videos/1.mp4"]
    assert "choose from none, interleaved" in run(*check, "--subtitles", "some").error


def test_not_every_benchmark_has_a_script_of_its_own(run: Run, tmp_path: Path) -> None:
    refused = run("evaluate", "mvbench", "--data", tmp_path, "--parse", "official")
    assert refused.code == 2
    assert "no --parse official" in refused.error


def test_a_judge_grades_free_answers(
    run: Run, film: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in DEV:
        free = {"answer": "a red fox in a forest"}
        choice = {"candidates": ["red", "blue", "forest", "fox"], "answer": "blue"}
        row = {"video": "v.mp4", "question": "what was it", **(free if name in DEV[7:] else choice)}
        write_json(tmp_path / "data" / "json" / f"{name}.json", [row])
        (tmp_path / "data" / "video" / name).mkdir(parents=True)
        os.link(film, tmp_path / "data" / "video" / name / "v.mp4")
    server = Server('{"accuracy": 4, "relevance": 5, "completeness": 2, "reliability": 3}')
    monkeypatch.setenv("JUDGE_KEY", "secret")
    arguments = [
        *("evaluate", "mlvu", "--data", tmp_path / "data", "--model", model, "-o", tmp_path / "run", "-q"),
        *("--method", "keep-all", "--count", "2", "--incomplete", "skip", "--json"),
    ]
    judged = [*arguments, "--judge", server.url, "--judge-model", "grader", "--judge-key", "JUDGE_KEY"]
    without = run(*arguments)
    assert without.code == 0, without.err
    assert "G-Avg (mean of tasks)" not in {each["metric"] for each in without.json["metrics"]}
    found = run(*judged)
    server.http.shutdown()
    server.http.server_close()
    assert found.code == 0, found.err
    grades = [each["value"] for each in found.json["metrics"] if each["metric"] == "G-Avg (mean of tasks)"]
    assert grades == [(9 + 5) / 2] * 2
    assert found.json["judge"] == {"url": server.url, "model": "grader"}
    assert "secret" not in found.out + (tmp_path / "run" / "result.json").read_text()


def test_a_folder_without_videos_says_where_they_belong(run: Run, folder: Path) -> None:
    for path in (folder / "VNBench_new").iterdir():
        path.unlink()
    refused = run("evaluate", "vnbench", "--data", folder, "--check")
    assert refused.code == 1
    assert "VNBench_new/ret_edit1.mp4" in refused.error


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_names_what_is_missing(run: Run, tmp_path: Path, name: str) -> None:
    assert named_benchmark(name).name == name
    refused = run("evaluate", name, "--data", tmp_path)
    assert refused.code == 1
    assert str(tmp_path) in refused.error
    nowhere = run("evaluate", name, "--data", tmp_path / "nowhere")
    assert "is not a folder" in nowhere.error
