"""Needles put into films: what is shown when, what counts as found, and the map of depths and lengths."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from longreel.errors import LongreelError, SourceError, UsageError
from longreel.evaluate.composition import Composition
from longreel.evaluate.haystack import HaystackItem, HaystackTask
from longreel.evaluate.heat_map import depth_grid, draw_heat_map, grid_tables, unparsed_answers
from longreel.evaluate.needles import Needle, read_needles
from longreel.evaluate.result import result
from longreel.evaluate.run import Evaluation, evaluate
from longreel.evaluate.settings import BLIND, settings_to_compare
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling
from tests.cli import tiny
from tests.cli.conftest import run as run
from tests.fakes import FakeAdapter

RED = (250, 0, 0)
SIGN = {"image": "sign.png", "question": "what colour was it", "options": ["red", "blue"], "answer": "red"}
CLIP = {"clip": "clip.mp4", "frames": 3, "question": "what was it", "answer": "a fox"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of four seconds, a tall red picture, and a clip of one second."""
    place = tmp_path_factory.mktemp("haystack")
    tiny.write_film(place / "film.mp4")
    tiny.write_film(place / "clip.mp4", seconds=1.0)
    Image.new("RGB", (20, 80), RED).save(place / "sign.png")
    (place / "needles.json").write_text(json.dumps([SIGN, CLIP]))
    return place


def task_of(folder: Path, **changes: Any) -> HaystackTask:
    chosen = {"lengths": (4, 8), "depths": (0.0, 0.5, 1.0)} | changes
    return HaystackTask(folder / "film.mp4", tuple(read_needles(folder / "needles.json")), **chosen)


def is_sign(picture: np.ndarray[Any, Any]) -> bool:
    """Red in the middle, and black bars at the sides, as the picture is taller than the film."""
    height, width = picture.shape[:2]
    middle = picture[height // 2, width // 2]
    return bool((middle == RED).all() and not picture[:, 0].any() and not picture[:, -1].any())


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(1, 9), depth=st.floats(0, 1))
def test_a_picture_lies_at_its_depth_and_nothing_is_lost(folder: Path, length: int, depth: float) -> None:
    (item, *_) = task_of(folder, lengths=(length,), depths=(depth,)).items()
    clip = item.clip(folder)
    frames = list(clip.source)
    assert tuple(seconds for _, seconds in frames) == clip.seconds
    assert [is_sign(picture) for picture, _ in frames].index(True) == int(depth * length)
    assert len(frames) == length + 1
    hay = [picture for picture, _ in frames if not is_sign(picture)]
    with open_film(folder / "film.mp4", sampling=Sampling(count=length)) as stream:
        plain = [pixels.permute(1, 2, 0).numpy() for block in stream for pixels in block.pixels]
    assert all(np.array_equal(one, other) for one, other in zip(hay, plain, strict=True))
    steps = np.diff([0.0, *(seconds for _, seconds in frames)])
    assert steps[0] == pytest.approx(2 / length)
    assert steps[1:] == pytest.approx(4 / length)


def test_a_clip_takes_its_time(folder: Path) -> None:
    _, needle = read_needles(folder / "needles.json")
    times = (0.5, 1.5, 2.5)
    composed = Composition(folder / "film.mp4", times, 1.0, needle, 2)
    assert composed.seconds == pytest.approx((0.5, 1.5, 2 + 1 / 6, 2 + 3 / 6, 2 + 5 / 6, 3.5))
    pictures = [picture for picture, _ in composed]
    assert len(pictures) == 6
    assert {picture.shape for picture in pictures} == {(64, 96, 3)}
    assert not np.array_equal(pictures[2], pictures[3])


def test_the_film_is_watched_frame_by_frame_and_every_cell_counted(folder: Path, tmp_path: Path) -> None:
    task = task_of(folder)
    evaluation = Evaluation(
        task, FakeAdapter(), [*settings_to_compare(["keep-all", "random"], [1 / 2]), BLIND]
    )
    rows = evaluate(evaluation, tmp_path).rows()
    assert len(rows) == 2 * 3 * 2 * 3
    for row in rows:
        if row["cost"]:
            length, shown = int(row["film"].split("-")[0]), 1 if "needle-1" in row["film"] else 3
            assert row["cost"]["raw_frames"] == row["cost"]["frames"] == length + shown
    grid = depth_grid(rows)
    assert [(cell["setting"], cell["length"], cell["depth"]) for cell in grid[:3]] == [
        ("keep-all", "4 frames", "0"),
        ("random 1/2", "4 frames", "0"),
        ("blind", "4 frames", "0"),
    ]
    assert len(grid) == 2 * 3 * 3
    assert {cell["questions"] for cell in grid} == {2}
    found = {**result(evaluation.plan(), rows, {}, "keep-all", []), "grid": grid}
    assert {cell["value"] for cell in found["cells"] if cell["by"] == "needle"} == {
        "1 sign.png",
        "2 clip.mp4",
    }
    tables = grid_tables(found)
    assert list(tables) == ["keep-all", "random 1/2"]
    assert tables["keep-all"][0] == ["depth", "4 frames", "8 frames"]
    assert [line[0] for line in tables["keep-all"][1:]] == ["0", "0.5", "1"]


def grid_of(items: list[HaystackItem], answerer: Callable[[HaystackItem], str]) -> list[dict[str, Any]]:
    """The map of a run in which every needle was asked for."""
    return depth_grid(
        [
            {"setting": "fake", "answers": [asked.record(answerer(item)) for asked in item.questions()]}
            for item in items
        ]
    )


def test_scores_of_those_who_know_all_one_letter_or_nothing(folder: Path, tmp_path: Path) -> None:
    options = ["red", "blue", "green", "grey"]
    needles = [{**SIGN, "options": options, "answer": answer} for answer in options]
    (tmp_path / "four.json").write_text(json.dumps(needles))
    (tmp_path / "sign.png").write_bytes((folder / "sign.png").read_bytes())
    four = tuple(read_needles(tmp_path / "four.json"))
    items = HaystackTask(folder / "film.mp4", four, (4, 8), (0.0, 0.5, 1.0)).items()

    def shares(answerer: Callable[[HaystackItem], str]) -> set[float]:
        return {cell["right"] / cell["questions"] for cell in grid_of(items, answerer)}

    assert shares(lambda item: item.needle.gold) == {1.0}
    assert shares(lambda item: "B") == {1 / 4}
    rng = random.Random(1)
    drawn = [
        sum(cell["right"] for cell in grid_of(items, lambda item: rng.choice("ABCD"))) for _ in range(100)
    ]
    # Of 24 needles a quarter is guessed; four standard errors of the mean of 100 runs.
    assert np.mean(drawn) == pytest.approx(6, abs=4 * np.sqrt(24 * 3 / 16 / 100))


def test_answers_that_name_no_letter_are_wrong_and_counted(folder: Path) -> None:
    answers = {4: "A man walks in", 8: "A"}
    grid = grid_of(task_of(folder).items(), lambda item: answers[item.length])
    assert [(cell["lettered"], cell["unparsed"]) for cell in grid] == [(1, 1)] * 3 + [(1, 0)] * 3
    assert unparsed_answers({"grid": grid}) == {"fake": (3, 6)}
    assert {cell["right"] for cell in grid[:3]} == {0}


def test_a_length_for_which_there_is_no_room_is_left_white(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAdapter, "context", 41)
    evaluation = Evaluation(
        task_of(folder), FakeAdapter(), settings_to_compare(["keep-all", "random", "uniform"], [1 / 4, 1 / 2])
    )
    rows = evaluate(evaluation, tmp_path / "run").rows()
    found = {**result(evaluation.plan(), rows, {}, "keep-all", []), "grid": depth_grid(rows)}
    assert [line[1:] for line in grid_tables(found)["keep-all"][1:]] == [["0/2", ""]] * 3
    assert all(all(line[1:]) for line in grid_tables(found)["random 1/4"][1:])
    draw_heat_map(found, tmp_path / "map.png")
    picture = np.asarray(Image.open(tmp_path / "map.png").convert("RGB"))
    assert picture.shape[1] > picture.shape[0] > 200
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    # Five panels leave the last of six places empty.
    assert (picture[-picture.shape[0] // 3 :, -picture.shape[1] // 4 :] == 255).all()
    with pytest.raises(LongreelError, match="nowhere"):
        draw_heat_map(found, tmp_path / "nowhere" / "map.png")


@pytest.mark.parametrize(
    ("needle", "answer", "right", "begins"),
    [
        (Needle(Path("x"), 1, None, "?", ("red", "blue"), "A"), "A", True, True),
        (Needle(Path("x"), 1, None, "?", ("red", "blue"), "A"), "(A)", True, False),
        (Needle(Path("x"), 1, None, "?", ("red", "blue"), "A"), "A or B", False, True),
        (Needle(Path("x"), 1, None, "?", ("red", "blue"), "A"), "it was red", True, False),
        (Needle(Path("x"), 1, None, "?", (), "a fox"), "It was a Fox.", True, False),
        (Needle(Path("x"), 1, None, "?", (), "a fox"), "a foxglove", False, True),
    ],
)
def test_what_counts_as_found(needle: Needle, answer: str, right: bool, begins: bool) -> None:
    assert (needle.is_right(answer), needle.begins(answer)) == (right, begins)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": "none.png"}, "none.png"),
        ({"image": "needles.json"}, "needles.json"),
        ({"clip": "clip.mp4"}, "another form"),
        ({"image": None}, "another form"),
        ({"question": ""}, "another form"),
        ({"answer": 3}, "another form"),
        ({"options": "red"}, "another form"),
        ({"anwser": "red"}, "another form"),
        ({"answer": "C"}, "none of its options"),
        ({"answer": "green"}, "none of its options"),
        ({"options": [str(number) for number in range(20)]}, "at most"),
        ({"frames": 0}, "frames 0"),
        ({"frames": True}, "frames True"),
    ],
)
def test_needles_that_cannot_be_are_named(folder: Path, change: dict[str, Any], said: str) -> None:
    path = folder / "bad.json"
    path.write_text(json.dumps([SIGN, SIGN | change]))
    with pytest.raises((UsageError, SourceError), match=said):
        read_needles(path)


@pytest.mark.parametrize(("content", "said"), [("", "no JSON"), ("[]", "no list"), ("{}", "no list")])
def test_files_that_hold_no_needles_are_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "needles.json").write_text(content)
    with pytest.raises(UsageError, match=said):
        read_needles(tmp_path / "needles.json")
    with pytest.raises(SourceError, match="nowhere"):
        read_needles(tmp_path / "nowhere.json")


def test_the_command_ends_in_a_map(folder: Path, run: Any, tmp_path: Path) -> None:
    tiny.save_model(tmp_path / "model")
    arguments = [
        *("evaluate", "needle", "--haystack", folder / "film.mp4", "--needles", folder / "needles.json"),
        *("--lengths", "4,8", "--depths", "0,1", "--model", tmp_path / "model", "--method", "random"),
        *("--keep", "1/2", "-o", tmp_path / "run", "-q", "--figure", tmp_path / "map.png"),
    ]
    shown = run(*arguments)
    assert shown.code == 0, shown.err
    assert "Needles found by random 1/2, by depth and length of film" in shown.out
    assert "Difference to keep-all" in shown.out
    assert re.search(r"random 1/2: no letter can be read from \d of 4 answers with options", shown.out)
    found = run(*arguments, "--json").json
    assert len(found["grid"]) == 2 * 2 * 3
    assert (tmp_path / "map.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--needles", "needles.json"], "--haystack"),
        (["--haystack", "film.mp4"], "--needles"),
        (["--haystack", "nowhere.mp4", "--needles", "needles.json"], "nowhere.mp4"),
        (["--haystack", "sign.png", "--needles", "needles.json"], "no film"),
        (["--haystack", "film.mp4", "--needles", "needles.json", "--lengths", "0"], "--lengths"),
        (["--haystack", "film.mp4", "--needles", "needles.json", "--lengths", "1.5"], "--lengths"),
        (["--haystack", "film.mp4", "--needles", "needles.json", "--depths", "2"], "outside"),
        (["--haystack", "film.mp4", "--needles", "needles.json", "--fps", "0"], "fps=0"),
        (["--haystack", "film.mp4", "--needles", "needles.json", "--fps", "2", "--lengths", "9"], "8 frames"),
    ],
)
def test_wrong_values_are_one_line(
    folder: Path, run: Any, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    refused = run("evaluate", "needle", *options, "--model", "no-model", "-q")
    assert refused.code in (1, 2)
    assert said in refused.error
