"""Watching stage by stage: seconds, share of the peak FLOP/s, and memory beside what is needed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from longreel.blocks import block_size
from longreel.compress.baselines import KeepAll
from longreel.models.base import FilmPart
from longreel.models.published import PublishedAdapter
from longreel.video.frames import Frames
from memory_peak import peak, reset_peak
from random_models import FPS, random_adapter
from released_models import Release

HEIGHT, WIDTH = 360, 640


@dataclass
class Watched:
    """One film: seconds by stage, visual tokens, bytes of the memory, and the peak above what was held."""

    seconds: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    memory: int = 0
    peak: int = 0


def measure_stages(
    made: Release, frames: int, device: str, dtype: torch.dtype, peak_tflops: float, chunk: int | None = None
) -> dict[str, Any]:
    """Watch so many frames with a Qwen2.5-VL model of random weights, in this process.

    Args:
        peak_tflops: of the device.
        chunk: visual tokens prefilled together, None for the usual.
    """
    adapter = random_adapter(made, device, dtype, chunk)
    clip = torch.arange(adapter.clip, dtype=torch.float64)
    each = adapter.film_tokens(clip, *adapter.frame_size(HEIGHT, WIDTH)).visual
    in_a_chunk = adapter.clip * math.ceil(adapter.interval / each)
    # Twice: what is made at the first use is no chunk's.
    watch(adapter, in_a_chunk, device)
    one = watch(adapter, in_a_chunk, device)
    film = watch(adapter, frames, device)
    weights = sum(weight.nbytes for weight in adapter.model.parameters())
    needed = weights + film.memory + max(0, one.peak - one.memory)
    flops = {"encode": encode_flops(adapter, frames), "prefill": prefill_flops(adapter, film.tokens)}
    row: dict[str, Any] = {"tokens": film.tokens}
    for stage, seconds in film.seconds.items():
        row[f"{stage}_seconds"] = round(seconds, 3)
        row[f"{stage}_share"] = round(flops[stage] / seconds / (peak_tflops * 1e12), 3)
    return {
        **row,
        "memory_gib": round(film.memory / 2**30, 3),
        "peak_gib": round((weights + film.peak) / 2**30, 3),
        "peak_ratio": round((weights + film.peak) / needed, 3),
    }


def watch(adapter: PublishedAdapter, frames: int, device: str) -> Watched:
    """Watch noise as `longreel.watch` would, waiting for the device after each step."""
    done = Watched()
    before = reset_peak(device)
    watcher = adapter.watcher(adapter.dialogue.before(None), KeepAll())
    size = block_size(adapter.clip, adapter.interval / adapter.tokens_per_frame)
    for first in range(0, frames, size):
        block = _noise(adapter, first, min(size, frames - first))
        with _timed(done, "encode", device):
            tokens = adapter.encode(block, FilmPart(frame=first, fps=FPS))
        done.tokens += len(tokens)
        with _timed(done, "prefill", device):
            watcher.push(tokens)
    with _timed(done, "prefill", device):
        memory = watcher.finish()
    done.memory, done.peak = memory.nbytes, peak(device) - before
    return done


def prefill_flops(adapter: PublishedAdapter, tokens: int) -> int:
    """Of the decoder: all layers, but of the last only its keys and values; attention over what is before."""
    config = adapter.model.config.get_text_config()
    layers = adapter.model.model.language_model.layers
    last = layers[-1].self_attn
    linear = sum(_linear(layer) for layer in layers[:-1]) + _linear(last.k_proj) + _linear(last.v_proj)
    width: int = config.num_attention_heads * adapter.layer_shapes[0][1]
    # Scores and their sum over values, each 2 FLOPs a pair and number.
    attention: int = 4 * width * (len(layers) - 1) * tokens * (tokens + 1) // 2
    return 2 * linear * tokens + attention


def encode_flops(adapter: PublishedAdapter, frames: int) -> int:
    """Of Qwen2.5-VL's vision tower; its windows count as full ones."""
    vision, tower = adapter.model.config.vision_config, adapter.model.model.visual
    height, width = adapter.frame_size(HEIGHT, WIDTH)
    picture = height * width // vision.patch_size**2
    patches = picture * math.ceil(frames / adapter.clip)
    linear = 2 * patches * (_linear(tower.blocks) + tower.patch_embed.proj.weight.numel())
    merged = 2 * patches // vision.spatial_merge_size**2 * _linear(tower.merger)
    whole = len(vision.fullatt_block_indexes)
    seen = whole * picture + (vision.depth - whole) * (vision.window_size // vision.patch_size) ** 2
    attention: int = 4 * vision.hidden_size * patches * seen
    return int(linear + merged) + attention


def _linear(module: nn.Module) -> int:
    """Numbers in the matrices of a module."""
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, nn.Linear))


def _noise(adapter: PublishedAdapter, first: int, count: int) -> Frames:
    generator = torch.Generator().manual_seed(first)
    shape = (count, 3, *adapter.frame_size(HEIGHT, WIDTH))
    pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return Frames(pixels, torch.arange(first, first + count, dtype=torch.float64) / FPS)


@contextmanager
def _timed(done: Watched, stage: str, device: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    if device != "cpu":
        torch.cuda.synchronize(device)
    done.seconds[stage] = done.seconds.get(stage, 0.0) + time.perf_counter() - started
