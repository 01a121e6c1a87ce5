"""The way through a film: decode on, or jump past the next keyframe."""

from __future__ import annotations

import math
from collections.abc import Iterator

import av
import av.error

from longreel.video.container import Container, Damaged
from longreel.video.report import Policy, ReadReport
from longreel.video.selection import Picked, Selection
from longreel.video.targets import Begin, Listed, Targets

_MOST_ATTEMPTS = 4
_ROUNDING = 0.001
# With so many wanted times per keyframe there is next to nothing to skip (benchmarks/read_film.py).
_DENSE = 0.25
# A reading that starts so late into the film jumps there, however dense it is from then on.
_WORTH_A_JUMP = 5.0
# How far the file's length may lie behind the last frame (longer sound, rounding) without being damage.
_SLACK = 0.5


def choose_policy(container: Container, targets: Targets, forced: str, begin: Begin) -> tuple[Policy, str]:
    """The way to read, and why: jump if a keyframe lies, on average, between two wanted times."""
    spacing = targets.spacing()
    if forced == "sequential":
        return "sequential", "asked for by the caller"
    first = max(targets.at(0) or 0.0, begin.seconds)
    if forced == "auto" and spacing < 2 * container.step and first < _WORTH_A_JUMP:
        return "sequential", "nearly every frame is wanted"
    keyframes = container.look_at_keyframes()
    if not keyframes.timed:
        return "sequential", "the file does not tell when its packets are shown"
    if forced == "seek":
        return "seek", "asked for by the caller"
    facts = f"wanted times are {_words(spacing)} apart, keyframes {_words(keyframes.distance)}"
    # With an index a jump is made only where it skips something; without, only the mean tells.
    enough = keyframes.distance * (1 if keyframes.times is None else _DENSE)
    return ("seek" if spacing > enough else "sequential"), facts


def _words(seconds: float) -> str:
    return "infinitely far" if math.isinf(seconds) else f"{seconds:.2f} s"


class Walk:
    """Iterates over the wanted frames of a film.

    After it has ended, `missing` says how many wanted times had no readable frame.
    """

    def __init__(self, container: Container, targets: Targets, report: ReadReport, begin: Begin) -> None:
        self._tolerance = min(_ROUNDING, 0.6 * container.tick, 0.25 * container.step)
        self._container = container
        self._targets = targets
        self._picks: Selection[av.VideoFrame] = Selection(targets, self._tolerance, begin)
        self._jumps = report.policy == "seek"
        self._can_land = True
        self._jumped: float | None = None
        self._frames = container.frames()
        self._pending: tuple[float, av.VideoFrame] | None = None
        # Frames up to here have been seen; they come again where a jump lands before them.
        self._floor = -math.inf
        self.missing = 0
        self._lost = 0

    def peek(self) -> av.VideoFrame | None:
        """The first frame of the film; None if none can be decoded."""
        self._pending = self._next()
        self._floor = -math.inf
        return self._pending[1] if self._pending else None

    def __iter__(self) -> Iterator[Picked[av.VideoFrame]]:
        last: av.VideoFrame | None = None
        while (decoded := self._next()) is not None:
            self._look_for_gap(last, decoded[0])
            seconds, last = decoded
            picked = self._picks.offer(seconds, last)
            if picked is not None:
                yield picked
            wanted = self._picks.wanted
            if wanted is None:
                return
            if wanted > seconds and self._worth_a_jump(seconds, wanted):
                self._jump(wanted)
        if last is not None:
            yield from self._finish(last)

    def _look_for_gap(self, last: av.VideoFrame | None, seconds: float) -> None:
        """Count wanted times at which the film would have had frames of its own, had they been readable."""
        held = self._picks.held
        if last is None or held is None or not self._targets.unique:
            return
        length = self._told_length(last)
        begun = held + length
        if seconds < begun + 0.5 * length:
            return
        before, own, after = (self._targets.before(time - self._tolerance) for time in (held, begun, seconds))
        # A frame that nobody wanted in its own time is given in place of the first one lost.
        stands_in = own == before and after > own
        self._lost += min(after - own, round((seconds - begun) / length)) - stands_in

    def _next(self) -> tuple[float, av.VideoFrame] | None:
        """The next decoded frame behind those seen; past damage, with a decoder that bears it."""
        while True:
            try:
                decoded, self._pending = self._pending or next(self._frames, None), None
            except Damaged as damage:
                self._go_on_tolerantly(str(damage))
                continue
            if decoded is None or decoded[0] > self._floor:
                self._floor = decoded[0] if decoded else self._floor
                return decoded

    def _go_on_tolerantly(self, cause: str) -> None:
        place = f"damaged behind {max(self._floor, 0.0):.2f} s"
        self._container.warn(f"{place} ({cause}): pictures from there on may be wrong or left out")
        self._container.reopen(careful=False)
        self._frames = self._container.frames()
        if self._floor > _WORTH_A_JUMP:
            self._land(self._floor)

    def _worth_a_jump(self, now: float, wanted: float) -> bool:
        if not self._can_land or wanted == self._jumped or not (self._jumps or not self._picks.begun):
            return False
        return self._container.keyframe_between(now, wanted)

    def _jump(self, wanted: float) -> None:
        # Once is enough: without an index, the distance alone would tell to jump again and again.
        self._jumped = wanted
        try:
            landed = self._land(wanted)
        except Damaged as damage:
            self._go_on_tolerantly(str(damage))
            return
        if landed and self._pending and self._pending[0] > self._floor:
            self._picks.drop()

    def _land(self, wanted: float) -> bool:
        """Go to a keyframe not later than `wanted`; where that fails, to the beginning, for good."""
        keyframes = self._container.look_at_keyframes()
        goal = wanted
        for attempt in range(_MOST_ATTEMPTS if keyframes.timed else 0):
            try:
                self._container.seek(goal)
                self._frames = self._container.frames()
                first = next(self._frames, None)
            except (av.error.FFmpegError, OSError, OverflowError):
                break
            if first is None:
                break
            if first[0] <= wanted + self._tolerance:
                self._pending = first
                return True
            # Pictures shown before a keyframe may belong to the one before it.
            goal -= max(8 * self._container.step, keyframes.distance * (attempt + 0.5))
            if goal <= 0:
                break
        self._can_land = False
        self._container.reopen(careful=self._container.careful)
        self._frames = self._container.frames()
        return False

    def _finish(self, last: av.VideoFrame) -> Iterator[Picked[av.VideoFrame]]:
        """The film has ended: give the last frame if it is wanted, and compare with what was expected."""
        begun = self._picks.held or 0.0
        length = self._length(last)
        end = begun + length
        slack = max(length, _SLACK)
        rounding = min(0.25 * length, 2 * _ROUNDING)
        # A grid goes on as long as the film; times given one by one may lie a little behind its end.
        reach = end - rounding if self._targets.unique else end + slack
        picked = self._picks.finish(reach)
        if picked is not None:
            yield picked
        self._compare(end, slack)

    def _compare(self, end: float, slack: float) -> None:
        told = self._container.duration
        if isinstance(self._targets, Listed):
            self.missing = self._picks.missing(math.inf)
        elif told is not None and told > end + slack:
            # A film cannot give more frames than it has, however fine the grid.
            self.missing = min(self._picks.missing(told), round((told - end) / self._container.step))
        if told is not None and told > end + max(slack, 2 * self._container.step):
            self._container.warn(
                f"its frames end at {end:.2f} s, though the file says {told:.2f} s: it may be cut short"
            )
        elif self.missing:
            self._container.warn(f"{self.missing} of the wanted times lie behind its end at {end:.2f} s")
        # Without damage, a picture that stays long is what the film shows.
        if self._lost and self._container.disturbed:
            self.missing += self._lost
            self._container.warn(f"{self._lost} of the wanted frames inside the film could not be read")

    def _length(self, frame: av.VideoFrame) -> float:
        return self._told_length(frame, self._picks.step)

    def _told_length(self, frame: av.VideoFrame, otherwise: float = 0.0) -> float:
        ticks = getattr(frame, "duration", None)
        if ticks and ticks > 0 and frame.time_base:
            return float(ticks * frame.time_base)
        return otherwise or self._container.step
