"""What a benchmark is: questions about videos, how they are put, marked, and brought together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from longreel.evaluate.benchmarks.subtitles import Line, Subtitles, Way

Parse = Literal["strict", "harness", "official"]
TagValue = str | tuple[str, ...]
LETTERS = "ABCDEFGHIJKLMN"


@dataclass(frozen=True)
class Video:
    """Where a benchmark says that a video lies.

    name: file name, with or without its ending, below one of `places`, folders of the benchmark.
    start, end: seconds of the part that is shown, None for all. picture_rate: pictures per second where
    the video is a folder of numbered pictures, else None.
    """

    name: str
    places: tuple[str, ...]
    start: float | None = None
    end: float | None = None
    picture_rate: float | None = None

    @property
    def key(self) -> str:
        """Names the video and the part shown."""
        path = f"{self.places[0]}/{self.name}".removeprefix("./")
        if self.start is None and self.end is None:
            return path
        return f"{path}[{self.start or 0:g}-{'' if self.end is None else f'{self.end:g}'}]"


@dataclass(frozen=True)
class Query:
    """One question of a benchmark.

    id: unique in the benchmark. family: the kind of question its own tables list. options: texts without
    letters, empty if there are none. gold: the right letter; of another kind, what `Benchmark.grade` takes.
    tags: what answers are sorted by; a tuple where a question has several labels. subtitles: where its
    subtitles are, None if it has none. group: of the questions that are scored together.
    judged: by another model.
    """

    id: str
    video: Video
    family: str
    question: str
    gold: str
    options: tuple[str, ...] = ()
    tags: Mapping[str, TagValue] = field(default_factory=dict)
    subtitles: Subtitles | None = None
    group: str = ""
    max_new_tokens: int = 16
    judged: bool = False

    @property
    def letters(self) -> str:
        """The letters of the options."""
        return LETTERS[: len(self.options)]


@dataclass(frozen=True)
class Grade:
    """What an answer is worth. parsed: what was read from it, None if nothing. value: 0 to 1, judged answers
    0 to 10; None: it leaves the denominator."""

    parsed: str | None
    value: float | None


@dataclass(frozen=True)
class Scored:
    """An answer to a query with its grade."""

    query: Query
    grade: Grade


@dataclass(frozen=True)
class Unit:
    """What a metric averages: a value about one video. tags: see `Query`."""

    id: str
    film: str
    value: float
    tags: Mapping[str, TagValue]


@dataclass(frozen=True)
class Metric:
    """A number of a benchmark's headline: `scale` times a mean over units.

    units: from the answers of one setting. classes: a tag; the mean is over its values, each the mean of its
    units, all with the same weight; None: over all units. sorted_by: tags whose values get a mean each.
    """

    name: str
    units: Callable[[Sequence[Scored]], Sequence[Unit]]
    classes: str | None = None
    scale: float = 100.0
    sorted_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """How many questions and videos there are. certain: whether to insist on it."""

    questions: int
    videos: int | None = None
    certain: bool = True


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    name: its word on the command line.
    title: what its authors call it.
    read: the queries of one split in a folder; raises SourceError for annotations that are missing or of
        another form.
    wording: the prompt, from a query and its subtitles ("" if they are not shown).
    grade: of an answer.
    published: how much there is, by split.
    splits: the first is the default; ("",) if there is one only.
    subtitles: ways of showing them beside "none", by name.
    subtitle_frames: frames by which subtitles are picked.
    lines: of a subtitle file, given the seconds of the video.
    lettered: whether questions have lettered options, but for those that are judged.
    """

    name: str
    title: str
    read: Callable[[Path, str], list[Query]]
    wording: Callable[[Query, str], str]
    grade: Callable[[Query, str, Parse], Grade]
    metrics: tuple[Metric, ...]
    published: Mapping[str, Published]
    splits: tuple[str, ...] = ("",)
    subtitles: Mapping[str, Way] = field(default_factory=dict)
    subtitle_frames: int = 0
    parses: tuple[Parse, ...] = ("strict", "harness")
    lines: Callable[[Subtitles, float], list[Line]] | None = None
    lettered: bool = True
