"""EgoSchema's subset, from the original files and from the hub's rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from longreel.errors import SourceError
from tests.evaluate.benchmarks.folder import (
    PutFilm,
    constant,
    data_of,
    metrics_of,
    perfect,
    seeded,
    share,
    write_json,
    write_parquet,
)

NAMES = [f"0ab-{number}" for number in range(10)]


@pytest.fixture
def folder(tmp_path: Path, put_film: PutFilm) -> Path:
    rows = [
        {
            "q_uid": name,
            "google_drive_id": "x",
            "question": "What is c doing?",
            **{f"option {i}": f"C does {i}." for i in range(5)},
        }
        for name in [*NAMES, "hidden"]
    ]
    write_json(tmp_path / "questions.json", rows)
    write_json(tmp_path / "subset_answers.json", {name: i % 5 for i, name in enumerate(NAMES)})
    put_film(*(f"videos/{name}.mp4" for name in NAMES))
    return tmp_path


def test_scores(folder: Path) -> None:
    data = data_of("egoschema", folder)
    assert metrics_of(data, perfect) == {"accuracy": 100}
    for answerer in (constant("E"), seeded(6)):
        assert metrics_of(data, answerer) == {"accuracy": share(data, answerer)}


def test_questions_without_public_answers_are_left_out(folder: Path) -> None:
    assert [query.id for query in data_of("egoschema", folder).queries] == NAMES


def test_rows_of_the_hub(folder: Path) -> None:
    (folder / "questions.json").unlink()
    rows = [
        {
            "question_idx": str(i),
            "question": "What is c doing?",
            "video_idx": name,
            "option": [f"{letter}. C does it." for letter in "ABCDE"],
            "answer": str(i % 5),
        }
        for i, name in enumerate(NAMES)
    ]
    write_parquet(folder / "Subset" / "test-00000-of-00001.parquet", rows)
    data = data_of("egoschema", folder)
    assert data.queries[1].options[1] == "C does it."
    assert metrics_of(data, constant("A")) == {"accuracy": 20}


def test_without_answers_there_is_no_score(folder: Path) -> None:
    (folder / "subset_answers.json").unlink()
    with pytest.raises(SourceError, match="subset_answers"):
        data_of("egoschema", folder)


@pytest.mark.parametrize("answer", ["C", 7, None])
def test_an_answer_that_is_no_option_is_named(folder: Path, answer: object) -> None:
    write_json(folder / "subset_answers.json", {NAMES[3]: answer})
    with pytest.raises(SourceError, match=r"row 4|none of its options"):
        data_of("egoschema", folder)
