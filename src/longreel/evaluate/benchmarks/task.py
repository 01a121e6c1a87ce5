"""A benchmark as a task: every video is one item, however many questions there are about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from longreel.errors import UsageError
from longreel.evaluate.benchmarks.base import Benchmark, Query
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.prompts import check_template, filled
from longreel.evaluate.benchmarks.subtitles import NONE_THERE, Line, longest_that_fits, middles_of_parts
from longreel.evaluate.benchmarks.videos import Found
from longreel.evaluate.items import Clip, Fits
from longreel.identity import hash_json

NOT_SHOWN = "none"


class BenchmarkTask:
    """See `Task`.

    Args:
        subtitles: a way of showing them, one of `Benchmark.subtitles` or "none".
        frames: by which they are picked; None: as the benchmark does.
        prompt: how questions that nobody judges are put, see `filled`; None: as the benchmark does.

    Raises:
        UsageError: the benchmark does not show subtitles in this way, or none of them is there; the prompt
            leaves something out.
    """

    def __init__(
        self,
        data: Data,
        subtitles: str = NOT_SHOWN,
        frames: int | None = None,
        prompt: str | None = None,
    ) -> None:
        benchmark = data.benchmark
        check_asking(benchmark, subtitles, prompt)
        if subtitles != NOT_SHOWN:
            _check_subtitles(data)
        self.prompt = prompt
        self.name = benchmark.name
        self.data = data
        self.subtitles = subtitles
        self.frames = frames or benchmark.subtitle_frames

    @cached_property
    def by_film(self) -> dict[str, list[Query]]:
        """The queries about each video that can be watched."""
        usable = {each.video.key for each in self.data.usable()}
        found: dict[str, list[Query]] = defaultdict(list)
        for query in self.data.queries:
            if query.video.key in usable:
                found[query.video.key].append(query)
        return dict(found)

    def wording(self, query: Query, subtitles: str) -> str:
        """The question with its options, and with subtitles if there are any."""
        if self.prompt is None or query.judged:
            return self.data.benchmark.wording(query, subtitles)
        return filled(self.prompt, query, subtitles)

    def settings(self) -> dict[str, Any]:
        """See `Task`. Which videos are there is not among them, so that a run can go on when more are."""
        asked = [(query.id, self.wording(query, "")) for query in self.data.queries]
        return {
            "title": self.data.benchmark.title,
            "split": self.data.split,
            "subtitles": self.subtitles,
            "subtitle frames": None if self.subtitles == NOT_SHOWN else self.frames,
            "prompts": hash_json(asked),
            **({} if self.prompt is None else {"prompt": self.prompt}),
        }

    def items(self) -> list[BenchmarkItem]:
        """See `Task`."""
        return [
            BenchmarkItem(self, self.data.found[key], tuple(queries)) for key, queries in self.by_film.items()
        ]


@dataclass(frozen=True)
class BenchmarkItem:
    """A video and the queries about it; see `Item`."""

    task: BenchmarkTask
    found: Found
    queries: tuple[Query, ...]

    @property
    def key(self) -> str:
        """See `Item`."""
        return self.found.video.key

    def clip(self, place: Path) -> Clip:
        """See `Item`; the video is where it is."""
        return self.found.clip

    def questions(self) -> list[BenchmarkAsked]:
        """See `Item`."""
        return [BenchmarkAsked(self.task, query, self.found.duration or 0.0) for query in self.queries]


@dataclass(frozen=True)
class BenchmarkAsked:
    """A query with its subtitles; see `Asked`. duration: seconds of the video."""

    task: BenchmarkTask
    query: Query
    duration: float

    @property
    def max_new_tokens(self) -> int:
        """See `Asked`."""
        return self.query.max_new_tokens

    def wording(self, fits: Fits) -> str | None:
        """See `Asked`: if the subtitles are too long, as many lines as fit, evenly spread."""
        benchmark = self.task.data.benchmark
        way = benchmark.subtitles.get(self.task.subtitles)
        if way is None:
            text = self.task.wording(self.query, "")
            return text if fits(text) else None
        times = middles_of_parts(self.duration, self.task.frames)

        def worded(lines: Sequence[Line]) -> str:
            return self.task.wording(self.query, way.text(lines, times) if lines else NONE_THERE)

        return longest_that_fits(way.pick(self._lines(), times), worded, fits)

    def record(self, answer: str) -> dict[str, Any]:
        """See `Asked`: what is enough to mark the answer again in another way."""
        return {"id": self.query.id, "gold": self.query.gold, "answer": answer}

    def _lines(self) -> Sequence[Line]:
        subtitles, lines = self.query.subtitles, self.task.data.benchmark.lines
        if subtitles is None or lines is None or not subtitles.path.is_file():
            return ()
        return lines(subtitles, self.duration)


def check_asking(benchmark: Benchmark, subtitles: str, prompt: str | None) -> None:
    """Whether a benchmark can be asked in this way, which no file has to be read for.

    Raises:
        UsageError: see `BenchmarkTask`.
    """
    known = [NOT_SHOWN, *benchmark.subtitles]
    if subtitles not in known:
        raise UsageError(
            f"{benchmark.name} does not show subtitles as {subtitles!r}: choose from {', '.join(known)}"
        )
    if prompt is not None:
        check_template(prompt, lettered=benchmark.lettered, subtitled=subtitles != NOT_SHOWN)


def _check_subtitles(data: Data) -> None:
    files = {query.subtitles.path for query in data.queries if query.subtitles}
    if not any(path.is_file() for path in files):
        first = min(files, default=data.folder)
        raise UsageError(f"there are no subtitles, such as {first}: unpack them there, or leave them out")
