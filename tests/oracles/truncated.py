"""Watching with a truncated gradient, plainly: layer by layer, interval by interval, token by token.

Only for models with learned summary tokens. An interval reads the summaries of intervals more than `truncate`
before it as numbers without a gradient; text reads all of them with theirs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, silu


def truncated_loss(
    model: Any,
    prefix: Tensor,
    visual: Tensor,
    text: Tensor,
    answer: int,
    interval: int,
    ratio: int,
    truncate: int,
) -> Tensor:
    """Mean cross-entropy of the last `answer` tokens of `text`."""
    words = model.model.embed_tokens.weight
    runs: list[tuple[str, list[Tensor], list[bool]]] = [
        ("text", [words[i] for i in prefix], [False] * len(prefix))
    ]
    for begin in range(0, len(visual), interval):
        tokens: list[Tensor] = []
        marks: list[bool] = []
        for number, token in enumerate(visual[begin : begin + interval], 1):
            tokens.append(token)
            marks.append(False)
            if number % ratio == 0:
                tokens.append(model.summary_embedding[0])
                marks.append(True)
        runs.append(("film", tokens, marks))
    runs.append(("text", [words[i] for i in text], [False] * len(text)))
    for layer in model.model.layers:
        runs = _through(model, layer, runs, truncate)
    hidden = torch.stack([model.model.norm(state) for state in runs[-1][1]])
    logits = hidden @ model.lm_head.weight.T
    return cross_entropy(logits[-answer - 1 : -1].float(), text[-answer:])


def _through(model: Any, layer: Any, runs: list[Any], truncate: int) -> list[Any]:
    memory: list[tuple[int | None, int, Tensor, Tensor]] = []
    done, film = [], -1
    for kind, states, marks in runs:
        film += kind == "film"
        entries, queries = [], []
        for number, (state, is_summary) in enumerate(zip(states, marks, strict=True)):
            q, k, v = _projected(layer, state, is_summary)
            queries.append((len(memory) + number, q))
            entries.append((len(memory) + number, k, v))
        attended = []
        for number, (place, query) in enumerate(queries):
            seen = []
            for whose, at, key, value in memory:
                far = kind == "film" and whose is not None and film - whose > truncate
                seen.append((at, key.detach(), value.detach()) if far else (at, key, value))
            attended.append(_attended(model, place, query, [*seen, *entries[: number + 1]]))
        after = []
        for state, mixed in zip(states, attended, strict=True):
            state = state + layer.self_attn.o_proj(mixed)
            inner = layer.post_attention_layernorm(state)
            mlp = layer.mlp
            after.append(state + mlp.down_proj(silu(mlp.gate_proj(inner)) * mlp.up_proj(inner)))
        done.append((kind, after, marks))
        for (_, key, value), is_summary in zip(entries, marks, strict=True):
            if kind == "text" or is_summary:
                memory.append((film if kind == "film" else None, len(memory), key, value))
    return done


def _projected(layer: Any, state: Tensor, is_summary: bool) -> list[Tensor]:
    attention, normed = layer.self_attn, layer.input_layernorm(state)
    prefix = "summary_" if is_summary else ""
    return [getattr(attention, f"{prefix}{name}_proj")(normed).view(-1, attention.head_dim) for name in "qkv"]


def _attended(model: Any, place: int, query: Tensor, entries: list[tuple[int, Tensor, Tensor]]) -> Tensor:
    heads, groups = len(query), len(query) // len(entries[0][1])
    mixed: list[Any] = []
    for head in range(heads):
        turned = _turned(model, query[head], place)
        scores = torch.stack([turned @ _turned(model, key[head // groups], at) for at, key, _ in entries])
        shares = (scores * query.shape[-1] ** -0.5).softmax(0)
        mixed.append(
            sum(share * value[head // groups] for share, (_, _, value) in zip(shares, entries, strict=True))
        )
    return torch.cat(mixed)


def _turned(model: Any, vector: Tensor, place: int) -> Tensor:
    half = len(vector) // 2
    base = model.config.rope_parameters["rope_theta"]
    angle = place * base ** (-torch.arange(half, dtype=torch.float64) / half)
    cos, sin = angle.cos(), angle.sin()
    first, second = vector[:half], vector[half:]
    return torch.cat((first * cos - second * sin, second * cos + first * sin))
