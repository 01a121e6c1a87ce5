"""An open film file: its facts, its timeline, and the way through FFmpeg to decoded frames."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.container
import av.error
import av.video.stream

from longreel.errors import LongreelError, SourceError
from longreel.video.clock import Clock
from longreel.video.durations import measured_duration, told_duration
from longreel.video.failures import reason, source_error
from longreel.video.keyframes import Keyframes, indexed_keyframes, scanned_keyframes
from longreel.video.opening import open_input
from longreel.video.picture import MAX_PIXELS, pixel_aspect
from longreel.video.report import ReadReport
from longreel.video.sources import FilmFile, seekable_file
from longreel.video.wholeness import damage_told

# FFmpeg reads any text as a "film" of terminal art; nobody means that.
_NO_FILMS = frozenset({"tty", "bin", "xbin", "adf", "idf", "lavfi"})
# More threads give little and cost a decoded picture each.
_MOST_THREADS = 4
_MOST_ERRORS = 1000
_DEFAULT_RATE = 25.0
# Decoding times run at most so many frames ahead of display.
_LAG_FRAMES = 4
_ATTACHED_PICTURE = 0x400


class Damaged(Exception):  # noqa: N818 - a signal inside the reader, which users never see
    """The decoder met damage while it was told to stop there."""


class Container:
    """A film file that is decoded from wherever it was last sought to.

    Attributes:
        careful: whether to stop at damage with `Damaged`, rather than give what the decoder makes of it.
        damage: what the structure of the file tells about missing or broken parts; None if nothing.
        disturbed: whether anything was damaged so far.

    Raises:
        SourceError: the file is no film, or has no picture to decode.
    """

    def __init__(self, film: FilmFile, report: ReadReport, *, strict: bool = False) -> None:
        self.where = film.where
        self._film = film
        self._report = report
        self._strict = strict
        self._file: BinaryIO | None = None
        self._owned = False
        self._input: Any = None
        self.careful = True
        self.disturbed = False
        self.damage: str | None = None
        if film.url is None:
            self._file, self._owned = seekable_file(film)
        try:
            self._open()
            self._look_for_damage()
            rate = self.stream.average_rate or self.stream.guessed_rate
            self.frame_rate = float(rate) if rate and 0 < rate < 1e5 else None
            self.step = 1 / (self.frame_rate or _DEFAULT_RATE)
            self.duration = told_duration(self._input, self.stream, self.tick)
            if self.duration is None and film.url is None:
                self.duration = measured_duration(self._packets(), self.tick, self.step)
                self._open()
        except BaseException:
            self.close()
            raise
        longest = None if self.duration is None else 10 * self.duration + 3600
        self.clock = Clock(self.step, longest)
        self.keyframes: Keyframes | None = None

    def _open(self) -> None:
        """Open, or open again from the beginning."""
        self._close_input()
        if self._file is not None:
            self._file.seek(0)
        try:
            self._input = open_input(self._film, self._file)
            self.stream = self._find_stream()
        except LongreelError:
            raise
        except (av.error.FFmpegError, OSError, ValueError, EOFError, UnicodeError) as error:
            raise source_error(self.where, error) from None
        self._sought: bool = False
        self._order: list[int] = []

    def _look_for_damage(self) -> None:
        """What is missing according to the container is told beforehand, as FFmpeg will not tell."""
        if self._file is None:
            return
        place = self._file.tell()
        self.damage = damage_told(self._file)
        self._file.seek(place)
        if self.damage:
            self.warn(self.damage)

    def _find_stream(self) -> Any:
        if self._input.format.name in _NO_FILMS:
            raise SourceError(f"{self.where} is text, not a film: give a film file")
        streams = [stream for stream in self._input.streams.video if not _is_cover(stream)]
        if not streams:
            raise SourceError(f"{self.where} has no video track: give a file with pictures")
        stream = max(streams, key=_area)
        context = stream.codec_context
        if context is None:
            raise SourceError(f"{self.where} uses a codec this FFmpeg cannot decode: convert it to H.264")
        if _area(stream) > MAX_PIXELS:
            raise SourceError(
                f"{self.where} says its pictures are {context.width} x {context.height}, too large to be "
                "true: check the file, or scale it down"
            )
        context.thread_type = "AUTO" if self.careful else "NONE"
        context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1) if self.careful else 1
        options = {"max_pixels": str(MAX_PIXELS)}
        # Without this, FFmpeg paints over damage and says so only in its log.
        context.options = {**options, "err_detect": "explode"} if self.careful else options
        return stream

    @property
    def format(self) -> str:
        return str(self._input.format.name)

    @property
    def codec(self) -> str:
        return str(self.stream.codec_context.name)

    @property
    def frame_count(self) -> int | None:
        return self.stream.frames or None

    @property
    def tick(self) -> float:
        """Seconds of the finest step of the file's clock."""
        return float(self.stream.time_base or 0)

    def pixel_aspect(self) -> Fraction:
        """Width by height of the film's pixels."""
        return pixel_aspect(self.stream.sample_aspect_ratio or self.stream.codec_context.sample_aspect_ratio)

    @property
    def reorders_untold(self) -> bool:
        """Whether frames are shown in another order than stored, and the file does not tell in which.

        AVI has decoding times only; what FFmpeg makes of them is wrong.
        """
        return self.format == "avi" and bool(self.stream.codec_context.has_b_frames)

    def close(self) -> None:
        """Close what was opened here; a file that the caller opened stays open."""
        self._close_input()
        if self._owned and self._file is not None:
            self._file.close()

    def _close_input(self) -> None:
        if self._input is not None:
            self._input.close()
            self._input = None

    def reopen(self, *, careful: bool) -> None:
        """Go back to the beginning with a fresh decoder."""
        self.careful = careful
        if self.clock.origin is None and self.stream.start_time is not None:
            self.clock.origin = self.stream.start_time * self.tick
        self._open()
        self.clock.reset()

    def start_at_first_picture(self) -> None:
        """Count the length from the first picture: recordings may begin with packets that show nothing."""
        start = self.stream.start_time
        if start is None or self.duration is None or not self.careful:
            return
        nothing = (self.clock.origin or 0.0) - start * self.tick
        if 2 * self.step < nothing < self.duration:
            self.duration -= nothing

    def look_at_keyframes(self) -> Keyframes:
        """What is known about the keyframes; call it before frames are read, as it may look ahead."""
        if self.keyframes is None:
            # Other containers (AVI) may have an index and still not tell when packets are shown.
            indexed = self.format.startswith("mov") and indexed_keyframes(
                self.stream, self.tick, self.duration
            )
            self.keyframes = indexed or self._scanned()
        return self.keyframes

    def _scanned(self) -> Keyframes:
        found = scanned_keyframes(self._packets(), self.tick)
        self._open()
        # Program streams (.mpg) give a time to some packets only.
        return replace(found, timed=False) if self.reorders_untold or self.format == "mpeg" else found

    def keyframe_between(self, now: float, then: float) -> bool:
        """Whether a jump from `now` to `then` probably skips something."""
        if self.keyframes is None or not self.keyframes.timed:
            return False
        origin = self.clock.origin or 0.0
        return self.keyframes.between(now + origin, then + origin, lag=_LAG_FRAMES * self.step)

    def seek(self, seconds: float) -> None:
        """Go to a keyframe at or before `seconds`.

        Raises:
            av.error.FFmpegError, OSError: the container cannot seek there.
        """
        offset = int((seconds + (self.clock.origin or 0.0)) / self.tick)
        self._report.seeks += 1
        self._input.seek(offset, stream=self.stream, backward=True, any_frame=False)
        self._sought = True
        self.clock.reset()

    def frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Decoded frames with their times, from here to the end of what is readable.

        After a jump, they begin with the keyframe: pictures that are shown before it depend on others.

        Raises:
            Damaged: in careful mode.
            SourceError: in strict mode.
        """
        begun, key_time = False, None
        for packet in self._packets():
            if packet.size and key_time is None and packet.is_keyframe:
                key_time = -math.inf if packet.pts is None else packet.pts
            landing = self._sought and not begun
            if landing and packet.size and (key_time is None or _before(packet.pts, key_time)):
                continue
            # Before the first picture, complaints are about others that were jumped over.
            for frame in self._decoded(packet, bears=not begun and (self._sought or key_time is None)):
                if self._sought and not begun and _before(frame.pts, key_time):
                    continue
                begun = True
                if frame.width and frame.height:
                    yield self._seconds(frame), frame

    def _decoded(self, packet: Any, *, bears: bool) -> list[Any]:
        if packet.dts is not None and self.reorders_untold:
            heapq.heappush(self._order, packet.dts)
        try:
            frames = list(packet.decode())
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, ValueError) as error:
            if not bears:
                self._damage(error)
            return []
        self._report.decoded += len(frames)
        return frames

    def _damage(self, error: Exception) -> None:
        if isinstance(error, MemoryError):
            raise source_error(self.where, error) from None
        if self.careful:
            raise Damaged(reason(error)) from None
        self.warn("damaged pictures were left out or repaired by the decoder")

    def _seconds(self, frame: av.VideoFrame) -> float:
        ticks = frame.pts
        if self.reorders_untold:
            # Decoders give frames in the order of display: the times are right but for their order.
            ticks = heapq.heappop(self._order) if self._order else None
        stamp = None if ticks is None else ticks * float(frame.time_base or self.tick)
        seconds = self.clock.tell(stamp)
        if self.clock.repaired:
            self.warn("some frames have impossible times; theirs were made up from the frame rate")
        return seconds

    def _packets(self) -> Iterator[Any]:
        """Packets up to the end, past damage where the container can go on."""
        errors = 0
        packets = self._input.demux(self.stream)
        while errors < _MOST_ERRORS:
            try:
                packet = next(packets)
            except (StopIteration, av.error.EOFError):
                return
            except IndexError:
                # PyAV stumbles over streams that appear later on; they are not the one wanted.
                packets = self._input.demux(self.stream)
                continue
            except (av.error.FFmpegError, OSError, ValueError) as error:
                errors += 1
                self.warn(f"reading was disturbed ({reason(error)})")
                packets = self._input.demux(self.stream)
                continue
            if packet.is_corrupt:
                self.warn("the container marks parts as damaged")
            yield packet

    def warn(self, text: str) -> None:
        """Note damage.

        Raises:
            SourceError: in strict mode.
        """
        if self._strict:
            raise SourceError(f"{self.where}: {text}: repair the file, or read it without strict")
        self.disturbed = True
        self._report.warn(text)


def _is_cover(stream: Any) -> bool:
    """Whether a "video" is the cover picture of a piece of music."""
    disposition = getattr(stream, "disposition", 0)
    # A plain number in some versions of PyAV, a Flag in others.
    return bool(getattr(disposition, "value", disposition) & _ATTACHED_PICTURE)


def _area(stream: av.video.stream.VideoStream) -> int:
    context = stream.codec_context
    return 0 if context is None else (context.width or 0) * (context.height or 0)


def _before(pts: int | None, key_time: float | None) -> bool:
    return pts is not None and key_time is not None and pts < key_time
