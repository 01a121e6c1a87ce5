"""Drawn films as files: an H.264 mp4 and its truth."""

from __future__ import annotations

import os
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
from longreel.progress import ProgressCallback, StageClock

_SECONDS_BETWEEN_KEYFRAMES = 5
_FRAMES_PER_REPORT = 50


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
    if _is_made(film, path):
        return FilmPaths(path, path.with_suffix(".json"), kept=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LongreelError(
            f"{folder} cannot be made: {error.strerror or error}; name another folder"
        ) from None
    return write_film(film, path, progress)


def _is_made(film: Film, path: Path) -> bool:
    try:
        return path.stat().st_size > 0 and load_truth(path.with_suffix(".json")) == film
    except (OSError, LongreelError):
        return False


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
        with atomic_file(paths.truth) as truth:
            truth.write(truth_json(film))
            with atomic_file(paths.film) as file:
                _encode(film, file, progress)
    except OSError as error:
        raise LongreelError(
            f"{target} cannot be written: {error.strerror or error}; make room or name another place"
        ) from None
    return paths


def _encode(film: Film, file: BinaryIO, progress: ProgressCallback | None) -> None:
    count = max(1, round(film.seconds * film.fps))
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
    """One thread, so that the bytes do not depend on the machine's number of cores."""
    keyframes = max(1, round(_SECONDS_BETWEEN_KEYFRAMES * film.fps))
    options = {"preset": "veryfast", "crf": "23", "g": str(keyframes), "threads": "1"}
    rate = Fraction(film.fps).limit_denominator(1001)
    stream = container.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height = film.size
    stream.pix_fmt = "yuv420p"
    return stream
