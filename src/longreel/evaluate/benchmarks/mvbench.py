"""MVBench: twenty tasks on short videos (section 7).

Files: json/<task>.json, and the videos in folders by where they come from, below video/. Two releases differ
in some folders: in the later one the parts asked about are cut out already, so start and end are only heeded
in the earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from longreel.errors import SourceError
from longreel.evaluate.benchmarks.base import Benchmark, Grade, Metric, Parse, Published, Query, Video
from longreel.evaluate.benchmarks.choices import choice_grader, per_question
from longreel.evaluate.benchmarks.parse import letter_as_word
from longreel.evaluate.benchmarks.prompts import BEST_OPTION, below, bracketed
from longreel.evaluate.benchmarks.rows import Row, field_of, gold_letter, made_of_rows, texts_of


@dataclass(frozen=True)
class _Folder:
    """Where a task's videos are.

    cut: in the release in which parts are cut out. whole: in the other. pictures: whether the other holds
    pictures, three a second.
    """

    cut: str
    whole: str = ""
    pictures: bool = False


_CHARADES = _Folder("star/Charades_segment", "star/Charades_v1_480")
_CLEVRER = _Folder("clevrer/video_validation")
_PERCEPTION = _Folder("perception/videos")
TASKS = {
    "action_sequence": _CHARADES,
    "action_prediction": _CHARADES,
    "action_antonym": _Folder("ssv2_video_mp4", "ssv2_video"),
    "fine_grained_action": _Folder("Moments_in_Time_Raw/videos"),
    "unexpected_action": _Folder("FunQA_test/test"),
    "object_existence": _CLEVRER,
    "object_interaction": _CHARADES,
    "object_shuffle": _PERCEPTION,
    "moving_direction": _CLEVRER,
    "action_localization": _Folder("sta/sta_video_segment", "sta/sta_video"),
    "scene_transition": _Folder("scene_qa/video"),
    "action_count": _PERCEPTION,
    "moving_count": _CLEVRER,
    "moving_attribute": _CLEVRER,
    "state_change": _PERCEPTION,
    "fine_grained_pose": _Folder("nturgbd_convert", "nturgbd"),
    "character_order": _PERCEPTION,
    "egocentric_navigation": _Folder("vlnqa"),
    "episodic_reasoning": _Folder("tvqa/video_fps3_hq_segment", "tvqa/frames_fps3_hq", pictures=True),
    "counterfactual_inference": _CLEVRER,
}
_PICTURES_PER_SECOND = 3.0


def read(folder: Path, split: str) -> list[Query]:
    """See `Benchmark`."""
    if not (folder / "json").is_dir():
        raise SourceError(
            f"{folder} has no json/action_sequence.json: name the folder of MVBench as downloaded"
        )
    return [query for task in TASKS for query in _task(folder, task)]


def _task(folder: Path, task: str) -> list[Query]:
    path = folder / "json" / f"{task}.json"
    numbers = count()
    return made_of_rows(path, lambda row: _query(folder, task, next(numbers), row, path))


def _query(folder: Path, task: str, number: int, row: Row, path: Path) -> Query:
    options = tuple(texts_of(row, "candidates", path))
    name = f"{task}_{number}"
    return Query(
        id=name,
        video=_video(folder, TASKS[task], row, path),
        family=task,
        question=str(field_of(row, "question", path)),
        gold=gold_letter(options, str(field_of(row, "answer", path)), path, name),
        options=options,
        tags={"task": task},
    )


def _video(folder: Path, place: _Folder, row: Row, path: Path) -> Video:
    name = str(field_of(row, "video", path))
    whole = place.whole
    if not whole or not any((folder / base / whole).is_dir() for base in ("video", ".")):
        return Video(name, (f"video/{place.cut}", place.cut))
    return Video(
        name,
        (f"video/{whole}", whole),
        start=_second(row, "start"),
        end=_second(row, "end"),
        picture_rate=_PICTURES_PER_SECOND if place.pictures else None,
    )


def _second(row: Row, name: str) -> float | None:
    return None if row.get(name) is None else float(row[name])


def wording(query: Query, subtitles: str) -> str:
    """See `Benchmark`."""
    return below(query.question, bracketed(query.options, query.letters), BEST_OPTION)


_grade_choice = choice_grader(letter_as_word)


def grade(query: Query, answer: str, parse: Parse) -> Grade:
    """See `Benchmark`; lmms-eval leaves empty replies out of the denominator."""
    found = _grade_choice(query, answer, parse)
    return Grade(None, None) if parse == "harness" and not answer.strip() else found


BENCHMARK = Benchmark(
    name="mvbench",
    title="MVBench",
    read=read,
    wording=wording,
    grade=grade,
    metrics=(Metric("mean of 20 accuracies", per_question, classes="task", sorted_by=("task",)),),
    published={"": Published(4000, certain=False)},
)
