"""How many questions about drawn films are answered rightly, at several fractions kept.

Draws films no training has seen, writes them as mp4, watches each once per fraction, and asks questions of
every family the default model is meant for, in free wording and with lettered options. Beside each cell
stand a model trained without any film (`--blind`) and the best constant answer. Prints JSON; `--output`
also stores it.

    python benchmarks/answer_drawn_films.py --films 20 --minutes 5 -o docs/results/reel-tiny-answers.json
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

import longreel
from longreel.films.question import Question
from longreel.films.questions import draw_questions, is_right
from longreel.films.render import write_film
from longreel.films.scenes import SPLITS, Film, draw_film
from longreel.model import Model
from longreel.models.reel_tiny import FAMILIES
from provenance import provenance, show_and_store

# Far from the seeds of training, which start at 900,000,000, and from those tried out by hand.
FIRST_SEED = 750_000_000
EXISTENCE = "existence"

Rows = list[dict[str, Any]]
# A film file and questions to answers.
Answering = Callable[[Path, list[str]], list[str]]


def watching(model: Model) -> Answering:
    """Watch the film once, then answer."""

    def answer(path: Path, questions: list[str]) -> list[str]:
        memory = model.watch(path)
        return [answer.text for answer in model.ask(memory, questions)]

    return answer


def with_eyes_shut(model: Model) -> Answering:
    """Answer from the text before the film alone: a watcher to which nothing was shown."""
    adapter = model.adapter
    nothing = adapter.watcher(adapter.dialogue.before(None), model.method.cache).finish()

    def answer(path: Path, questions: list[str]) -> list[str]:
        asked = [adapter.dialogue.after([(question, None)]) for question in questions]
        return [
            adapter.dialogue.decode(list(adapter.generate(nothing, ids, max_new_tokens=64))) for ids in asked
        ]

    return answer


@cache
def models_of(arguments: tuple[str, ...]) -> dict[str, Answering]:
    """What is asked, loaded once per process."""
    chosen = parsed(arguments)
    models = {
        f"keep 1/{ratio}": watching(longreel.load(chosen.model, method="video-xl", keep=1 / ratio))
        for ratio in chosen.ratios
    }
    if chosen.blind:
        models["blind"] = with_eyes_shut(longreel.load(chosen.blind, method="video-xl", keep=1 / 16))
    return models


def rows_of(arguments: tuple[str, ...], number: int) -> Rows:
    """Everything about one film; in a process of its own."""
    torch.set_num_threads(1)
    chosen = parsed(arguments)
    film = draw_film(chosen.first_seed + number, 60 * chosen.minutes, split=chosen.split)
    with tempfile.TemporaryDirectory() as folder:
        return ask_about(film, Path(folder) / "film.mp4", models_of(arguments), chosen)


def ask_about(film: Film, path: Path, models: dict[str, Answering], chosen: argparse.Namespace) -> Rows:
    """One row per question and model: family, gold, right."""
    write_film(film, path)
    questions = [*drawn(film, chosen, lettered=False), *drawn(film, chosen, lettered=True)]
    rows: Rows = []
    for name, answering in models.items():
        answers = answering(path, [question.text for question in questions])
        rows += [
            {
                "model": name,
                "film": film.seed,
                "family": question.family,
                "options": question.options is not None,
                "gold": question.letter or " ".join(question.gold),
                "right": is_right(question, answer),
            }
            for question, answer in zip(questions, answers, strict=True)
        ]
    return rows


def drawn(film: Film, chosen: argparse.Namespace, *, lettered: bool) -> list[Question]:
    """The questions about a film; more about existence, which is one cell by itself."""
    questions = []
    for family in FAMILIES:
        count = chosen.existence if family == EXISTENCE else chosen.per_family
        questions += draw_questions(
            film,
            [family],
            count,
            seed=film.seed,
            wording=chosen.wording,
            min_event=chosen.min_event,
            options=lettered,
        )
    return questions


def cell(rows: Rows) -> dict[str, Any]:
    """Share right with a 95 % interval over films, and the best constant answers to the same questions."""
    films: dict[int, list[bool]] = defaultdict(list)
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        films[row["film"]].append(row["right"])
        answers[row["family"]][row["gold"]] += 1
    right = np.array([[sum(marks), len(marks)] for marks in films.values()])
    again = right[np.random.default_rng(0).integers(len(right), size=(2000, len(right)))].sum(1)
    low, high = np.quantile(again[:, 0] / again[:, 1], (0.025, 0.975))
    constant = sum(golds.most_common(1)[0][1] for golds in answers.values())
    return {
        "questions": len(rows),
        "share_right": round(float(right[:, 0].sum() / right[:, 1].sum()), 4),
        "interval_95": [round(float(low), 4), round(float(high), 4)],
        "majority_answer": round(constant / len(rows), 4),
    }


def table(rows: Rows) -> dict[str, Any]:
    """Per model and way of asking: recall (every family but existence), then each family by itself."""
    result: dict[str, Any] = {}
    for name in dict.fromkeys(row["model"] for row in rows):
        for lettered in (False, True):
            asked = [row for row in rows if row["model"] == name and row["options"] == lettered]
            cells = {"recall": cell([row for row in asked if row["family"] != EXISTENCE])}
            for family in FAMILIES:
                cells[family] = cell([row for row in asked if row["family"] == family])
            result.setdefault(name, {})["options" if lettered else "free"] = cells
    return result


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--split", choices=SPLITS, default="unseen-combinations")
    parser.add_argument("--wording", choices=("train", "unseen"), default="train")
    parser.add_argument("--per-family", type=int, default=15, help="questions per family and film")
    parser.add_argument("--existence", type=int, default=52, help="questions about existence per film")
    parser.add_argument("--min-event", type=float, default=2.0, help="seconds of the shortest scene")
    parser.add_argument("--ratios", nargs="+", type=int, default=[1, 2, 4, 8, 16])
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--model", default=None, help="model folder; default: the one in the package")
    parser.add_argument("--blind", default=None, help="folder of the model trained without films")
    parser.add_argument("--workers", type=int, default=2, help="films that are asked about at once")
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run, print, store."""
    chosen = parsed(arguments)
    rows: Rows = []
    began = time.perf_counter()
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as pool:
        films = pool.map(partial(rows_of, tuple(arguments)), range(chosen.films))
        for number, more in enumerate(films):
            rows += more
            print(f"{number + 1} of {chosen.films} films", file=sys.stderr, flush=True)
    report = {
        **provenance("answer_drawn_films.py", arguments),
        "settings": {name: value for name, value in vars(chosen).items() if name != "output"},
        "seconds": round(time.perf_counter() - began),
        "cells": table(rows),
    }
    show_and_store(report, chosen.output)


if __name__ == "__main__":
    main(sys.argv[1:])
