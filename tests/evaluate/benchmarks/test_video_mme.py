"""Video-MME in its published format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.data import Data, read_data
from longreel.evaluate.benchmarks.table import named_benchmark
from longreel.evaluate.benchmarks.task import BenchmarkTask
from tests.evaluate.benchmarks.folder import (
    PutFilm,
    constant,
    data_of,
    metrics_of,
    perfect,
    result_of,
    seeded,
    share,
    sorted_by,
    write_parquet,
)

TIERS = ("short", "medium", "long")
SRT = """1
00:00:00,500 --> 00:00:01,000
<font color="white" size=".72c">Good morning</font>

2
00:00:03,000 --> 00:00:03,500
no font tag here

3
00:01:00,000 --> 00:01:02,000
<font color="white">after the end</font>
"""


def row(number: int, question: int) -> dict[str, Any]:
    return {
        "video_id": f"{number:03}",
        "duration": TIERS[number % 3],
        "domain": "Knowledge",
        "sub_category": "Astronomy" if number < 3 else "Law",
        "url": "",
        "videoID": f"yt.{number}-_x",
        "question_id": f"{number:03}-{question}",
        "task_type": "OCR Problems",
        "question": f"What is said at {question}?",
        "options": [f"{letter}. word {letter.lower()}." for letter in "ABCD"],
        "answer": "ABCD"[(number + question) % 4],
    }


@pytest.fixture
def folder(tmp_path: Path, put_film: PutFilm) -> Path:
    rows = [row(number, question) for number in range(6) for question in (1, 2, 3)]
    write_parquet(tmp_path / "videomme" / "test-00000-of-00001.parquet", rows)
    put_film(*(f"data/yt.{number}-_x.mp4" for number in range(6)))
    (tmp_path / "subtitle").mkdir()
    (tmp_path / "subtitle" / "yt.0-_x.srt").write_text(SRT)
    return tmp_path


@pytest.fixture
def data(folder: Path) -> Data:
    return data_of("video-mme", folder)


def test_scores(data: Data) -> None:
    assert metrics_of(data, perfect) == {"accuracy": 100}
    for answerer in (constant("B"), seeded(3)):
        assert metrics_of(data, answerer) == {"accuracy": share(data, answerer)}
    tiers = sorted_by(result_of(data, perfect), "duration")
    assert tiers == dict.fromkeys(TIERS, (100, 6))
    for name in ("domain", "sub_category", "task_type"):
        assert sum(units for _, units in sorted_by(result_of(data, perfect), name).values()) == 18


def test_a_tier_alone(folder: Path) -> None:
    assert {query.tags["duration"] for query in data_of("video-mme", folder, "long").queries} == {"long"}


def test_options_lose_their_letters_and_get_them_back(data: Data) -> None:
    query = data.queries[0]
    assert query.options[0] == "word a."
    assert "\nA. word a.\nB. word b." in data.benchmark.wording(query, "")
    assert "ubtitle" not in data.benchmark.wording(query, "")


def wording(data: Data, way: str, film: int = 0, frames: int | None = None) -> str:
    asked = BenchmarkTask(data, way, frames).items()[film].questions()[0]
    text = asked.wording(lambda text: True)
    assert text is not None
    return text


def test_all_subtitles_with_and_without_font_tags(data: Data) -> None:
    text = wording(data, "all")
    assert "Good morning\nno font tag here\nafter the end\n" in text
    assert "<font" not in text


def test_sampled_subtitles_are_those_on_screen_at_a_frame(data: Data) -> None:
    # One frame in the middle of four seconds, none of which is covered; two at 1 s and at 3 s.
    assert "No subtitles available" in wording(data, "sampled", frames=1)
    text = wording(data, "sampled", frames=2)
    assert "Good morning\nno font tag here" in text
    assert "after the end" not in text


def test_a_page_in_place_of_subtitles_is_found_out(folder: Path) -> None:
    (folder / "subtitle" / "yt.3-_x.srt").write_text("<html>Not found</html>")
    (folder / "subtitle" / "yt.4-_x.srt").write_text("")
    data = read_data(named_benchmark("video-mme"), folder, subtitles=True)
    assert data.names("badly_subtitled") == ["data/yt.3-_x"]


def test_a_video_without_subtitles_says_so_and_is_counted(data: Data) -> None:
    assert "No subtitles available" in wording(data, "all", film=1)
    assert data.report()["without_subtitles"] == 5


@pytest.mark.parametrize("name", ["yt.1-_x.MP4", "yt.1-_x.mkv", "YT.1-_X.MKV"])
def test_another_ending_or_case_is_found_and_named(folder: Path, name: str) -> None:
    published = folder / "data" / "yt.1-_x.mp4"
    published.rename(published.with_name(name))
    data = data_of("video-mme", folder)
    assert list(data.report()["renamed"]) == ["data/yt.1-_x"]
    assert data.names("missing") == []
    assert len(data.usable()) == 6


def test_damaged_annotations_are_named(folder: Path) -> None:
    path = folder / "videomme" / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceError, match="damaged"):
        data_of("video-mme", folder)
