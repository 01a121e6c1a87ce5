"""Whether the end of a film file is there, as far as its container tells: nothing is decoded.

FFmpeg ends quietly where a file does. The containers say how far they should have gone: RIFF, ISO and
Matroska files give the length of each part, a transport stream has packets of one length, a GIF a last
byte. A file that was cut exactly where one part ends and the next would have begun is a whole one, unless
a part around both tells otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

_ENDS_EARLY = "the file ends before its last part does: it may be cut short"
# More parts than any film has; a damaged length may send the walk through all bytes.
_MOST_PARTS = 1 << 20

_ISO_KINDS = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof"}
)
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_SYNC = 0x47
_TS_CHECKED = 5

_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
# What may stand in a Segment beside clusters: SeekHead, Info, Tracks, Cues, Attachments, Chapters, Tags,
# Void, CRC-32 (RFC 9559, section 27).
_SEGMENT_PARTS = frozenset(
    {_CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC, 0xBF}
)


def damage_told(file: BinaryIO) -> str | None:
    """What the structure of `file` tells about a missing end; None if nothing. Moves its position."""
    size = file.seek(0, os.SEEK_END)
    return _check_for(_at(file, 0, 16))(file, size)


def _check_for(head: bytes) -> Callable[[BinaryIO, int], str | None]:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return _riff
    if head[:4] == _EBML.to_bytes(4, "big"):
        return _matroska
    if head[4:8] in _ISO_KINDS:
        return _iso
    if head[:4] == b"GIF8":
        return _gif
    return _transport_stream


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _riff(file: BinaryIO, size: int) -> str | None:
    """Large files are several RIFF parts, one after the other; a part's length is padded to be even."""
    place = 0
    while len(head := _at(file, place, 8)) == 8 and head[:4] == b"RIFF":
        length = int.from_bytes(head[4:], "little")
        if length == 0:
            return "its length was never written: the recording may have been broken off"
        if place + 8 + length > size:
            return _ENDS_EARLY
        place += 8 + length + length % 2
    return None


def _iso(file: BinaryIO, size: int) -> str | None:
    """Boxes of a length and a name (ISO/IEC 14496-12, 4.2); length 0 means up to the end of the file."""
    place, last = 0, b""
    for _ in range(_MOST_PARTS):
        head = _at(file, place, 16)
        if len(head) < 8:
            # Films may end with a few zeros.
            return _ENDS_EARLY if head.strip(b"\0") or last == b"moof" else None
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8 or not kind.isascii():
            return None
        place, last = place + length, kind
        if place > size:
            return _ENDS_EARLY
    return None


def _matroska(file: BinaryIO, size: int) -> str | None:
    """Elements of a kind and a length (RFC 8794, sections 4 to 6), those of the segment one after the other.

    A cluster of unknown length, as live recordings have, ends where the next one begins: its own elements
    are walked over too.
    """
    place, end, open_cluster = 0, size, False
    for _ in range(_MOST_PARTS):
        if place >= end:
            return None if place == end or end < size else _ENDS_EARLY
        head = _at(file, place, 12)
        kind, width = _vint(head)
        length, more = _vint(head[width:])
        if kind is None or length is None:
            return _ENDS_EARLY if place + 12 > size else _broken(place)
        if kind in _SEGMENT_PARTS or kind in (_EBML, _SEGMENT):
            open_cluster = False
        elif not open_cluster:
            return _broken(place)
        body, unknown = place + width + more, length == (1 << 7 * more + 1) - 1
        length -= 1 << 7 * more
        if kind == _SEGMENT and not unknown:
            end = body + length
            if end > size:
                return _ENDS_EARLY
        open_cluster = open_cluster or (kind == _CLUSTER and unknown)
        place = body if unknown or kind == _SEGMENT else body + length
    return None


def _vint(head: bytes) -> tuple[int | None, int]:
    """A number of variable length with its marker bit, and its bytes; None where there is none."""
    width = 9 - head[0].bit_length() if head and head[0] else 0
    if not 0 < width <= len(head):
        return None, 0
    return int.from_bytes(head[:width], "big"), width


def _transport_stream(file: BinaryIO, size: int) -> str | None:
    """All packets are of one length (ISO/IEC 13818-1, 2.4.3); discs and broadcasts add some bytes to each."""
    length = _packet_length(file)
    return _ENDS_EARLY if length and size % length else None


def _packet_length(file: BinaryIO) -> int:
    """Bytes of a packet; 0 if these are none."""
    for length, sync in _TS_PACKETS:
        head = _at(file, sync, length * (_TS_CHECKED - 1) + 1)
        if len(head) > length and all(byte == _TS_SYNC for byte in head[::length]):
            return length
    return 0


def _gif(file: BinaryIO, size: int) -> str | None:
    """Blocks up to the trailer (GIF89a, appendix B)."""
    place = 13 + _colours(_at(file, 10, 1))
    while kind := _at(file, place, 1):
        if kind == b";":
            return None
        if kind == b",":
            place += 11 + _colours(_at(file, place + 9, 1))
        elif kind == b"!":
            place += 2
        else:
            return _broken(place)
        while length := int.from_bytes(_at(file, place, 1), "big"):
            place += 1 + length
        place += 1
    return _ENDS_EARLY


def _colours(flags: bytes) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _broken(place: int) -> str:
    return f"its structure is damaged around byte {place:,}"
