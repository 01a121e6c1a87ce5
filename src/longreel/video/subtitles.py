"""What a caller can give as subtitles, as lines on the timeline of the film's frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av.error

from longreel.errors import SourceError, UsageError
from longreel.video.failures import reason
from longreel.video.opening import open_input
from longreel.video.sources import FilmFile, Source, find_source, seekable_file
from longreel.video.speech import Transcriber
from longreel.video.subtitle_files import read_subtitle_file
from longreel.video.subtitle_lines import SubtitleLine, checked_lines, lines_between, shifted
from longreel.video.subtitle_tracks import first_picture_time, read_subtitle_track

__all__ = ["SubtitleLine", "Subtitles", "read_subtitles"]

Subtitles = str | os.PathLike[str] | Transcriber | Iterable[SubtitleLine | tuple[float, float, str]]


def read_subtitles(
    subtitles: Subtitles,
    film: Source | None = None,
    *,
    start: float | None = None,
    end: float | None = None,
    allow_url: bool = False,
) -> tuple[SubtitleLine, ...]:
    """The lines of `subtitles` by their starts, in seconds from the film's first picture.

    Args:
        subtitles: path of an srt, vtt, ass or ssa file, whose times count from the film's first picture;
            "track" for a subtitle track inside the film, "track:2" for stream 2 of it, "track:en" for the
            one in English; a `Transcriber`; or (start, end, text) in seconds.
        film: the film they belong to; needed for its tracks and its sound. It is read from its beginning, and
            an open file is left where it was.
        start, end: seconds of the film from which (included) and to which (excluded) lines are wanted; the
            times of lines that reach beyond are cut.
        allow_url: let `film` be an http(s) address.

    Returns: lines with text. None is an answer too: nothing may be said between `start` and `end`, and a
        transcriber may hear nothing. A file, a track or a list without any line is a mistake.

    Raises:
        SourceError: a file or track cannot be read, is damaged, or holds no lines.
        UsageError: a value that can never work, such as times in the wrong order, or a missing package.
        ModelError: a transcriber failed.
    """
    lines = _all_lines(subtitles, film, allow_url)
    return tuple(lines_between(lines, start, end))


def _all_lines(subtitles: Any, film: Any, allow_url: bool) -> list[SubtitleLine]:
    if isinstance(subtitles, str) and (subtitles == "track" or subtitles.startswith("track:")):
        with _film_file(film, allow_url, f"subtitles={subtitles!r}") as found:
            return read_subtitle_track(found, subtitles.removeprefix("track").removeprefix(":").strip())
    if isinstance(subtitles, str | os.PathLike):
        return read_subtitle_file(_path(os.fsdecode(subtitles)))
    # A class has the method too, but not yet the settings.
    if isinstance(subtitles, Transcriber) and not isinstance(subtitles, type):
        with _film_file(film, allow_url, "a transcriber") as found:
            return _heard(subtitles, found)
    return _given(subtitles)


def _path(text: str) -> Path:
    if not text.strip():
        raise UsageError("the name of the subtitles is empty: give the path of an srt, vtt or ass file")
    if "://" in text:
        raise UsageError(f"{text} is an address: download the subtitles to a file first")
    return Path(text)


def _given(lines: Any) -> list[SubtitleLine]:
    if isinstance(lines, bytes | bytearray | type) or not isinstance(lines, Iterable):
        raise UsageError(
            f'a {type(lines).__name__} is no subtitles: give the path of a file, "track", a transcriber, or '
            "a list of (start, end, text)"
        )
    checked = checked_lines(lines, "the given subtitles")
    if not checked:
        raise UsageError("the given subtitles hold no lines: leave subtitles= out, or give some")
    return checked


@contextmanager
def _film_file(film: Any, allow_url: bool, what: str) -> Iterator[FilmFile]:
    """The film as a file that can be read from its beginning, now and again."""
    if film is None:
        raise UsageError(f"{what} needs the film: give film= too")
    found = find_source(film, allow_url=allow_url)
    if not isinstance(found, FilmFile):
        raise UsageError(f"{found.where}: {what} needs a film file; give pictures a subtitle file")
    if found.file is None:
        yield found
        return
    try:
        place = found.file.tell()
        found.file.seek(0)
    except (OSError, AttributeError) as error:
        raise UsageError(
            f"{found.where} cannot be read twice ({reason(error)}): save it to a file first"
        ) from None
    try:
        yield found
    finally:
        # A transcriber may have closed it.
        if not getattr(found.file, "closed", False):
            found.file.seek(place)


def _heard(transcriber: Transcriber, film: FilmFile) -> list[SubtitleLine]:
    if film.url is not None:
        raise UsageError(f"{film.where} is an address: download the film for its sound to be transcribed")
    begin = _sound_begin(film) - first_picture_time(film)
    sound: str | BinaryIO = str(film.path)
    if film.file is not None:
        film.file.seek(0)
        sound = film.file
    lines = transcriber.transcribe(sound)
    if not isinstance(lines, Iterable):
        raise UsageError(f"the transcriber gave a {type(lines).__name__}: let it give (start, end, text)")
    return shifted(checked_lines(lines, "what the transcriber heard"), begin)


def _sound_begin(film: FilmFile) -> float:
    """Seconds of the film's own clock at which its first sound track begins."""
    file, owned = seekable_file(film)
    try:
        with open_input(film, file) as source:
            if not source.streams.audio:
                raise SourceError(f"{film.where} has no sound: give a subtitle file, or no subtitles")
            # The track may tell an earlier time, that of samples which decoders leave out.
            first = next(source.decode(source.streams.audio[0]), None)
            return float(first.time or 0.0) if first else 0.0
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise SourceError(
            f"{film.where} has sound that cannot be decoded ({reason(error)}): give a subtitle file"
        ) from None
    finally:
        if owned:
            file.close()
