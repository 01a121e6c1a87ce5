"""Which heads tell where an answer comes from, and how well the spans read from them fit the truth.

`choose` ranks the heads on some films and prints the best set for the model's config; `measure` compares
spans with the truth on others, beside a span of equal length at a random place and the span that uniform
attention would give. A span hits if its middle lies in a scene the question is about.

    python benchmarks/find_evidence.py choose
    python benchmarks/find_evidence.py measure -o docs/results/reel-tiny-evidence.json
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import longreel
from longreel.answer import Evidence
from longreel.evidence import evidence_of, frame_shares
from longreel.films.question import Question
from longreel.films.questions import draw_questions, is_right
from longreel.films.render import write_film
from longreel.films.scenes import draw_film
from longreel.memory import VideoMemory
from longreel.model import Model
from longreel.models.engine.witness import attention_on_memory
from provenance import provenance, show_and_store

# Films for choosing are of training's range; those for measuring are used for nothing else.
CHOOSE_SEED, MEASURE_SEED = 930_000_000, 780_000_000
MOST_HEADS = 4

Span = tuple[float, float]


class Asked(NamedTuple):
    """A question answered rightly; `shares`, (layers, heads, entries), is its attention to the memory."""

    question: Question
    memory: VideoMemory
    shares: Tensor
    evidence: tuple[Evidence, ...]


def asked(model: Model, chosen: argparse.Namespace, first_seed: int) -> Iterator[Asked]:
    """Questions about scenes of drawn films; wrong answers rest on nothing, so they are left out."""
    adapter: Any = model.adapter
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first_seed, first_seed + chosen.films):
            film, path = draw_film(seed, 60 * chosen.minutes, split=chosen.split), Path(folder) / "film.mp4"
            write_film(film, path)
            memory = model.watch(path)
            for question in draw_questions(film, ["recall"], chosen.per_family, seed=seed):
                ids = adapter.dialogue.after([(question.text, None)])
                new = list(adapter.generate(memory.key_values, ids, max_new_tokens=64))
                if is_right(question, adapter.dialogue.decode(new)):
                    text = torch.cat((ids, torch.tensor(new[:-1])))
                    layers = attention_on_memory(
                        adapter.model.language_model, memory.key_values, text, len(new)
                    )
                    shares = torch.stack(layers)
                    evidence = evidence_of(memory, adapter.attention(memory.key_values, ids, new))
                    yield Asked(question, memory, shares, evidence)


def choose(found: Sequence[Asked]) -> dict[str, Any]:
    """Add the head that helps most until none does, by the mean IoU of the best span."""
    layers, heads, _ = found[0].shares.shape
    mass = {
        (layer, head): float(np.mean([_mass(each, layer, head) for each in found]))
        for layer in range(layers)
        for head in range(heads)
    }
    ranked = sorted(mass, key=lambda pair: -mass[pair])
    chosen: list[tuple[int, int]] = []
    best, scores = 0.0, []
    for _ in range(MOST_HEADS):
        tried = {pair: _mean_iou(found, [*chosen, pair]) for pair in ranked[:12] if pair not in chosen}
        pair = max(tried, key=lambda pair: tried[pair])
        if tried[pair] <= best:
            break
        best = tried[pair]
        chosen.append(pair)
        scores.append({"head": list(pair), "iou": round(best, 4), "mass": round(mass[pair], 4)})
    return {"evidence_heads": [list(pair) for pair in chosen], "steps": scores, "questions": len(found)}


def _mass(each: Asked, layer: int, head: int) -> float:
    """Share of one head's attention to frames that falls into the scene asked about."""
    weights = [torch.zeros_like(entries) for entries in each.shares[:, head]]
    weights[layer] = each.shares[layer, head]
    shares, frames = frame_shares(each.memory, weights), each.memory.timeline.frames
    return sum(float(shares[(frames >= a) & (frames < b)].sum()) for a, b in each.question.spans)


def _mean_iou(found: Sequence[Asked], heads: Sequence[tuple[int, int]]) -> float:
    return float(np.mean([overlap(_best(_spans(each, heads)), each.question.spans) for each in found]))


def _spans(each: Asked, heads: Sequence[tuple[int, int]]) -> tuple[Evidence, ...]:
    weights = torch.zeros(each.shares.shape[0], each.shares.shape[2])
    for layer, head in heads:
        weights[layer] += each.shares[layer, head]
    return evidence_of(each.memory, list(weights))


def _best(spans: Sequence[Evidence]) -> Span | None:
    return (spans[0].start, spans[0].end) if spans else None


def overlap(span: Span | None, truth: Sequence[Span]) -> float:
    """Largest intersection over union with a true span."""
    if span is None:
        return 0.0
    start, end = span
    return max(max(0.0, min(end, b) - max(start, a)) / (max(end, b) - min(start, a)) for a, b in truth)


def hit(span: Span | None, truth: Sequence[Span]) -> bool:
    """Whether the middle of a span lies in a true one."""
    return span is not None and any(a <= sum(span) / 2 <= b for a, b in truth)


def measure(found: Sequence[Asked]) -> dict[str, Any]:
    """Hit rate and IoU of the best span, and of any of the three, beside two that know nothing."""
    random = np.random.default_rng(0)
    rows: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for each in found:
        truth, span = each.question.spans, _best(each.evidence)
        until = each.memory.header.sources[0].until
        length = span[1] - span[0] if span else 0.0
        start = float(random.uniform(0, until - length))
        uniform = _best(
            evidence_of(each.memory, [torch.ones(len(layer.token)) for layer in each.memory.layers])
        )
        others = {"best span": span, "random span": (start, start + length), "uniform attention": uniform}
        for name, given in others.items():
            rows[name].append((hit(given, truth), overlap(given, truth)))
        spans = [(one.start, one.end) for one in each.evidence]
        rows["best of its three spans"].append(
            (any(hit(s, truth) for s in spans), max((overlap(s, truth) for s in spans), default=0.0))
        )
    return {
        "questions": len(found),
        **{
            name: {
                "hit_rate": round(float(np.mean([h for h, _ in r])), 4),
                "iou": round(float(np.mean([i for _, i in r])), 4),
            }
            for name, r in rows.items()
        },
    }


def main(arguments: Sequence[str]) -> None:
    """Choose or measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("choose", "measure"))
    parser.add_argument("--films", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--split", default="unseen-combinations")
    parser.add_argument("--per-family", type=int, default=10)
    parser.add_argument("--ratios", nargs="+", type=int, default=[4, 16])
    parser.add_argument("--model", default=None, help="model folder; default: the one in the package")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args(arguments)
    seed = CHOOSE_SEED if chosen.what == "choose" else MEASURE_SEED
    found = {
        f"keep 1/{ratio}": list(
            asked(longreel.load(chosen.model, method="video-xl", keep=1 / ratio), chosen, seed)
        )
        for ratio in chosen.ratios
    }
    if chosen.what == "choose":
        results = choose([each for some in found.values() for each in some])
    else:
        results = {keep: measure(some) for keep, some in found.items()}
    show_and_store({**provenance("find_evidence.py", arguments), "results": results}, chosen.output)


if __name__ == "__main__":
    main(sys.argv[1:])
