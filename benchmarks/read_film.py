"""How long reading a film takes, jumping from keyframe to keyframe or decoding everything.

Makes a film once, reads it by both policies at several densities, compares the frames, and prints JSON.

    python benchmarks/read_film.py --minutes 10
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import torch

from longreel.video.reader import open_film
from longreel.video.sampling import Sampling

SIZE = (360, 640)
FPS = 30
DENSITIES = {
    "2 fps": Sampling(fps=2.0),
    "1 fps": Sampling(fps=1.0),
    "256 frames": Sampling(count=256),
    "64 frames": Sampling(count=64),
    "8 frames": Sampling(count=8),
}


def write_film(path: Path, minutes: float, gop: int) -> None:
    """A film of drifting noise with a cut every seven seconds."""
    chance = np.random.default_rng(0)
    height, width = SIZE
    scenes = [chance.integers(0, 256, (height // 8, width // 4, 3), np.uint8) for _ in range(16)]
    scenes = [scene.repeat(8, 0).repeat(8, 1) for scene in scenes]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.height, stream.width = SIZE
        stream.pix_fmt, stream.gop_size = "yuv420p", gop
        for number in range(round(minutes * 60 * FPS)):
            shift = 2 * number % width
            picture = np.ascontiguousarray(scenes[number // (7 * FPS) % 16][:, shift : shift + width])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def measure(path: Path, sampling: Sampling, policy: Literal["auto", "sequential", "seek"]) -> dict[str, Any]:
    """Seconds, work and a digest of all frames for one way of reading."""
    content = hashlib.sha256()
    wall, cpu = time.perf_counter(), time.process_time()
    with open_film(path, sampling=sampling, size=(224, 224), policy=policy) as stream:
        for block in stream:
            content.update(block.pixels.numpy().tobytes())
            content.update(block.seconds.numpy().tobytes())
    return {
        "policy": stream.report.policy,
        "reason": stream.report.reason,
        "wall_seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "frames": stream.report.got,
        "decoded": stream.report.decoded,
        "seeks": stream.report.seeks,
        "sha256": content.hexdigest()[:16],
    }


def compare(path: Path) -> list[dict[str, Any]]:
    """Both policies, and the one chosen, for every density."""
    rows = []
    for name, sampling in DENSITIES.items():
        ways = [measure(path, sampling, policy) for policy in ("sequential", "seek")]
        chosen = measure(path, sampling, "auto")
        rows.append(
            {
                "frames_wanted": name,
                "sequential": ways[0],
                "seek": ways[1],
                "chosen": chosen["policy"],
                "reason": chosen["reason"],
                "seek_is_faster_by": round(ways[0]["cpu_seconds"] / ways[1]["cpu_seconds"], 2),
                "same_frames": ways[0]["sha256"] == ways[1]["sha256"] == chosen["sha256"],
            }
        )
    return rows


def main() -> None:
    """Print one JSON object."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--gop", type=int, default=250)
    settings = arguments.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(path, settings.minutes, settings.gop)
        facts = {
            "film": f"{settings.minutes:g} min, {SIZE[1]}x{SIZE[0]}, {FPS} fps, H.264, GOP <= {settings.gop}",
            "bytes": path.stat().st_size,
            "machine": platform.machine(),
            "python": platform.python_version(),
            "av": av.__version__,
            "rows": compare(path),
        }
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
