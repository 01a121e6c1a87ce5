"""Needles in any film: how answers depend on the depth at which a needle lies and on the frames around it.

After V-NIAH (specs/benchmarks.md, section 8): of N frames of the haystack, the needle stands behind the first
int(depth * N), so that one more frame is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from longreel.errors import UsageError
from longreel.evaluate.composition import Composition
from longreel.evaluate.items import Clip, Fits
from longreel.evaluate.needles import Needle
from longreel.video.reader import digest, probe

_MAX_NEW_TOKENS = 32


@dataclass(frozen=True)
class HaystackTask:
    """Every needle at every depth of stretches of a film that begin with it.

    lengths: frames of the stretches. depths: shares of them, 0 to 1. fps: frames per second of the film; None
    spreads the frames of the longest stretch over all of the film.

    Raises:
        SourceError: the film cannot be read.
        UsageError: a depth or length is out of range.
    """

    film: Path
    needles: tuple[Needle, ...]
    lengths: tuple[int, ...]
    depths: tuple[float, ...]
    fps: float | None = None
    name: str = "needle"

    def __post_init__(self) -> None:
        for depth in self.depths:
            if not 0 <= depth <= 1:
                raise UsageError(f"depth {depth:g} is outside the film: give shares from 0 to 1")
        for length in self.lengths:
            if length < 1:
                raise UsageError(f"--lengths {length} is no number of frames: give whole numbers from 1 on")
        if self.fps is not None and not self.fps > 0:
            raise UsageError(f"fps={self.fps:g} is no frame rate: give a number above 0")
        most = int(self._duration / self.step + 1e-6)
        if max(self.lengths) > most:
            raise UsageError(
                f"{self.film} has {most:,} frames at fps={self.fps:g}, fewer than {max(self.lengths):,}: "
                "give a longer film, a higher --fps or shorter --lengths"
            )

    @cached_property
    def _duration(self) -> float:
        info = probe(self.film)
        if info.kind == "images" or not info.duration:
            raise UsageError(f"{self.film} is no film of known length: name one as haystack")
        return info.duration

    @property
    def step(self) -> float:
        """Seconds between frames."""
        return self._duration / max(self.lengths) if self.fps is None else 1 / self.fps

    def settings(self) -> dict[str, Any]:
        """See `Task`. Files are known by their content."""
        return {
            "haystack": digest(self.film),
            "needles": [
                {
                    "content": digest(each.path),
                    "frames": each.frames,
                    "prompt": each.prompt,
                    "gold": each.gold,
                }
                for each in self.needles
            ],
            "lengths": list(self.lengths),
            "depths": list(self.depths),
            "step": self.step,
        }

    def items(self) -> list[HaystackItem]:
        """See `Task`."""
        return [
            HaystackItem(self, length, depth, number)
            for length in self.lengths
            for depth in self.depths
            for number in range(len(self.needles))
        ]


@dataclass(frozen=True)
class HaystackItem:
    """A needle at a depth of a stretch; see `Item`."""

    task: HaystackTask
    length: int
    depth: float
    number: int

    @property
    def needle(self) -> Needle:
        """What is hidden."""
        return self.task.needles[self.number]

    @property
    def key(self) -> str:
        """See `Item`."""
        return f"{self.length}-frames-depth-{self.depth:g}-needle-{self.number + 1}"

    def clip(self, place: Path) -> Clip:
        """See `Item`; nothing is written."""
        step = self.task.step
        times = tuple((number + 0.5) * step for number in range(self.length))
        composed = Composition(self.task.film, times, step, self.needle, int(self.depth * self.length))
        return Clip(composed, seconds=composed.seconds)

    def questions(self) -> list[HaystackAsked]:
        """See `Item`."""
        return [HaystackAsked(self)]


@dataclass(frozen=True)
class HaystackAsked:
    """The question about a needle; see `Asked`."""

    item: HaystackItem
    max_new_tokens: int = _MAX_NEW_TOKENS

    def wording(self, fits: Fits) -> str | None:
        """See `Asked`."""
        prompt = self.item.needle.prompt
        return prompt if fits(prompt) else None

    def record(self, answer: str) -> dict[str, Any]:
        """See `Asked`; `letter` is what was read, `begins` the other way of scoring, see `Needle.begins`."""
        item, needle = self.item, self.item.needle
        return {
            "family": "needle",
            "question": needle.prompt,
            "gold": needle.gold,
            "answer": answer,
            "right": needle.is_right(answer),
            "begins": needle.begins(answer),
            **({"letter": needle.letter(answer)} if needle.options else {}),
            "tags": {
                "asked": "options" if needle.options else "free",
                "needle": f"{item.number + 1} {needle.path.name}",
                "film length": f"{item.length} frames",
                "depth": f"{item.depth:g}",
            },
        }
