"""How many questions about drawn films are answered rightly, at several fractions kept.

Draws films no training has seen, writes them as mp4, watches each once per fraction and asks questions of
every family the default model is meant for. Beside each cell stand a model trained without any film
(`--blind`) and the best constant answer. Prints JSON; `--output` also stores it.

    python benchmarks/answer_drawn_films.py --films 20 --minutes 5 -o docs/results/reel-tiny-answers.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

import longreel
from longreel.films.question import Question
from longreel.films.questions import draw_questions, is_right
from longreel.films.render import write_film
from longreel.films.scenes import SPLITS, Film, draw_film
from longreel.model import Model
from longreel.models.reel_tiny import FAMILIES

# Far from the seeds of training, which start at 900,000,000, and from those tried out by hand.
FIRST_SEED = 500_000_000
EXISTENCE = "existence"
Rows = list[dict[str, Any]]


def ask_about(
    models: dict[str, Model], film: Film, folder: Path, per_family: int, min_event: float, wording: str
) -> Rows:
    """One row per question and model: family, gold, right."""
    path = folder / "film.mp4"
    write_film(film, path)
    drawn = {
        lettered: draw_questions(
            film, FAMILIES, per_family, seed=film.seed, wording=wording, min_event=min_event, options=lettered
        )
        for lettered in (False, True)
    }
    rows: Rows = []
    for name, model in models.items():
        memory = model.watch(path)
        for lettered, questions in drawn.items():
            answers = model.ask(memory, [question.text for question in questions])
            for question, answer in zip(questions, answers, strict=True):
                rows.append(
                    {
                        "model": name,
                        "film": film.seed,
                        "family": question.family,
                        "options": lettered,
                        "gold": _gold(question),
                        "right": is_right(question, answer.text),
                    }
                )
    return rows


def _gold(question: Question) -> str:
    return question.letter or " ".join(question.gold)


def cell(rows: Rows) -> dict[str, Any]:
    """Share right with a 95 % interval over films, and the best constant answer to the same questions."""
    films = defaultdict(list)
    for row in rows:
        films[row["film"]].append(row["right"])
    right = np.array([[sum(marks), len(marks)] for marks in films.values()])
    chance = np.random.default_rng(0)
    drawn = right[chance.integers(len(right), size=(2000, len(right)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    by_family = defaultdict(Counter)
    for row in rows:
        by_family[row["family"]][row["gold"]] += 1
    majority = sum(counts.most_common(1)[0][1] for counts in by_family.values())
    return {
        "questions": len(rows),
        "share_right": round(float(right[:, 0].sum() / right[:, 1].sum()), 4),
        "interval_95": [round(float(low), 4), round(float(high), 4)],
        "majority_answer": round(majority / len(rows), 4),
    }


def table(rows: Rows) -> dict[str, Any]:
    """Cells by model, then recall (all families but existence), existence, and every family by itself."""
    result: dict[str, Any] = {}
    for name in dict.fromkeys(row["model"] for row in rows):
        mine = [row for row in rows if row["model"] == name]
        cells = {}
        for lettered in (False, True):
            kind = "options" if lettered else "free"
            asked = [row for row in mine if row["options"] == lettered]
            cells[f"recall, {kind}"] = cell([row for row in asked if row["family"] != EXISTENCE])
            for family in FAMILIES:
                cells[f"{family}, {kind}"] = cell([row for row in asked if row["family"] == family])
        result[name] = cells
    return result


def hardware() -> dict[str, Any]:
    """What the run ran on."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        names = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0].split(":")[1].strip() if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "gpu": torch.cuda.is_available(),
        "threads": torch.get_num_threads(),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--split", choices=SPLITS, default="unseen-combinations")
    parser.add_argument("--wording", choices=("train", "unseen"), default="train")
    parser.add_argument(
        "--per-family", type=int, default=15, help="free-wording questions per family and film"
    )
    parser.add_argument("--existence", type=int, default=52, help="existence questions per film")
    parser.add_argument("--min-event", type=float, default=2.0)
    parser.add_argument(
        "--keep", nargs="+", type=int, default=[1, 2, 4, 8, 16], help="ratios, such as 1 2 4 8 16"
    )
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--model", default=None, help="model folder; default: the one in the package")
    parser.add_argument("--blind", default=None, help="folder of the model trained without films")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args(arguments)
    models = {f"keep 1/{ratio}": longreel.load(chosen.model, keep=1 / ratio) for ratio in chosen.keep}
    if chosen.blind:
        models["blind"] = longreel.load(chosen.blind, keep=1 / 16)
    rows: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.films):
            film = draw_film(seed, 60 * chosen.minutes, split=chosen.split)
            rows += ask_about(models, film, Path(folder), chosen.per_family, chosen.min_event, chosen.wording)
            print(f"{seed - chosen.first_seed + 1} of {chosen.films} films", file=sys.stderr, flush=True)
    report = {
        "command": " ".join(["python", "benchmarks/answer_drawn_films.py", *(arguments or sys.argv[1:])]),
        "hardware": hardware(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "settings": {name: value for name, value in vars(chosen).items() if name != "output"},
        "cells": table(rows),
    }
    document = json.dumps(report, indent=1) + "\n"
    print(document)
    if chosen.output:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        chosen.output.write_text(document)


if __name__ == "__main__":
    main()
