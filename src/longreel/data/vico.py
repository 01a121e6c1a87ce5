"""Ordering questions about films, such as Video-XL was trained on (VICO, arXiv 2409.14485; specification e).

A film is cut into clips, each clip is captioned, the clues in the captions are put in the order of time, and
questions ask for that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from longreel.data.captions import Captioner, ReplyError
from longreel.data.clues import Clue, Writer
from longreel.data.film_truth import TRUTH_ENDING, TruthCaptioner, TruthWriter
from longreel.data.film_work import FilmWork
from longreel.data.found_films import FoundFilm, film_names, found_film
from longreel.data.ordering import FEWEST, ordering_samples
from longreel.data.vico_folder import VicoFolder
from longreel.errors import EndpointError, LongreelError, SourceError, UsageError
from longreel.progress import ProgressCallback, StageClock

# Of everything here that decides what comes out and is not a setting.
_VERSION = 1
# An endpoint that fails for so many films in a row is down; the others would only wait for it.
_GIVE_UP = 3
_REASONS = (
    (EndpointError, "endpoint failed"),
    (ReplyError, "unusable reply"),
    (SourceError, "unreadable"),
)
_TOO_FEW = "too few clues"


@dataclass(frozen=True)
class VicoSettings:
    """clip_seconds: length of a clip. questions: about a film, at most. seed: of what is drawn at random.

    Raises:
        UsageError: a value that can never work.
    """

    clip_seconds: float = 14.0
    questions: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.clip_seconds <= 3600:
            raise UsageError(f"clips of {self.clip_seconds:g} s are of no use: choose 2 to 3600 s")
        if self.questions < 1:
            raise UsageError(f"{self.questions} questions a film are none: choose 1 or more")
        if self.seed < 0:
            raise UsageError(f"seed {self.seed} is negative: choose 0 or more")


class LeftOut(NamedTuple):
    """A film without questions. reason: one of few, by which they are counted. detail: what exactly."""

    film: str
    reason: str
    detail: str


@dataclass(frozen=True)
class VicoResult:
    """What came out.

    films: found in the folder. clips: of those that can be read. samples: questions. left_out: films without
    any, by name.
    """

    films: int
    clips: int
    samples: int
    left_out: tuple[LeftOut, ...]

    def reasons(self) -> dict[str, int]:
        """How many films were left out, by reason."""
        return dict(Counter(each.reason for each in self.left_out))


def make_vico(
    folder: Path,
    output: Path,
    captioner: Captioner | None,
    writer: Writer,
    settings: VicoSettings,
    progress: ProgressCallback | None = None,
) -> VicoResult:
    """Write ordering questions about the films of a folder; what an earlier call finished is not done again.

    Paths in the file are relative to the folder. A film that something is wrong with is left out, named in
    the result, and tried again by the next call.

    Args:
        captioner: None for no captions, with a writer that needs none.
        progress: counts films while they are looked through, then clips.

    Raises:
        SourceError: the folder is missing or without films, or no film gives a question.
        UsageError: captions are needed, or `output` was begun with other values or is another file.
        EndpointError: an endpoint failed for several films in a row.
        LongreelError: what is kept of an earlier call is damaged.
    """
    if writer.needs_captions and captioner is None:
        raise UsageError("the writer reads captions: name who writes them (--captioner)")
    names = film_names(folder)
    kept = VicoFolder(output, _plan(captioner, writer, settings))
    from_truth = isinstance(captioner, TruthCaptioner) or isinstance(writer, TruthWriter)
    films, left_out = _looked_through(folder, names, from_truth, progress)
    work = FilmWork(kept, captioner, writer, films, settings.clip_seconds, progress)
    samples: list[dict[str, Any]] = []
    for film, clues in _all_clues(work, films, left_out):
        made = ordering_samples(film.name, clues, most=settings.questions, seed=settings.seed)
        if not made:
            detail = f"{film.path} has clues of fewer than {FEWEST} moments: there is no order to ask for"
            left_out.append(LeftOut(film.name, _TOO_FEW, detail))
        samples += made
    left_out.sort()
    kept.write_left_out([each._asdict() for each in left_out])
    if not samples:
        raise SourceError(f"no film of {folder} gives a question, the last: {left_out[-1].detail}")
    kept.write(samples)
    return VicoResult(len(names), work.clips, len(samples), tuple(left_out))


def _plan(captioner: Captioner | None, writer: Writer, settings: VicoSettings) -> dict[str, Any]:
    captions = {} if captioner is None else captioner.plan()
    return {"version": _VERSION, **asdict(settings), "captioner": captions, "writer": writer.plan()}


def _looked_through(
    folder: Path, names: Sequence[str], from_truth: bool, progress: ProgressCallback | None
) -> tuple[list[FoundFilm], list[LeftOut]]:
    films, left_out = [], []
    clock = StageClock(progress, "look through", len(names))
    for number, name in enumerate(names, start=1):
        try:
            films.append(found_film(folder, name, beside=[TRUTH_ENDING] if from_truth else []))
        except SourceError as error:
            left_out.append(_left_out(name, error))
        clock.report(number)
    return films, left_out


def _all_clues(
    work: FilmWork, films: Sequence[FoundFilm], left_out: list[LeftOut]
) -> Iterator[tuple[FoundFilm, list[Clue]]]:
    """The clues of each film; films without any are added to `left_out`."""
    failed = 0
    for film in films:
        try:
            clues = work.clues(film)
        except (SourceError, ReplyError) as error:
            left_out.append(_left_out(film.name, error))
        except EndpointError as error:
            left_out.append(_left_out(film.name, error))
            failed += 1
            if failed == _GIVE_UP:
                raise
            continue
        else:
            yield film, clues
        failed = 0


def _left_out(name: str, error: LongreelError) -> LeftOut:
    return LeftOut(name, next(reason for kind, reason in _REASONS if isinstance(error, kind)), str(error))
