"""Subtitle files: SubRip, WebVTT and SubStation Alpha."""

from __future__ import annotations

import codecs
import html
import re
from pathlib import Path
from typing import Any

from longreel.errors import SourceError, UsageError
from longreel.video.captions import Caption, lines_of, pysubs2_module, rows_of, shown_text
from longreel.video.failures import reason
from longreel.video.subtitle_lines import SubtitleLine, checked_span

_FORMATS = {".srt": "srt", ".vtt": "vtt", ".ass": "ass", ".ssa": "ssa"}
_MOST_BYTES = 64 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The second is what Latin-1 text mostly is; the last one reads anything.
_ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
# No text has these.
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# When a word is spoken, inside of a cue. With two of them, pysubs2 takes a row of words for a row of times.
_WORD_TIME = re.compile(r"<[\d:.]+>")
# pysubs2 reads past a minus sign.
_NEGATIVE = re.compile(r"^[ \t]*-\d[\d:.,]*[ \t]*-->|-->[ \t]*-\d", re.MULTILINE)
_BLOCKS = re.compile(r"\n{2,}")
_FORMAT_NAMES = ", ".join(ending[1:] for ending in _FORMATS)


def is_subtitle_file(path: Path) -> bool:
    """Whether the name ends as one that can be read."""
    return path.suffix.lower() in _FORMATS


def read_subtitle_file(path: Path) -> list[SubtitleLine]:
    """The lines of a srt, vtt, ass or ssa file by their starts, in seconds as the file tells them.

    The file is UTF-8, UTF-16 or, failing these, Windows-1252 or Latin-1. Markup, drawings and comments go,
    as do the repetitions of rolling captions.

    Raises:
        SourceError: it is missing, empty, no text, damaged, or holds no lines.
        UsageError: its name ends otherwise, its times can not be true, or pysubs2 is not installed.
    """
    if not is_subtitle_file(path):
        raise UsageError(f"{path} is no subtitle file: give one that ends with {_FORMAT_NAMES}")
    text = _text_of(_content(path), path)
    format = _format_of(text, path)
    lines = lines_of(_captions(_events(text, format, path), format, path))
    if not lines:
        raise SourceError(f"{path} holds no lines of subtitles: check that it is a whole {format} file")
    return lines


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(f"{path} is a folder: give a subtitle file ({_FORMAT_NAMES})")
        if not path.is_file():
            raise SourceError(f"{path} does not exist or is no file: check the name of the subtitles")
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"{path} is too large for subtitles: check that it is a text file")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read ({reason(error)}): check the file and its rights") from None
    if not content.strip():
        raise SourceError(f"{path} is empty: give a subtitle file with lines")
    return content


def _text_of(content: bytes, path: Path) -> str:
    text = _decoded(content)
    if _BINARY.search(text):
        raise SourceError(f"{path} is no text: give a subtitle file ({_FORMAT_NAMES})")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str:
    if content.startswith(_UTF16):
        return content.decode("utf-16", errors="replace")
    # All these files begin with a character of ASCII, or with a mark.
    if content[1:2] == b"\0" != content[:1]:
        return content.decode("utf-16-le", errors="replace")
    if content[:1] == b"\0" != content[1:2]:
        return content.decode("utf-16-be", errors="replace")
    for encoding in _ENCODINGS[:-1]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(_ENCODINGS[-1])


def _format_of(text: str, path: Path) -> str:
    """By what the file says of itself, as some are named wrongly; else by its name."""
    head = text.lstrip()
    if head.startswith("WEBVTT"):
        return "vtt"
    if head.startswith("[Script Info]"):
        return "ssa" if path.suffix.lower() == ".ssa" else "ass"
    return _FORMATS[path.suffix.lower()]


def _events(text: str, format: str, path: Path) -> list[Any]:
    if format in ("srt", "vtt"):
        if _NEGATIVE.search(text):
            raise UsageError(f"{path} has times before 0: shift them to the film's beginning")
        text = _numbered(_WORD_TIME.sub("", text), format)
    pysubs2 = pysubs2_module()
    try:
        return list(pysubs2.SSAFile.from_string(text, format_=format))
    # It lets through whatever its conversions of damaged fields raise.
    except (
        pysubs2.Pysubs2Error,
        ValueError,
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise SourceError(f"{path} is damaged ({reason(error)}): correct it, or give another file") from None


def _numbered(text: str, format: str) -> str:
    """The cues, each followed by a number, as pysubs2 takes one in the last row for the next cue's.

    In WebVTT an empty row ends a cue (section 4.1); pysubs2 would add the names and notes that follow to it.
    """
    if format == "srt":
        # Its search for that number takes very long over long stretches of empty rows.
        return _BLOCKS.sub("\n\n", text) + "\n\n0\n"
    blocks = (
        block[block.rfind("\n", 0, block.find("-->")) + 1 :]
        for block in _BLOCKS.split(text)
        if "-->" in block
    )
    return "".join(f"{block}\n\n0\n" for block in blocks)


def _captions(events: list[Any], format: str, path: Path) -> list[Caption]:
    captions = []
    for number, event in enumerate(events, 1):
        text = shown_text(event)
        rows = rows_of(text if format in ("ass", "ssa") else html.unescape(text))
        if rows:
            start, end = checked_span(event.start / 1000, event.end / 1000, f"line {number} of {path}")
            captions.append(Caption(start, end, rows))
    return captions
