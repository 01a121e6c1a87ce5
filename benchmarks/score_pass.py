"""What scoring costs beside the rest of prefill: the same chunks, all kept, with scores and without.

Weights are random and so are the visual tokens: only shapes matter. The plain twin writes the whole attention
matrix of all heads out. Each measurement is made in a process of its own.

    python benchmarks/score_pass.py --shape 0.5b -o docs/results/score-pass-0.5b.json
    python benchmarks/score_pass.py --shape 7b --device cuda --chunks 8 -o docs/results/score-pass-7b.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import Qwen2Config, Qwen2ForCausalLM

from longreel.compress.base import Chunk, ChunkCompressor, LayerAttention
from longreel.compress.baselines import KeepAll
from longreel.compress.pivot_kv import PivotKV, attention_received
from longreel.models.engine.prefill import Prefill
from longreel.models.engine.transformers_decoder import ATTENTION, TransformersDecoder, register_attention
from longreel.positions import Rotation, inverse_frequencies
from memory_peak import peak, reset_peak
from provenance import provenance, show_and_store

RESULT = "docs/results/score-pass.json"
NOTE = (
    "Random weights and tokens, everything kept. The share is the time that scores add to prefill without "
    "them; the twin computes the same scores from whole matrices. Medians of several runs, turn by turn, "
    "each in a process of its own, with the same number of threads. Peaks are above the loaded model."
)
Row = dict[str, Any]
# Decoders of published models by (layers, width, inner width, heads, kv heads), and one for tests.
SHAPES = {
    "tiny": (2, 64, 96, 4, 2),
    "0.5b": (24, 896, 4864, 14, 2),
    "7b": (28, 3584, 18944, 28, 4),
}
Measure = Callable[[str, argparse.Namespace], Row]


@dataclass(frozen=True)
class ScoreAll(PivotKV):
    """PivotKV that scores and then keeps everything.

    whole: whether scores come from whole matrices.
    """

    whole: bool = False

    @property
    def drops(self) -> bool:
        """It is to be asked."""
        return True

    def scores(self, attention: LayerAttention) -> Tensor:
        """As PivotKV's."""
        return whole_matrix(attention) if self.whole else super().scores(attention)

    def choose(self, chunk: Chunk, scores: Sequence[Tensor]) -> list[Tensor]:
        """All of them."""
        return [torch.arange(chunk.tokens)] * len(scores)


def whole_matrix(attention: LayerAttention) -> Tensor:
    """The same scores, as the published formula has them: one matrix n x n for all heads."""
    query, key = attention.query.float(), attention.key.float()
    key = key.repeat_interleave(len(query) // len(key), dim=0)
    weights: Tensor = (query @ key.mT * query.shape[-1] ** -0.5).softmax(dim=-1)
    received: Tensor = weights.sum(dim=1).mean(dim=0)
    return received


WAYS: dict[str, ChunkCompressor] = {"off": KeepAll(), "on": ScoreAll(1.0), "twin": ScoreAll(1.0, whole=True)}


def decoder(shape: str, device: str, dtype: torch.dtype) -> TransformersDecoder:
    """A Qwen2 decoder with random weights."""
    layers, width, inner, heads, kv_heads = SHAPES[shape]
    register_attention()
    settings: dict[str, Any] = {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": 512,
        "attn_implementation": ATTENTION,
    }
    config = Qwen2Config(**settings)
    torch.manual_seed(0)
    with torch.device(device):
        model: Any = Qwen2ForCausalLM(config)
    model.to(dtype).eval()
    rotation = Rotation(inverse_frequencies(width // heads, 1e6))
    return TransformersDecoder(model.model, model.lm_head, rotation, packed=True)


def measure(way: str, settings: argparse.Namespace) -> Row:
    """Prefill once, in this process."""
    on_gpu = settings.device != "cpu"
    dtype = torch.bfloat16 if on_gpu else torch.float32
    model = decoder(settings.shape, settings.device, dtype)
    width = SHAPES[settings.shape][1]
    generator = torch.Generator().manual_seed(1)
    tokens = [torch.randn(settings.tokens, width, generator=generator) for _ in range(settings.chunks)]
    # What is made at the first use is no chunk's.
    _prefill(model, tokens[:1], way)
    before = reset_peak(settings.device)
    started = time.perf_counter()
    entries = _prefill(model, tokens, way)
    if on_gpu:
        torch.cuda.synchronize(settings.device)
    seconds = time.perf_counter() - started
    return {"entries": entries, "seconds": seconds, "peak_mib": (peak(settings.device) - before) / 2**20}


@torch.no_grad()
def _prefill(model: TransformersDecoder, chunks: Sequence[Tensor], way: str) -> int:
    prefill = Prefill(model)
    for chunk in chunks:
        prefill.visual(chunk, WAYS[way])
    return prefill.length


def in_a_process(way: str, settings: argparse.Namespace) -> Row:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--one", way, "--shape", settings.shape, "--device", settings.device]
    command += ["--tokens", str(settings.tokens), "--chunks", str(settings.chunks)]
    command += ["--threads", str(settings.threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: Row = json.loads(done.stdout)
    return result


def report(settings: argparse.Namespace, arguments: Sequence[str], run: Measure = in_a_process) -> Row:
    """The whole result."""
    runs: dict[str, list[Row]] = {way: [] for way in WAYS}
    for _ in range(settings.repeats):
        for way in WAYS:
            runs[way].append(run(way, settings))
    medians = {
        way: {name: statistics.median(row[name] for row in rows) for name in rows[0]}
        for way, rows in runs.items()
    }
    off, on, twin = (medians[way] for way in WAYS)
    names = ("shape", "device", "tokens", "chunks", "repeats", "threads")
    return {
        "task": "score pass",
        **provenance("score_pass.py", arguments),
        "settings": {name: getattr(settings, name) for name in names},
        "note": NOTE,
        "rows": [
            {
                "shape": settings.shape,
                "entries": on["entries"],
                **{f"seconds_{way}": round(row["seconds"], 3) for way, row in medians.items()},
                **{f"peak_mib_{way}": round(row["peak_mib"], 1) for way, row in medians.items()},
                "share_on": round(on["seconds"] / off["seconds"] - 1, 3),
                "share_twin": round(twin["seconds"] / off["seconds"] - 1, 3),
                "largest_difference": difference(settings),
            }
        ],
    }


def difference(settings: argparse.Namespace) -> float:
    """The largest difference of a score of the two, on one layer's random queries and keys."""
    _, width, _, heads, kv_heads = SHAPES[settings.shape]
    generator = torch.Generator().manual_seed(2)
    query = torch.randn(heads, settings.tokens, width // heads, generator=generator)
    key = torch.randn(kv_heads, settings.tokens, width // heads, generator=generator)
    ours, theirs = attention_received(query, key), whole_matrix(LayerAttention(query, key))
    return float((ours - theirs).abs().max())


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--shape", choices=tuple(SHAPES), default="0.5b")
    parser.add_argument("--tokens", type=int, default=2304, help="visual tokens in a chunk")
    parser.add_argument("--chunks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", choices=tuple(WAYS), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Run, print, store."""
    settings = parsed(arguments)
    if settings.one:
        if settings.device == "cpu":
            os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: settings.threads]))
            torch.set_num_threads(settings.threads)
        print(json.dumps(measure(settings.one, settings)))
        return
    show_and_store(report(settings, arguments), settings.output)
    if settings.output is None:
        print(f"to store it: the same with -o {RESULT}, then results_page.py", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
