"""Draw the README's picture: a film, questions, the default model's answers and the spans they rest on.

    python benchmarks/draw_strip.py --seed 20261121 --out docs/strip.png

The film is drawn from the seed and watched at 16x; the questions are the first that the generator draws of
each family, right or wrong.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from PIL import Image

import longreel
from longreel.answer import Answer
from longreel.cli.answering import clock
from longreel.files import atomic_file
from longreel.films.encode import make_film
from longreel.films.question import Question
from longreel.films.questions import draw_questions, is_right
from longreel.films.truth import load_truth
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling

SECONDS = 60.0
FAMILIES = ("colour", "place", "action")
FRAMES = 10
INK, FAINT, MARK = "#1b1b1f", "#c9c9d1", "#d6336c"


@dataclass(frozen=True)
class Asked:
    """A question with the answer that was given."""

    question: Question
    answer: Answer


def watch_and_ask(seed: int, folder: Path) -> tuple[Path, list[Asked]]:
    """Draw, watch at 16x, save, reopen and ask."""
    paths = make_film(folder, SECONDS, seed, split="unseen-combinations")
    model = longreel.load(keep=1 / 16)
    model.watch(paths.film).save(folder / "film.memory")
    memory = model.open(folder / "film.memory")
    drawn = draw_questions(load_truth(paths.truth), FAMILIES, 1, seed=seed)
    return paths.film, [Asked(question, model.ask(memory, question.text)) for question in drawn]


def frames_at(film: Path, seconds: Sequence[float]) -> list[np.ndarray]:
    """The pictures on screen at these times, (H, W, 3)."""
    with open_film(film, sampling=Sampling(seconds=tuple(seconds))) as stream:
        return [pixels.permute(1, 2, 0).numpy() for block in stream for pixels in block.pixels]


def draw(film: Path, asked: list[Asked]) -> Figure:
    """The strip of frames with the timeline, then a row for each question."""
    figure = Figure(figsize=(11, 1.35 + 1.25 * len(asked)), dpi=130, facecolor="white")
    grid = GridSpec(
        1 + len(asked), 1, figure=figure, left=0.02, right=0.98, top=0.98, bottom=0.05, hspace=0.18
    )
    _strip(figure.add_subplot(grid[0]), film)
    for row, each in enumerate(asked, 1):
        _row(figure.add_subplot(grid[row]), film, each)
    return figure


def _strip(axes: Any, film: Path) -> None:
    times = [(number + 0.5) * SECONDS / FRAMES for number in range(FRAMES)]
    for time, picture in zip(times, frames_at(film, times), strict=True):
        half = 0.47 * SECONDS / FRAMES
        axes.imshow(picture, extent=(time - half, time + half, 0.22, 1.0), aspect="auto")
        axes.text(time, 0.06, clock(time), ha="center", va="center", fontsize=8, color=INK)
    axes.set(xlim=(0, SECONDS), ylim=(0, 1.02))
    axes.axis("off")


def _row(axes: Any, film: Path, asked: Asked) -> None:
    question, answer = asked.question, asked.answer
    axes.set(xlim=(0, SECONDS), ylim=(0, 1))
    axes.axis("off")
    axes.plot([0, SECONDS], [0.2, 0.2], color=FAINT, lw=4, solid_capstyle="round")
    if answer.evidence:
        best = answer.evidence[0]
        axes.plot([best.start, best.end], [0.2, 0.2], color=MARK, lw=7, solid_capstyle="butt")
        middle = (best.start + best.end) / 2
        axes.text(
            middle, 0.0, f"{clock(best.start)} to {clock(best.end)}", ha="center", fontsize=8, color=MARK
        )
        (picture,) = frames_at(film, [middle])
        axes.imshow(picture, extent=(SECONDS * 0.875, SECONDS * 0.995, 0.32, 1.0), aspect="auto")
    mark = "✓" if is_right(question, answer.text) else f"✗ ({question.answer})"
    axes.text(0.3, 0.82, question.text, fontsize=11, color=INK, va="center", weight="bold")
    axes.text(0.3, 0.5, f"{answer.text}  {mark}", fontsize=11, color=INK, va="center")


def main() -> None:
    """Write the picture."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=20261121)
    arguments.add_argument("--out", type=Path, default=Path("docs/strip.png"))
    settings = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film, asked = watch_and_ask(settings.seed, Path(folder))
        image = BytesIO()
        draw(film, asked).savefig(image, format="png")
    # A palette makes it a third as large.
    small = Image.open(image).convert("RGB").quantize(256)
    with atomic_file(settings.out) as file:
        small.save(file, format="png", optimize=True)


if __name__ == "__main__":
    main()
