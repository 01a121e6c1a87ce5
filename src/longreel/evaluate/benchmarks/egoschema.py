"""EgoSchema, the 500 questions whose answers are public (section 9).

Files: questions.json with `q_uid` and `option 0` … `option 4`, subset_answers.json from `q_uid` to a number,
videos/<q_uid>.mp4; or the Parquet rows of the same subset.
"""

from __future__ import annotations

from pathlib import Path

from longreel.evaluate.benchmarks.base import LETTERS, Benchmark, Published, Query, Video
from longreel.evaluate.benchmarks.choices import accuracy, choice_grader, without_letter
from longreel.evaluate.benchmarks.parse import first_capital_letter
from longreel.evaluate.benchmarks.prompts import ONE_LETTER, below, dotted
from longreel.evaluate.benchmarks.rows import Row, field_of, first_file, made_of_rows, read_object, texts_of

_PLACES = ("videos", "videos/videos", "video", ".")


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    if (folder / "questions.json").exists():
        return _original(folder / "questions.json", folder / "subset_answers.json")
    return _parquet(first_file(folder, ("questions.json", "Subset/test-*.parquet")))


def _original(path: Path, answers: Path) -> list[Query]:
    golds = read_object(answers)

    def made(row: Row) -> Query | None:
        name = str(field_of(row, "q_uid", path))
        if name not in golds:
            return None
        options = [str(field_of(row, f"option {number}", path)) for number in range(5)]
        return _query(name, name, str(field_of(row, "question", path)), options, golds[name])

    return [query for query in made_of_rows(path, made) if query is not None]


def _parquet(path: Path) -> list[Query]:
    return made_of_rows(
        path,
        lambda row: _query(
            str(row.get("question_idx", field_of(row, "video_idx", path))),
            str(field_of(row, "video_idx", path)),
            str(field_of(row, "question", path)),
            [without_letter(option) for option in texts_of(row, "option", path)],
            field_of(row, "answer", path),
        ),
    )


def _query(name: str, video: str, question: str, options: list[str], answer: object) -> Query:
    gold = LETTERS[int(str(answer))]
    return Query(name, Video(video, _PLACES), "egoschema", question, gold, tuple(options))


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return below(query.question, dotted(query.options, query.letters), ONE_LETTER)


BENCHMARK = Benchmark(
    name="egoschema",
    title="EgoSchema (subset)",
    read=read,
    wording=wording,
    grade=choice_grader(first_capital_letter),
    metrics=(accuracy(),),
    published={"": Published(500)},
)
