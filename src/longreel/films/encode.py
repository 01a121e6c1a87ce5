"""Drawn films as files: an H.264 mp4 and its truth."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.video.stream import VideoStream

from longreel.errors import LongreelError
from longreel.files import atomic_file
from longreel.films.renderer import FilmRenderer
from longreel.films.scenes import Film, draw_film
from longreel.films.truth import load_truth, truth_json
from longreel.interrupts import held_back_interrupts
from longreel.progress import ProgressCallback, StageClock
from longreel.video.reader import probe

_SECONDS_BETWEEN_KEYFRAMES = 5
_FRAMES_PER_REPORT = 50
# The same pictures give the same bytes. More than one thread makes them depend on the machine, and with
# macroblock trees x264 was seen to write different files from the same pictures even on one thread.
REPEATABLE_H264 = {"preset": "veryfast", "crf": "23", "threads": "1", "x264-params": "no-mbtree=1"}


@dataclass(frozen=True)
class FilmPaths:
    """A film file, the JSON file that says what it shows, and whether they were there already."""

    film: Path
    truth: Path
    kept: bool = False


def make_film(
    folder: str | os.PathLike[str],
    seconds: float,
    seed: int,
    *,
    split: str = "train",
    size: tuple[int, int] = (192, 128),
    fps: float = 10.0,
    progress: ProgressCallback | None = None,
) -> FilmPaths:
    """Draw film `seed` into `folder` (made if missing), unless the very same film is there already.

    Raises:
        UsageError: as `draw_film`.
        LongreelError: the folder or the film cannot be written.
    """
    film = draw_film(seed, seconds, split=split, size=size, fps=fps)
    path = Path(folder) / f"film-{seed}.mp4"
    if is_made(film, path):
        return FilmPaths(path, path.with_suffix(".json"), kept=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LongreelError(
            f"{folder} cannot be made: {error.strerror or error}; name another folder"
        ) from None
    return write_film(film, path, progress)


def is_made(film: Film, path: Path) -> bool:
    """Whether `path` is this very film, whole, with its truth beside it."""
    try:
        return load_truth(path.with_suffix(".json")) == film and probe(path).frames == _frames(film)
    except LongreelError:
        return False


def _frames(film: Film) -> int:
    return max(1, round(film.seconds * film.fps))


def write_film(
    film: Film, path: str | os.PathLike[str], progress: ProgressCallback | None = None
) -> FilmPaths:
    """Render to `path` (mp4) and write the truth beside it with the suffix .json.

    Both files appear whole, the truth last; on failure or Ctrl-C neither does. Progress counts frames.

    Raises:
        LongreelError: a file cannot be written, for example because the disk is full.
    """
    target = Path(path)
    paths = FilmPaths(target, target.with_suffix(".json"))
    if paths.truth == paths.film:
        raise LongreelError(f"{target} is the name of the truth file: name a film, such as film.mp4")
    try:
        with ExitStack() as files:
            truth = files.enter_context(atomic_file(paths.truth))
            truth.write(truth_json(film))
            # A full disk shows here, not when the film is in place already.
            truth.flush()
            _encode(film, files.enter_context(atomic_file(paths.film)), progress)
            with held_back_interrupts():
                files.close()
    except (OSError, av.FFmpegError) as error:
        # What goes wrong while PyAV writes comes as an error of its own, without the system's reason.
        reason = "the disk may be full" if isinstance(error, av.FFmpegError) else error.strerror or error
        raise LongreelError(
            f"{target} cannot be written: {reason}; make room or name another place"
        ) from None
    return paths


def _encode(film: Film, file: BinaryIO, progress: ProgressCallback | None) -> None:
    count = _frames(film)
    clock = StageClock(progress, "draw", count)
    renderer = FilmRenderer(film)
    with av.open(file, "w", format="mp4") as container:
        stream = _stream(container, film)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(renderer.frame(number / film.fps), format="rgb24")
            container.mux(stream.encode(frame))
            if number % _FRAMES_PER_REPORT == 0:
                clock.report(number)
        container.mux(stream.encode())
    clock.report(count)


def _stream(container: av.container.OutputContainer, film: Film) -> VideoStream:
    keyframes = max(1, round(_SECONDS_BETWEEN_KEYFRAMES * film.fps))
    rate = Fraction(film.fps).limit_denominator(1001)
    stream = container.add_stream("libx264", rate=rate, options={**REPEATABLE_H264, "g": str(keyframes)})
    stream.width, stream.height = film.size
    # Colour at half the resolution, which every player knows, needs sides that can be halved.
    stream.pix_fmt = "yuv444p" if any(side % 2 for side in film.size) else "yuv420p"
    return stream
