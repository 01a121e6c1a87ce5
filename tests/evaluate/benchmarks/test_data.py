"""Folders with gaps: every gap is named, and the denominator is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from longreel.errors import LongreelError, SourceError, UsageError
from longreel.evaluate.benchmarks.base import Benchmark, Published, Video
from longreel.evaluate.benchmarks.data import Data, read_data
from longreel.evaluate.benchmarks.result import benchmark_result
from longreel.evaluate.benchmarks.rows import read_rows
from longreel.evaluate.benchmarks.table import named_benchmark
from longreel.evaluate.benchmarks.tables import denominator, remarks
from longreel.evaluate.benchmarks.task import BenchmarkTask
from longreel.evaluate.benchmarks.videos import Shelf
from longreel.evaluate.run import Evaluation, evaluate
from longreel.evaluate.settings import BLIND, settings_to_compare
from tests.cli import tiny
from tests.evaluate.benchmarks.folder import PutFilm, constant, data_of, metrics_of, write_json, write_lines
from tests.evaluate.benchmarks.test_lvbench import video
from tests.fakes import FakeAdapter


@pytest.fixture
def folder(tmp_path: Path, put_film: PutFilm) -> Path:
    """Five videos: one whole, one missing, one under another name, one cut short, one that is no film."""
    write_lines(tmp_path / "video_info.meta.jsonl", [video(number) for number in range(5)])
    put_film("videos/-yt_0.mp4", "videos/-YT_2.MKV")
    whole = (tmp_path / "videos" / "-yt_0.mp4").read_bytes()
    (tmp_path / "videos" / "-yt_3.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "videos" / "-yt_4.webm").write_bytes(b"<html>not found</html>")
    return tmp_path


def test_every_gap_is_named(folder: Path) -> None:
    report = data_of("lvbench", folder).report()
    assert report["missing"] == ["videos/-yt_1"]
    assert report["renamed"].keys() == {"videos/-yt_2", "videos/-yt_4"}
    # Without its index, which lies at the end, a film cannot be opened at all.
    assert sorted(report["truncated"] + report["unreadable"]) == ["videos/-yt_3", "videos/-yt_4"]
    assert (report["questions_asked"], report["questions_found"]) == (6, 15)
    assert (report["clips_watched"], report["clips"]) == (2, 5)
    line = denominator(report)
    assert line.startswith("6 of 1,549 published questions, 2 of 5 videos; 1 missing: videos/-yt_1")


def test_what_is_broken_is_told_with_its_reason(folder: Path) -> None:
    """A link that leads nowhere, a folder and an empty file, under the published names."""
    videos = folder / "videos"
    (videos / "-yt_1.mp4").symlink_to(folder / "nowhere.mp4")
    (videos / "-yt_3.mp4").unlink()
    (videos / "-yt_3.mp4").mkdir()
    (videos / "-yt_4.webm").unlink()
    (videos / "-yt_4.mp4").touch()
    report = data_of("lvbench", folder).report()
    assert report["unreadable"] == ["videos/-yt_1", "videos/-yt_3", "videos/-yt_4"]
    assert list(report["reasons"]) == report["unreadable"]
    assert "does not exist" in report["reasons"]["videos/-yt_1"]
    assert "is empty" in report["reasons"]["videos/-yt_4"]
    assert report["renamed"].keys() == {"videos/-yt_2"}


def test_capitals_in_a_published_name_do_not_hide_another_ending(folder: Path, put_film: PutFilm) -> None:
    put_film("videos/fFjv93ACGo8.mkv")
    found = Shelf(folder).find(Video("fFjv93ACGo8", ("videos",)))
    assert (found.problem, found.renamed) == (None, True)


def test_a_file_that_may_not_be_read_is_unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise SourceError(f"{path} cannot be read (Permission denied): check the file and its rights")

    monkeypatch.setattr("longreel.evaluate.benchmarks.videos.probe", refused)
    with pytest.raises(SourceError, match="none of the 5 videos"):
        data_of("lvbench", folder)


def test_a_film_that_ends_early_is_truncated(folder: Path) -> None:
    fast = tiny.write_film(folder / "videos" / "fast.mp4", fast_start=True)
    (folder / "videos" / "-yt_3.mp4").write_bytes(fast.read_bytes()[:-300])
    assert data_of("lvbench", folder).names("truncated") == ["videos/-yt_3"]


def test_gaps_are_fatal_unless_chosen(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"15 of 1,549 published.*1 video is missing \(videos/-yt_1\)"):
        data_of("lvbench", folder).require_whole()


def test_only_so_many_videos(folder: Path) -> None:
    data = read_data(named_benchmark("lvbench"), folder, videos=1)
    assert {query.video.name for query in data.queries} == {"-yt_0"}
    assert denominator(data.report()) == "3 of 1,549 published questions, 1 of 1 videos, the first of 5"


def test_a_trial_of_some_videos_does_not_make_a_folder_incomplete(tmp_path: Path, put_film: PutFilm) -> None:
    published = Benchmark(**{**vars(named_benchmark("lvbench")), "published": {"": Published(15)}})
    write_lines(tmp_path / "video_info.meta.jsonl", [video(number) for number in range(5)])
    put_film("videos/-yt_0.mp4", "videos/-yt_1.mp4")
    read_data(published, tmp_path, videos=2).require_whole()
    with pytest.raises(SourceError, match="1 video is missing"):
        read_data(published, tmp_path, videos=3).require_whole()


def test_scores_are_over_what_was_asked(folder: Path) -> None:
    data = data_of("lvbench", folder)
    asked = [query for query in data.queries if query.video.name in ("-yt_0", "-yt_2")]
    right = sum(query.gold == "A" for query in asked)
    assert metrics_of(data, constant("A")) == {"accuracy": round(100 * right / 6, 4)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no questions"),
        (b'{"key": "x"', "damaged"),
        (b'{"key": "x", "type": "tv"}\n', "without 'qa'"),
        (b"[1]\n", "no list of rows"),
        (b"\xff\xfe\x00", "no UTF-8"),
    ],
)
def test_damaged_annotations_are_named(folder: Path, content: bytes, said: str) -> None:
    (folder / "video_info.meta.jsonl").write_bytes(content)
    with pytest.raises(SourceError, match=said):
        data_of("lvbench", folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question": "What happens?"}, "question 01 has 0 options"),
        ({"question": "What happens?\n(A) rain"}, "question 01 has 1 options"),
        ({"question": "What?" + "".join(f"\n({letter}) x" for letter in "ABCDEFGHIJKLMN" * 2)}, "28 options"),
        ({"question_type": "reasoning"}, "'question_type' is no list"),
        ({"question_type": None}, "'question_type' is no list"),
    ],
)
def test_odd_values_are_named(folder: Path, change: dict[str, Any], said: str) -> None:
    row = video(0)
    row["qa"][1] = {**row["qa"][1], **change}
    write_lines(folder / "video_info.meta.jsonl", [row])
    with pytest.raises(SourceError, match=said):
        data_of("lvbench", folder)


def test_a_row_of_another_form_is_named_by_its_number(folder: Path) -> None:
    write_lines(folder / "video_info.meta.jsonl", [video(0), {**video(1), "qa": 3}])
    with pytest.raises(SourceError, match=r"meta\.jsonl, row 2 is not of the published form .*iterable"):
        data_of("lvbench", folder)


@pytest.mark.parametrize("change", [{"uid": "00"}, {"answer": "F"}])
def test_annotations_that_contradict_themselves_are_refused(folder: Path, change: dict[str, Any]) -> None:
    row = video(0)
    row["qa"][1] = {**row["qa"][1], **change}
    write_lines(folder / "video_info.meta.jsonl", [row])
    with pytest.raises(SourceError, match="copy the annotations again"):
        data_of("lvbench", folder)


def test_a_parquet_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="missing"):
        read_rows(tmp_path / "test.parquet")


def test_without_the_reader_of_parquet_files_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "test.parquet").touch()
    with pytest.raises(LongreelError, match=r"longreel\[parquet\]"):
        read_rows(tmp_path / "test.parquet")


def test_there_is_no_such_split(folder: Path) -> None:
    with pytest.raises(UsageError, match="no split 'dev'"):
        data_of("lvbench", folder, "dev")


def ran(data: Data, folder: Path, **changes: Any) -> tuple[list[Any], dict[str, Any]]:
    settings = [*settings_to_compare(["random"], [1 / 2]), BLIND]
    evaluation = Evaluation(BenchmarkTask(data), FakeAdapter(), settings, **changes)
    rows = evaluate(evaluation, folder).rows()
    found = benchmark_result(
        data, evaluation.plan(), rows, {}, parse="strict", baseline="blind", baseline_rows=rows[1::2]
    )
    return rows, found


def test_a_video_that_fails_while_it_is_watched_is_counted(folder: Path) -> None:
    """What the structure of the file did not tell."""
    data = data_of("lvbench", folder)
    broken = data.usable()[1]
    assert broken.path is not None
    # The file is a link to one that other tests share.
    broken.path.unlink()
    broken.path.write_bytes(b"gone bad since")
    rows, found = ran(data, folder / "run", skip_unreadable=True)
    assert [len(row["answers"]) for row in rows] == [3, 3, 0, 3]
    assert list(found["answers"]["random 1/2"]["failed_videos"]) == ["videos/-yt_2"]
    assert {each["setting"]: each["units"] for each in found["metrics"]} == {"random 1/2": 3, "blind": 6}
    with pytest.raises(SourceError):
        ran(data, folder / "strict")
    again, _ = ran(data, folder / "run", skip_unreadable=True)
    assert again == rows
    tiny.write_film(broken.path)
    mended, found = ran(data, folder / "run", skip_unreadable=True)
    assert [len(row["answers"]) for row in mended] == [3, 3, 3, 3]
    assert mended[:2] == rows[:2]
    assert found["answers"]["random 1/2"]["failed_videos"] == {}
    assert len((folder / "run" / "rows.jsonl").read_text().splitlines()) == 4


def test_a_film_of_which_most_cannot_be_read_fails_though_it_looks_whole(folder: Path) -> None:
    """As a download into a file made in full length beforehand leaves it."""
    broken = folder / "videos" / "-yt_0.mp4"
    broken.unlink()
    whole = tiny.write_film(broken, fast_start=True).read_bytes()
    broken.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))
    data = data_of("lvbench", folder)
    assert "videos/-yt_0" in {each.video.key for each in data.usable()}
    rows, found = ran(data, folder / "run", skip_unreadable=True)
    assert [len(row["answers"]) for row in rows] == [0, 3, 3, 3]
    assert "frames can be read" in found["answers"]["random 1/2"]["failed_videos"]["videos/-yt_0"]
    with pytest.raises(SourceError, match=r"videos/-yt_0: only \d+ of \d+ frames can be read .*cut short"):
        ran(data, folder / "strict")
    tiny.write_film(broken)
    rows, _ = ran(data, folder / "strict")
    assert [len(row["answers"]) for row in rows] == [3, 3, 3, 3]


def subtitled(folder: Path, put_film: PutFilm, second: str = '[{"times": 3}]') -> Path:
    """LongVideoBench with two videos, the subtitles of the second as given."""
    write_json(folder / "lvb_val.json", [row_of(number) for number in range(2)])
    put_film("videos/0.mp4", "videos/1.mp4")
    write_json(folder / "subtitles" / "0.json", [{"timestamp": [0.0, None], "text": "hello"}])
    (folder / "subtitles" / "1.json").write_text(second)
    return folder


@pytest.mark.parametrize(
    "second",
    ['[{"times": 3}]', '[{"timestamp"', "{}", '[{"timestamp": 3}]', '[{"timestamp": [0, 1, 2]}]', ""],
)
def test_damaged_subtitles_are_found_before_anything_is_watched(
    tmp_path: Path, put_film: PutFilm, second: str
) -> None:
    folder = subtitled(tmp_path, put_film, second)
    data = read_data(named_benchmark("longvideobench"), folder, subtitles=True)
    assert data.names("badly_subtitled") == ["videos/1.mp4"]
    assert "1.json" in data.report()["reasons"]["videos/1.mp4"]
    assert list(BenchmarkTask(data, "all").by_film) == ["videos/0.mp4"]
    with pytest.raises(SourceError, match=r"1 video is without readable subtitles \(videos/1.mp4\)"):
        data.require_whole()
    assert "1 without readable subtitles: videos/1.mp4" in denominator(data.report())
    # Who does not show them need not have them.
    assert len(read_data(named_benchmark("longvideobench"), folder).usable()) == 2


def test_subtitles_that_go_bad_later_fail_their_video_only(tmp_path: Path, put_film: PutFilm) -> None:
    task = BenchmarkTask(data_of("longvideobench", subtitled(tmp_path, put_film)), "all")
    settings = [*settings_to_compare(["random"], [1 / 2]), BLIND]
    evaluation = Evaluation(task, FakeAdapter(), settings, skip_unreadable=True)
    made = evaluate(evaluation, tmp_path / "run").rows()
    assert [len(row["answers"]) for row in made] == [1, 1, 0, 0]
    assert all("1.json holds no subtitles" in row["failed"] for row in made[2:])


def row_of(number: int) -> dict[str, Any]:
    """A row of LongVideoBench."""
    return {
        "id": f"q{number}",
        "video_path": f"{number}.mp4",
        "subtitle_path": f"{number}.json",
        "question": "what is it",
        "option0": "red",
        "option1": "blue",
        "correct_choice": 0,
        "question_category": "T2E",
        "topic_category": "NP",
        "duration_group": 15,
    }


def test_what_bears_on_the_numbers_is_said(folder: Path) -> None:
    data = data_of("lvbench", folder)
    rows, _ = ran(data, folder / "run")
    rows[0] = {**rows[0], "warnings": ["a frame is broken"]}
    plan = {"settings": ["random 1/2"], "task": {"subtitles": "none"}}
    found = benchmark_result(data, plan, rows, {}, parse="strict", baseline="random 1/2", baseline_rows=rows)
    lines = remarks(found)
    assert any(line.startswith("videos/-yt_4: ") for line in lines)
    assert lines[-1] == "1 damaged in part, watched as far as they can be read: videos/-yt_0"


def test_a_question_that_is_too_long_is_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAdapter, "max_question_tokens", 3)
    _, found = ran(data_of("lvbench", folder), folder / "run")
    for answers in found["answers"].values():
        assert answers["too_long_to_ask"] == answers["unparsed"] == 6
