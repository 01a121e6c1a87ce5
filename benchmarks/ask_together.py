"""What it saves to ask questions about a memory together, beside one after the other.

Draws a film, watches it once, and asks the same questions both ways, turn by turn.

    python benchmarks/ask_together.py -o docs/results/ask-together.json
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

import longreel
from longreel.answer import Answer
from longreel.films.questions import draw_questions
from longreel.films.render import write_film
from longreel.films.scenes import draw_film
from longreel.memory import VideoMemory
from longreel.model import Model
from longreel.models.reel_tiny import FAMILIES
from provenance import provenance, show_and_store

SEED = 800_100_000
NOTE = (
    "The default model, evidence included. Medians of several runs, both ways in turn, in one process. "
    "Answers are the same if their words and the seconds they rest on are."
)


def alone(model: Model, memory: VideoMemory, questions: Sequence[str]) -> list[Answer]:
    """One after the other."""
    return [model.ask(memory, question) for question in questions]


def together(model: Model, memory: VideoMemory, questions: Sequence[str]) -> list[Answer]:
    """As a list."""
    return model.ask(memory, list(questions))


def row(model: Model, memory: VideoMemory, questions: Sequence[str], repeats: int) -> dict[str, Any]:
    """Both ways with so many questions."""
    seconds: dict[str, list[float]] = {"alone": [], "together": []}
    found: dict[str, list[Answer]] = {}
    for _ in range(repeats):
        for ask in (alone, together):
            seconds[ask.__name__].append(timed(ask, found, model, memory, questions))
    pairs = zip(found["alone"], found["together"], strict=True)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    return {
        "questions": len(questions),
        **{f"seconds_{name}": round(median, 3) for name, median in medians.items()},
        "times_as_fast": round(medians["alone"] / medians["together"], 2),
        "same_answers": sum(_said(one) == _said(other) for one, other in pairs),
    }


def timed(
    ask: Callable[[Model, VideoMemory, Sequence[str]], list[Answer]],
    found: dict[str, list[Answer]],
    model: Model,
    memory: VideoMemory,
    questions: Sequence[str],
) -> float:
    """Seconds of one run; its answers go into `found`."""
    began = time.perf_counter()
    found[ask.__name__] = ask(model, memory, questions)
    return time.perf_counter() - began


def _said(answer: Answer) -> tuple[str, list[tuple[float, float]]]:
    return answer.text, [(span.start, span.end) for span in answer.evidence]


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--ratio", type=int, default=4)
    parser.add_argument("--questions", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run, print, store."""
    chosen = parsed(arguments)
    torch.set_num_threads(1)
    model = longreel.load(method="video-xl", keep=1 / chosen.ratio)
    film = draw_film(SEED, 60 * chosen.minutes)
    most = max(chosen.questions)
    texts = [each.text for each in draw_questions(film, FAMILIES, -(-most // len(FAMILIES)), seed=SEED)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(film, path)
        memory = model.watch(path)
    rows = [row(model, memory, texts[:count], chosen.repeats) for count in chosen.questions]
    about = f"A drawn film of {chosen.minutes:g} minutes, keep 1/{chosen.ratio}, one thread"
    report = {"task": "ask together", **provenance("ask_together.py", arguments), "film": about, "note": NOTE}
    show_and_store({**report, "rows": rows}, chosen.output)


if __name__ == "__main__":
    main(sys.argv[1:])
