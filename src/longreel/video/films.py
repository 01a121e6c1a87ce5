"""Reads films through FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator

import av
from torch import Tensor

from longreel.errors import SourceError
from longreel.video.container import Container
from longreel.video.picture import Converter, Size, displayed_size, frame_turn
from longreel.video.readers import Sizer, wanted_times
from longreel.video.report import FilmInfo, ReadReport
from longreel.video.sampling import Sampling
from longreel.video.selection import Picked
from longreel.video.sources import FilmFile
from longreel.video.targets import Begin, frames_wanted
from longreel.video.walk import Walk, choose_policy


class FilmReader:
    """Reads a film through FFmpeg."""

    def __init__(
        self, film: FilmFile, sampling: Sampling, size: Size, strict: bool, policy: str, begin: Begin
    ) -> None:
        self.where = film.where
        self.missing = 0
        self.report = ReadReport("sequential", "")
        self._container = Container(film, self.report, strict=strict)
        try:
            self._prepare(film, sampling, size, policy, begin)
        except BaseException:
            self.close()
            raise

    def _prepare(self, film: FilmFile, sampling: Sampling, size: Size, policy: str, begin: Begin) -> None:
        container = self._container
        targets = wanted_times(film.where, sampling, container.duration)
        self.report.policy, self.report.reason = choose_policy(container, targets, policy, begin)
        self._walk = Walk(container, targets, self.report, begin)
        first = self._walk.peek()
        if first is None:
            raise SourceError(f"{film.where} holds no picture that can be decoded: check that it plays")
        container.start_at_first_picture()
        self._aspect = container.pixel_aspect()
        self._turn = frame_turn(first)
        self._converter = Converter()
        shown = self._shown(first)
        self.sizer = Sizer(size, shown)
        self.info = FilmInfo(
            name=film.name,
            kind="film",
            container=_container_name(container.format, film.name),
            codec=container.codec,
            duration=container.duration,
            width=shown[1],
            height=shown[0],
            coded_size=(first.width, first.height),
            rotation=self._turn.degrees,
            frame_rate=container.frame_rate,
            frames=container.frame_count,
            damage=container.damage,
        )
        self.expected = frames_wanted(targets, container.duration, container.frame_rate)

    def _shown(self, frame: av.VideoFrame) -> tuple[int, int]:
        return displayed_size(frame.height, frame.width, self._aspect, self._turn)

    def pictures(self) -> Iterator[Picked[Tensor]]:
        for picked in self._walk:
            pixels = self._turn.apply(self._converter.to_rgb(picked.item))
            resized = self.sizer.resize(pixels, self._shown(picked.item))
            yield Picked(picked.seconds, resized, picked.times)
        self.missing = self._walk.missing

    def close(self) -> None:
        self._container.close()


def _container_name(names: str, film: str) -> str:
    """One of FFmpeg's names for a container ("mov,mp4,m4a"): the one that the film's name ends with."""
    every = names.split(",")
    ending = film.rsplit(".", 1)[-1].lower()
    return ending if ending in every else every[0]
