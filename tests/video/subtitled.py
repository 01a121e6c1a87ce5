"""Films with subtitle tracks and sound, as small as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet

Line = tuple[float, float, str]
_MS = Fraction(1, 1000)
_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n"
    b"Style: Default,Arial,16\n\n[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


@dataclass(frozen=True)
class Track:
    """A subtitle track; with `raw`, texts are the payload of packets, and not encoded."""

    codec: str
    lines: Sequence[Line]
    language: str | None = None
    disposition: int = 0
    raw: bool = False
    lengths: bool = True


def write_subtitled(
    path: Path, *tracks: Track, begin: float = 0.0, sound: float | None = None, frames: int = 40
) -> Path:
    """A film of ten frames per second; `begin` is the time of its first frame, `sound` that of its sound."""
    with av.open(str(path), "w") as film:
        video = film.add_stream("libvpx-vp9" if path.suffix == ".webm" else "mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = _MS
        audio: Any = None if sound is None else film.add_stream("aac", rate=16_000, layout="mono")
        streams = [_add_track(film, track) for track in tracks]
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(begin * 1000) + 100 * number, _MS
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        if audio is not None and sound is not None:
            _write_sound(film, audio, sound)
        for stream, track in zip(streams, tracks, strict=True):
            for packet in _packets(stream, track):
                film.mux(packet)
    return path


def _add_track(film: Any, track: Track) -> Any:
    stream = film.add_stream(track.codec)
    stream.codec_context.subtitle_header = _HEADER
    stream.time_base = _MS
    if track.language:
        stream.metadata["language"] = track.language
    stream.disposition = av.stream.Disposition(track.disposition)
    return stream


def _packets(stream: Any, track: Track) -> list[Any]:
    packets = []
    for number, (start, end, text) in enumerate(track.lines):
        begin, length = round(start * 1000), round((end - start) * 1000)
        if track.raw:
            packet = av.Packet(text.encode())
            packet.pts = packet.dts = begin
            packet.duration = length
        else:
            dialogue = f"{number},0,Default,,0,0,0,,{text}".encode()
            packet = stream.codec_context.encode_subtitle(SubtitleSet.create(dialogue, 0, length, begin))
        packet.stream, packet.time_base = stream, _MS
        packets.append(packet)
    return packets


def _write_sound(film: Any, audio: Any, begin: float) -> None:
    for number in range(20):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
        frame.pts = round(begin * 16_000) + 1600 * number
        film.mux(audio.encode(frame))
    film.mux(audio.encode(None))
