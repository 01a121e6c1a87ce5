"""Subtitle tracks inside films, on the timeline of the film's frames."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import av.error

from longreel.errors import SourceError, UsageError
from longreel.video.captions import Caption, lines_of, pysubs2_module, rows_of, shown_text
from longreel.video.container import Container, Damaged
from longreel.video.failures import reason
from longreel.video.languages import same_language
from longreel.video.opening import open_input
from longreel.video.report import ReadReport
from longreel.video.sources import FilmFile, seekable_file
from longreel.video.subtitle_lines import SubtitleLine, shifted

_DEFAULT, _FORCED = 0x1, 0x40
# A line stays until the next one, but no longer than this, where the film does not tell how long.
_LONGEST_UNTOLD = 5.0
_REMEDY = "give a subtitle file (srt, vtt, ass) or a transcriber"


def read_subtitle_track(film: FilmFile, wanted: str = "") -> list[SubtitleLine]:
    """The lines of a text track of `film`, in seconds from its first picture.

    Args:
        film: a file that can be read more than once, or an address.
        wanted: number of the stream in the film, as FFmpeg counts them; a language ("en", "eng"); or "" for
            any. Of several tracks, one of all that is said comes before one of foreign parts only, then one
            that players show by themselves, then the first.

    Raises:
        SourceError: the film cannot be read, or has no track of text that holds lines.
        UsageError: it has tracks, but not the wanted one; or pysubs2 is not installed.
    """
    origin = first_picture_time(film)
    file, owned = (None, False) if film.url else seekable_file(film)
    try:
        with open_input(film, file) as source:
            track = _chosen(film.where, list(source.streams.subtitles), wanted)
            # After closing, PyAV would read the track's facts from freed memory.
            name = _name(track)
            captions = _ended(list(_captions(source, track, film.where)))
    finally:
        if owned and file is not None:
            file.close()
    lines = shifted(lines_of(captions), -origin)
    if not lines:
        raise SourceError(f"{film.where}: its {name} holds no lines: {_REMEDY}")
    return lines


def first_picture_time(film: FilmFile) -> float:
    """Seconds of the film's own clock at its first picture, where the times of its frames begin."""
    container = Container(film, ReadReport("sequential", ""))
    try:
        try:
            next(container.frames(), None)
        except Damaged:
            container.reopen(careful=False)
            next(container.frames(), None)
        return container.clock.origin or 0.0
    finally:
        container.close()


def _chosen(where: str, tracks: list[Any], wanted: str) -> Any:
    if not tracks:
        raise SourceError(f"{where} has no subtitle track: {_REMEDY}")
    fitting = [track for track in tracks if _fits(track, wanted)]
    if not fitting:
        kind = "stream" if wanted.isdecimal() else "language"
        names = ", ".join(f"track:{track.index} ({_language(track) or 'no language'})" for track in tracks)
        raise UsageError(f"{where} has no subtitle track of {kind} {wanted!r}: it has {names}")
    texts = [track for track in fitting if _is_text(track)]
    if not texts:
        first = fitting[0]
        raise SourceError(f"{where}: its {_name(first)} is no text, but {_made_of(first)}: {_REMEDY}")
    return min(texts, key=lambda track: (_marked(track, _FORCED), not _marked(track, _DEFAULT), track.index))


def _fits(track: Any, wanted: str) -> bool:
    if not wanted or wanted.isdecimal():
        return not wanted or track.index == int(wanted)
    language = _language(track)
    return language is not None and same_language(language, wanted)


def _language(track: Any) -> str | None:
    language = track.metadata.get("language")
    return None if language in (None, "und") else str(language)


def _is_text(track: Any) -> bool:
    context = track.codec_context
    # Closed captions come letter by letter, not as packets with their times.
    return context is not None and context.codec.text_sub and context.name not in ("eia_608", "cc_dec")


def _made_of(track: Any) -> str:
    context = track.codec_context
    if context is None:
        return "a codec that this FFmpeg does not know"
    return f"pictures ({context.name})" if context.codec.bitmap_sub else f"closed captions ({context.name})"


def _marked(track: Any, flag: int) -> bool:
    disposition = getattr(track, "disposition", 0)
    # A plain number in some versions of PyAV, a Flag in others.
    return bool(getattr(disposition, "value", disposition) & flag)


def _name(track: Any) -> str:
    return f"subtitle track {track.index}"


def _captions(source: Any, track: Any, where: str) -> Iterator[Caption]:
    """Captions on the film's own clock; they end where they begin if their end is not told."""
    pysubs2 = pysubs2_module()
    try:
        for packet in source.demux(track):
            if not packet.size or packet.pts is None:
                continue
            start = float(packet.pts * packet.time_base)
            end = start + float((packet.duration or 0) * packet.time_base)
            for part in packet.decode():
                event = pysubs2.SSAEvent(text=_text_field(part.ass))
                yield Caption(start, end, rows_of(shown_text(event)))
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        raise SourceError(
            f"{where}: its {_name(track)} is damaged ({reason(error)}): give the subtitles as a file"
        ) from None


def _text_field(dialogue: bytes) -> str:
    """The last of the nine fields in which FFmpeg gives a line (ReadOrder, Layer, …, Effect, Text)."""
    return dialogue.decode("utf-8", errors="replace").split(",", 8)[-1]


def _ended(captions: list[Caption]) -> list[Caption]:
    """The captions, with an end for those that have none: where the next one begins."""
    starts = sorted(caption.start for caption in captions)
    ended = []
    for caption in captions:
        if caption.end <= caption.start:
            last = caption.start + _LONGEST_UNTOLD
            following = bisect_right(starts, caption.start)
            caption = replace(caption, end=min([last, *starts[following : following + 1]]))
        ended.append(caption)
    return ended
