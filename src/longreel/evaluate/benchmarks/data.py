"""A benchmark as it lies in a folder: what is there, what is not, and whether that is good enough."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longreel.errors import SourceError, UsageError
from longreel.evaluate.benchmarks.base import LETTERS, Benchmark, Query
from longreel.evaluate.benchmarks.subtitles import Subtitles
from longreel.evaluate.benchmarks.videos import Found, Shelf

_NAMED = 5
PROBLEMS = ("missing", "truncated", "unreadable", "badly_subtitled")
_IN_WORDS = {"badly_subtitled": "without readable subtitles"}


@dataclass(frozen=True)
class Data:
    """What was found.

    queries: about the videos that were chosen. found: by key of the video, in order. all_questions,
    all_clips: how many are in the folder's annotations; None: as many as were chosen.
    """

    benchmark: Benchmark
    folder: Path
    split: str
    queries: tuple[Query, ...]
    found: dict[str, Found]
    all_questions: int | None = None
    all_clips: int | None = None

    def usable(self) -> list[Found]:
        """The videos that can be watched."""
        return [each for each in self.found.values() if each.problem is None]

    def report(self) -> dict[str, Any]:
        """Counts and names, as plain values: the denominator of every number, and what it lacks."""
        usable = {each.video.key for each in self.usable()}
        published = self.benchmark.published.get(self.split)
        return {
            "questions_published": None if published is None else published.questions,
            "questions_found": self._questions_found,
            "questions_asked": sum(query.video.key in usable for query in self.queries),
            "videos_published": None if published is None else published.videos,
            "videos_named": len({each.video.name for each in self.found.values()}),
            "clips": len(self.found),
            "clips_found": len(self.found) if self.all_clips is None else self.all_clips,
            "clips_watched": len(usable),
            **{problem: self.names(problem) for problem in PROBLEMS},
            "reasons": {key: each.reason for key, each in self.found.items() if each.reason},
            "renamed": {each.video.key: str(each.path) for each in self.found.values() if each.renamed},
            "without_subtitles": self._without_subtitles(),
        }

    def names(self, problem: str) -> list[str]:
        """The videos with this problem."""
        return [key for key, each in self.found.items() if each.problem == problem]

    def lacks(self) -> list[str]:
        """What is incomplete, a short phrase each."""
        phrases = [
            f"{len(names)} {'video is' if len(names) == 1 else 'videos are'} {in_words(problem)} "
            f"({_listed(names)})"
            for problem in PROBLEMS
            if (names := self.names(problem))
        ]
        published = self.benchmark.published.get(self.split)
        if published is not None and published.certain and self._questions_found != published.questions:
            phrases.insert(
                0, f"{self._questions_found:,} of {published.questions:,} published questions are there"
            )
        return phrases

    def require_whole(self) -> None:
        """Refuse a folder that is incomplete.

        Raises:
            SourceError: something is missing or broken.
        """
        if lacks := self.lacks():
            raise SourceError(
                f"{self.folder} is not all of {self.benchmark.title}: {'; '.join(lacks)}. "
                "Complete it, or measure what is there with --incomplete skip"
            )

    @property
    def _questions_found(self) -> int:
        return len(self.queries) if self.all_questions is None else self.all_questions

    def _without_subtitles(self) -> int | None:
        if not self.benchmark.subtitles:
            return None
        files = {query.subtitles.path for query in self.queries if query.subtitles}
        return sum(not path.is_file() for path in files)


def read_data(
    benchmark: Benchmark,
    folder: Path,
    split: str | None = None,
    videos: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    subtitles: bool = False,
) -> Data:
    """Read the annotations and look at every video.

    Args:
        split: None for the first.
        videos: only so many of the first videos; None: all.
        progress: told how many videos were looked at, of how many.
        subtitles: read the subtitles of every video too, those that are there.

    Raises:
        UsageError: there is no such split.
        SourceError: the annotations are missing or of another form, or there is no video at all.
    """
    chosen = benchmark.splits[0] if split is None else split
    if chosen not in benchmark.splits:
        known = ", ".join(filter(None, benchmark.splits)) or "none to choose"
        raise UsageError(f"{benchmark.name} has no split {chosen!r}: there are {known}")
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder: name the one {benchmark.title} was downloaded to")
    queries = benchmark.read(folder, chosen)
    _check_queries(queries, folder, lettered=benchmark.lettered)
    clips = list({query.video.key: query.video for query in queries}.values())
    wanted, spoken = clips[:videos], _subtitles_by_clip(queries) if subtitles else {}
    shelf, found = Shelf(folder), {}
    for video in wanted:
        found[video.key] = _heard(benchmark, shelf.find(video), spoken.get(video.key, ()))
        if progress is not None:
            progress(len(found), len(wanted))
    kept = tuple(query for query in queries if query.video.key in found)
    data = Data(benchmark, folder, chosen, kept, found, len(queries), len(clips))
    if not data.usable():
        raise SourceError(
            f"{folder} has none of the {len(found):,} videos of {benchmark.title}, such as "
            f"{wanted[0].places[0]}/{wanted[0].name}: unpack them there"
        )
    return data


def _check_queries(queries: Sequence[Query], folder: Path, *, lettered: bool) -> None:
    if not queries:
        raise SourceError(f"{folder} has no questions: name the folder of the benchmark as it was downloaded")
    seen: set[str] = set()
    for query in queries:
        if query.id in seen:
            raise SourceError(f"{folder} has question {query.id} twice: copy the annotations again")
        seen.add(query.id)
        if lettered and not query.judged and not 2 <= len(query.options) <= len(LETTERS):
            raise SourceError(
                f"{folder}: question {query.id} has {len(query.options)} options: copy the annotations again"
            )
        if query.options and query.gold not in query.letters:
            raise SourceError(
                f"{folder}: the answer {query.gold!r} of {query.id} is none of its options: "
                "copy the annotations again"
            )


def _subtitles_by_clip(queries: Sequence[Query]) -> dict[str, list[Subtitles]]:
    """The subtitle files of every video, each once."""
    found: dict[str, dict[Subtitles, None]] = defaultdict(dict)
    for query in queries:
        if query.subtitles is not None:
            found[query.video.key][query.subtitles] = None
    return {key: list(each) for key, each in found.items()}


def _heard(benchmark: Benchmark, found: Found, subtitles: Sequence[Subtitles]) -> Found:
    """The same, with its subtitles as its problem if one of their files is damaged."""
    if benchmark.lines is None or found.problem is not None:
        return found
    try:
        for each in subtitles:
            if each.path.exists():
                benchmark.lines(each, found.duration or 0.0)
    except SourceError as error:
        return replace(found, problem="badly_subtitled", reason=str(error))
    return found


def in_words(problem: str) -> str:
    """What a video with this problem is."""
    return _IN_WORDS.get(problem, problem)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
