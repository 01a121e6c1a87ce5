"""Films cut into clips of equal length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from longreel.errors import SourceError, UsageError
from longreel.video.frames import Frames
from longreel.video.picture import Size
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling

# What is shorter has little to show, and belongs to the clip before.
SHORTEST_CLIP = 1.0


@dataclass(frozen=True)
class Clip:
    """A part of a film in seconds; number: its place, from 0."""

    number: int
    start: float
    end: float


def cut(seconds: float, length: float) -> tuple[Clip, ...]:
    """Clips of `length` that follow each other from 0 on.

    The last one is as long as what is left, with which a rest of less than `SHORTEST_CLIP` goes to the clip
    before it.
    """
    count = max(1, int(seconds // length) + (seconds % length >= SHORTEST_CLIP))
    ends = [*((number + 1) * length for number in range(count - 1)), seconds]
    return tuple(Clip(number, number * length, end) for number, end in enumerate(ends))


def clip_frames(film: Path, clip: Clip, count: int, size: Size = None) -> Frames:
    """Frames spread evenly over a clip, at most `count`, each once; their times count from its start.

    Raises:
        SourceError: nothing of it can be read.
    """
    sampling = Sampling(count=count, start=clip.start, end=clip.end)
    try:
        with open_film(film, sampling=sampling, size=size) as stream:
            blocks = list(stream)
    except UsageError as error:
        # The film is shorter than its file tells.
        raise SourceError(f"{film} has nothing from {clip.start:g} s on ({error}): copy it again") from error
    seconds = torch.cat([block.seconds for block in blocks])
    first = torch.cat([torch.tensor([True]), seconds.diff() > 0])
    return Frames(torch.cat([block.pixels for block in blocks])[first], seconds[first] - clip.start)
