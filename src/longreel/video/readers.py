"""What every reader of a source has in common: wanted times, and pictures of one size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor

from longreel.errors import UsageError
from longreel.video.picture import Size, fit, wanted_size
from longreel.video.report import FilmInfo, ReadReport
from longreel.video.sampling import Sampling
from longreel.video.selection import Picked
from longreel.video.targets import Targets, plan_targets

# Times a little behind the end, as players show them, mean the last frame.
END_SLACK = 0.5


class Reader(Protocol):
    """What `FilmStream` reads from.

    missing: wanted times without a readable frame, complete once `pictures` has ended.
    sizer: what brings pictures to one size.
    """

    where: str
    info: FilmInfo
    report: ReadReport
    expected: int | None
    missing: int
    sizer: Sizer

    def pictures(self) -> Iterator[Picked[Tensor]]:
        """Wanted frames, uint8 (3, H, W), all of one size."""

    def close(self) -> None:
        """Let go of files."""


class Sizer:
    """Brings pictures to the size that the first one decides."""

    def __init__(self, size: Size, shown: tuple[int, int]) -> None:
        self._first = shown
        self.resize_to(size)

    def resize_to(self, size: Size) -> None:
        """From now on, bring them to another size."""
        self._wanted = wanted_size(size, *self._first)

    def resize(self, pixels: Tensor, shown: tuple[int, int]) -> Tensor:
        return fit(pixels, shown, self._first, self._wanted)


def wanted_times(where: str, sampling: Sampling, duration: float | None) -> Targets:
    """The wanted times.

    Raises:
        UsageError: they lie behind the end, or need a length that is unknown.
    """
    if duration is not None:
        _check_inside(where, sampling, duration)
    try:
        return plan_targets(sampling, duration)
    except ValueError:
        name = "count" if sampling.count is not None else "max_frames"
        raise UsageError(f"{where}: {name}= needs a known length: give end= too, or fps= instead") from None


def _check_inside(where: str, sampling: Sampling, duration: float) -> None:
    if sampling.start is not None and sampling.start > 0 and sampling.start >= duration:
        raise UsageError(f"start={sampling.start:g} lies behind the end of {where} ({duration:.2f} s)")
    for time in sampling.seconds or ():
        if time > duration + END_SLACK:
            raise UsageError(f"seconds={time:g} lies behind the end of {where} ({duration:.2f} s)")
