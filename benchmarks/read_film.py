"""What reading a long film costs, beside plain PyAV and OpenCV, and whether the frames are the right ones.

Every frame of the film carries its number. Each way of reading runs in a process of its own.

    python benchmarks/read_film.py --minutes 45 --repeats 3 --result docs/results/read-film.json

OpenCV (`pip install opencv-python-headless`) is measured if it is there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import numpy as np

from memory_peak import peak, reset_peak
from provenance import provenance, show_and_store

FPS = 30
HEIGHT, WIDTH = 360, 640
SIDE = 224
BITS = 17
KEYFRAMES_APART = 250
COUNT = 256
NOTE = (
    "Medians of several runs, turn by turn, on one core; seconds of the wall count what else the machine "
    "does too. A film's own index, which FFmpeg keeps in memory, grows with its length."
)
WANTED = ("1 frame per second", f"{COUNT} frames, evenly")
Numbered = Iterator[tuple[float, np.ndarray]]


def write_film(path: Path, minutes: float) -> None:
    """Drifting noise with a cut every seven seconds; the lowest quarter is the number in black and white."""
    chance = np.random.default_rng(0)
    scenes = [chance.integers(0, 256, (HEIGHT // 8, WIDTH // 4, 3), np.uint8) for _ in range(16)]
    scenes = [scene.repeat(8, 0).repeat(8, 1) for scene in scenes]
    columns = np.arange(WIDTH) * BITS // WIDTH
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.height, stream.width = HEIGHT, WIDTH
        stream.pix_fmt, stream.gop_size = "yuv420p", KEYFRAMES_APART
        for number in range(round(minutes * 60 * FPS)):
            shift = 2 * number % WIDTH
            picture = np.ascontiguousarray(scenes[number // (7 * FPS) % 16][:, shift : shift + WIDTH])
            picture[HEIGHT * 3 // 4 :] = 255 * ((number >> columns) & 1).astype(np.uint8)[:, None]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def number_in(picture: np.ndarray) -> int:
    """The number that a picture (H, W, 3) carries."""
    row = picture[int(picture.shape[0] * 0.85) : int(picture.shape[0] * 0.95)].mean((0, 2))
    cells = [cell[len(cell) // 4 : -len(cell) // 4].mean() for cell in np.array_split(row, BITS)]
    return sum(1 << bit for bit, value in enumerate(cells) if value > 127)


def wanted_frames(wanted: str, minutes: float) -> list[int]:
    """Numbers of the frames that are on screen at the wanted times."""
    seconds = minutes * 60
    if wanted == WANTED[0]:
        return [second * FPS for second in range(int(seconds))]
    return [int((index + 0.5) * seconds / COUNT * FPS) for index in range(COUNT)]


def with_longreel(policy: str) -> Callable[[Path, str, list[int]], Numbered]:
    """Our reader; `policy` as in `open_film`."""
    # A process measures one way of reading only and should not carry the others.
    from longreel.video.reader import open_film
    from longreel.video.sampling import Sampling

    def read(path: Path, wanted: str, numbers: list[int]) -> Numbered:
        sampling = Sampling(fps=1.0) if wanted == WANTED[0] else Sampling(count=COUNT)
        with open_film(path, sampling=sampling, size=(SIDE, SIDE), policy=policy) as stream:  # type: ignore[arg-type]
            for block in stream:
                for seconds, pixels in zip(block.seconds.tolist(), block.pixels, strict=True):
                    yield seconds, pixels.permute(1, 2, 0).numpy()

    return read


def with_pyav(path: Path, wanted: str, numbers: list[int]) -> Numbered:
    """Decode every frame, take those with the right numbers in the order of decoding."""
    from PIL import Image

    chosen = set(numbers)
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in chosen:
                image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
                picture = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
                yield number / FPS, np.asarray(picture)


def with_opencv(path: Path, wanted: str, numbers: list[int]) -> Numbered:
    """Grab every frame, retrieve those with the right numbers."""
    import cv2

    chosen = set(numbers)
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        if number in chosen:
            picture = capture.retrieve()[1]
            small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            yield number / FPS, cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        number += 1
    capture.release()


WAYS: dict[str, Callable[[], Callable[[Path, str, list[int]], Numbered]]] = {
    "longreel": lambda: with_longreel("auto"),
    "longreel, jumping": lambda: with_longreel("seek"),
    "longreel, in order": lambda: with_longreel("sequential"),
    "PyAV": lambda: with_pyav,
    "OpenCV": lambda: with_opencv,
}


def measure(way: str, path: Path, wanted: str, minutes: float) -> dict[str, Any]:
    """Read once, in this process: seconds, peak memory above what the imports took, wrong frames."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    numbers = wanted_frames(wanted, minutes)
    read = WAYS[way]()
    if way == "OpenCV":
        import cv2  # noqa: F401 - its size is not the reader's
    before = reset_peak()
    started, cpu = time.perf_counter(), _cpu()
    got = [number_in(picture) for _, picture in read(path, wanted, numbers)]
    return {
        "cpu_seconds": _cpu() - cpu,
        "wall_seconds": time.perf_counter() - started,
        "peak_mib": (peak() - before) / 2**20,
        "frames": len(got),
        "wrong": sum(a != b for a, b in zip(got, numbers, strict=False)) + abs(len(got) - len(numbers)),
    }


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def in_a_process(way: str, path: Path, wanted: str, minutes: float) -> dict[str, Any]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--one", way, wanted, str(path), "--minutes", str(minutes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of several runs; wrong frames are added up."""
    costs = ("cpu_seconds", "wall_seconds", "peak_mib")
    medians = {name: round(statistics.median(run[name] for run in runs), 2) for name in costs}
    return {**medians, "frames": runs[0]["frames"], "wrong": sum(run["wrong"] for run in runs)}


def compare(path: Path, minutes: float, repeats: int) -> list[dict[str, Any]]:
    """Every way for both wishes, turn by turn, so that none has the quiet hours of the machine."""
    rows = []
    ways = [way for way in WAYS if way != "OpenCV" or find_spec("cv2")]
    for wanted in WANTED:
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way in ways:
                runs[way].append(in_a_process(way, path, wanted, minutes))
        base = median_of(runs["PyAV"])["cpu_seconds"]
        for way in ways:
            costs = median_of(runs[way])
            share = round(costs["cpu_seconds"] / base, 3)
            rows.append({"wanted": wanted, "way": way, **costs, "cpu_of_pyav": share})
    return rows


def main() -> None:
    """Print one JSON object and store it if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=45.0)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--result", type=Path)
    arguments.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    settings = arguments.parse_args()
    if settings.one:
        way, wanted, path = settings.one
        print(json.dumps(measure(way, Path(path), wanted, settings.minutes)))
        return
    with tempfile.TemporaryDirectory() as folder:
        lengths = [settings.minutes / 9, settings.minutes / 3, settings.minutes]
        films = [Path(folder) / f"film-{number}.mp4" for number in range(len(lengths))]
        for film, minutes in zip(films, lengths, strict=True):
            write_film(film, minutes)
        flat = [
            {"minutes": round(minutes, 2), **in_a_process("longreel", film, WANTED[0], minutes)}
            for film, minutes in zip(films, lengths, strict=True)
        ]
        report = {
            "task": "read film",
            **provenance("read_film.py", sys.argv[1:]),
            "film": f"{settings.minutes:g} min, {WIDTH}x{HEIGHT}, {FPS} fps, H.264, a keyframe at least "
            f"every {KEYFRAMES_APART} frames; read as {SIDE}x{SIDE}",
            "film_bytes": films[-1].stat().st_size,
            "opencv": version("opencv-python-headless") if find_spec("cv2") else None,
            "repeats": settings.repeats,
            "note": NOTE,
            "rows": compare(films[-1], settings.minutes, settings.repeats),
            "peak_by_length": [
                {
                    "minutes": row["minutes"],
                    "peak_mib": round(row["peak_mib"], 1),
                    "frames": row["frames"],
                    "wrong": row["wrong"],
                }
                for row in flat
            ],
        }
    show_and_store(report, settings.result)


if __name__ == "__main__":
    main()
