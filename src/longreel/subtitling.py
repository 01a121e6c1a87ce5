"""The subtitles that a call gives to its films: checked, read, and fitted to their budget."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch

from longreel.errors import UsageError
from longreel.film_text import FilmText
from longreel.header import SourceRecord, SubtitleRecord
from longreel.identity import hash_json
from longreel.memory import VideoMemory
from longreel.models.base import Dialogue, ModelAdapter
from longreel.video.sampling import Sampling
from longreel.video.speech import Transcriber
from longreel.video.subtitle_budget import KeptLines, fit_to_budget, transcript_row
from longreel.video.subtitle_lines import SubtitleLine
from longreel.video.subtitles import read_subtitles

PLACEMENTS = ("times", "transcript")
_NONE = torch.empty(0, dtype=torch.int64)


@dataclass(frozen=True)
class Subtitling:
    """Subtitles and how the model gets them; see `longreel.watch.watch`.

    Raises:
        UsageError: a setting can never work.
    """

    subtitles: Any = None
    placement: str = "times"
    budget: int | None = None

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise UsageError(
                f"subtitle_placement={self.placement!r} is unknown: choose 'times' or 'transcript'"
            )
        if self.budget is not None:
            fit_to_budget((), len, self.budget)
        if self.subtitles is None and (self.placement, self.budget) != ("times", None):
            name = "subtitle_placement" if self.budget is None else "subtitle_budget"
            raise UsageError(f"{name}= is for subtitles, and there are none: give subtitles= too")

    def check(self, adapter: ModelAdapter, earlier: int) -> None:
        """Refuse what this model cannot be told, before anything is read.

        Args:
            earlier: films that the memory holds already.

        Raises:
            UsageError: naming what it can.
        """
        if self.subtitles is None:
            return
        if not adapter.dialogue.open_vocabulary:
            raise UsageError(
                f"{adapter.name} knows only the words of its own questions, and not those of subtitles: "
                "leave subtitles= out, or load another model"
            )
        if not adapter.has_summary_tokens:
            return
        if self.placement != "transcript":
            raise UsageError(
                f"{adapter.name} has summary tokens, among which no text can stand: "
                "use subtitle_placement='transcript'"
            )
        if earlier:
            raise UsageError(
                f"{adapter.name} takes subtitles before the first film only: watch all films together"
            )

    def of_each(self, is_film: Sequence[bool]) -> list[Any]:
        """What was given for each film, None for nothing.

        Args:
            is_film: of everything that is watched, whether it is a film; images have no subtitles.

        Raises:
            UsageError: not every film has its own.
        """
        given, films = self.subtitles, sum(is_film)
        if given is None or _is_for_all(given):
            return [given if each else None for each in is_film]
        listed = isinstance(given, list | tuple) and bool(given) and not any(map(_is_line, given))
        own = list(given) if listed else [given]
        if len(own) == len(is_film):
            if any(text is not None and not each for text, each in zip(own, is_film, strict=True)):
                raise UsageError("an image has no subtitles: give None for it, or the films' own alone")
            return own
        if len(own) != films or not (listed or films == 1):
            count = f"{len(own)} subtitles" if listed else "one for all"
            raise UsageError(
                f"{films} film{'s' if films > 1 else ''} and {count}: give subtitles= as a list, one for "
                "each film, None for none"
            )
        following = iter(own)
        return [next(following) if each else None for each in is_film]


def film_texts(
    adapter: ModelAdapter,
    sources: Sequence[Any],
    subtitles: Sequence[Any],
    subtitling: Subtitling,
    sampling: Sampling,
    *,
    allow_url: bool,
    earlier: int = 0,
    resume: VideoMemory | None = None,
) -> list[FilmText | None]:
    """The text of each film, None where there are no subtitles.

    Args:
        subtitles: what was given for each, see `Subtitling.of_each`.
        sampling: says from where to where films are watched.
        earlier: films of the memory before these.
        resume: a memory that holds some of these films; what is said in those seen to their end is not
            transcribed again.

    Raises:
        UsageError, SourceError, ModelError: see `Subtitling` and `read_subtitles`.
    """
    subtitling.check(adapter, earlier)
    texts: list[FilmText | None] = []
    for number, given in enumerate(subtitles):
        known = _known(given, subtitling, resume, number)
        if given is None:
            texts.append(None)
        elif known is not None:
            texts.append(FilmText((), (), adapter.clip, known))
        else:
            lines = read_subtitles(
                given, sources[number], start=sampling.start, end=sampling.end, allow_url=allow_url
            )
            texts.append(_film_text(adapter, lines, subtitling, _kind(given), first=earlier + number == 0))
    return texts


def check_same_subtitles(texts: Sequence[FilmText | None], records: Sequence[SourceRecord]) -> None:
    """Refuse other subtitles than those of the films to go on with.

    Raises:
        UsageError: naming the film.
    """
    for text, record in zip(texts, records, strict=False):
        if record.subtitles != (None if text is None else text.record):
            had = "other subtitles or settings of them" if record.subtitles else "no subtitles"
            raise UsageError(f"the memory to resume has {had} for {record.name}: use the same")


def _film_text(
    adapter: ModelAdapter, lines: Sequence[SubtitleLine], subtitling: Subtitling, kind: str, *, first: bool
) -> FilmText:
    dialogue, at_times = adapter.dialogue, subtitling.placement == "times"
    as_text = _spoken if at_times else transcript_row
    kept = _fitted(lines, dialogue, subtitling)
    ids = tuple(dialogue.quoted(as_text(line)) for line in kept.lines)
    record = SubtitleRecord(
        source=kind,
        digest=hash_json([[line.start, line.end, line.text] for line in lines]),
        placement=subtitling.placement,
        budget=None if subtitling.budget is None else int(subtitling.budget),
        lines=len(kept.lines),
        dropped=kept.dropped,
        tokens=kept.tokens,
    )
    if at_times:
        return FilmText(tuple(line.start for line in kept.lines), ids, adapter.clip, record)
    if first or adapter.has_summary_tokens:
        return FilmText((), (), adapter.clip, record, torch.cat((_NONE, *ids)))
    return FilmText((float("-inf"),) * len(ids), ids, adapter.clip, record)


def _fitted(lines: Sequence[SubtitleLine], dialogue: Dialogue, subtitling: Subtitling) -> KeptLines:
    """Among frames, what frames a line counts as if it stood alone."""
    if subtitling.placement == "transcript":
        as_text = transcript_row

        def count(text: str) -> int:
            return len(dialogue.quoted(text))
    else:
        as_text = _spoken

        def count(text: str) -> int:
            return len(dialogue.aside(dialogue.quoted(text), _NONE))

    if subtitling.budget is None:
        return KeptLines(tuple(lines), 0, sum(count(as_text(line)) for line in lines))
    return fit_to_budget(lines, count, subtitling.budget, as_text=as_text)


def _spoken(line: SubtitleLine) -> str:
    """A line as it stands among frames."""
    return f"{line.text}\n"


def _is_for_all(given: Any) -> bool:
    """Whether each film has its own of it: a track, or what a transcriber hears."""
    return _is_track(given) or (isinstance(given, Transcriber) and not isinstance(given, type))


def _is_track(given: Any) -> bool:
    return isinstance(given, str) and (given == "track" or given.startswith("track:"))


def _is_line(item: Any) -> bool:
    if isinstance(item, SubtitleLine):
        return True
    return isinstance(item, list | tuple) and len(item) == 3 and isinstance(item[0], Real)


def _kind(given: Any) -> str:
    """What a header says about where the lines come from."""
    if _is_track(given):
        return str(given)
    if isinstance(given, str | os.PathLike):
        return "file"
    return "transcriber" if isinstance(given, Transcriber) else "lines"


def _known(
    given: Any, subtitling: Subtitling, resume: VideoMemory | None, number: int
) -> SubtitleRecord | None:
    """What is known of a film that was transcribed and seen to its end."""
    if resume is None or _kind(given) != "transcriber":
        return None
    point, records = resume.header.resume, resume.header.sources
    if number >= (len(records) if point is None else point.source):
        return None
    known = records[number].subtitles
    if known is None or known.source != "transcriber":
        return None
    return known.model_copy(update={"placement": subtitling.placement, "budget": subtitling.budget})
