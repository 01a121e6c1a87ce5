"""ReTaKe written down plainly: chunks, which tokens each layer keeps of them, and where those stand."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.oracles import dpselect, pivot_kv


def chunks(frames, per_chunk):
    """Numbers of the frames of each chunk."""
    return [list(range(first, min(first + per_chunk, frames))) for first in range(0, frames, per_chunk)]


def peaks_per_patch(features, window):
    """is_peak[t][n] of nested lists features[t][n][d]."""
    table = dpselect.patch_distances(features)
    columns = [[row[n] for row in table] for n in range(len(table[0]))]
    return [[dpselect.is_peak(column, t, window) for column in columns] for t in range(len(features))]


def kept_tokens(query, key, keep, pivots):
    """Indices that one layer keeps of a chunk; query[h][i] and key[g][j] are lists of numbers."""
    scores = pivot_kv.attention_received(query, key)
    return pivot_kv.tokens_to_keep(scores, keep, pivots)


def squeezed_chunks(times, keep):
    """New times of a film's tokens, one after the other.

    times: of each chunk, ascending, the first of each behind the last of the one before it.

    keep: the fraction kept of each chunk, as (kept, of).
    """
    placed = []
    at = times[0][0]
    for number, (chunk, (kept, of)) in enumerate(zip(times, keep, strict=True)):
        share = Fraction(kept, of)
        if number:
            before, (last_kept, last_of) = times[number - 1], keep[number - 1]
            at += max(1, math.trunc((chunk[0] - before[0]) * Fraction(last_kept, last_of)))
        placed += [at + math.trunc((time - chunk[0]) * share) for time in chunk]
    return placed


def kept_for_question(question, key, keep, pivots):
    """Indices kept by the attention that the question's tokens pay them, question[h][i] and key[g][j]."""
    tokens, group = len(key[0]), len(question) // len(key)
    received = [0.0] * tokens
    for h, rows in enumerate(question):
        for row in rows:
            logits = [
                sum(a * b for a, b in zip(row, key[h // group][j], strict=True)) / math.sqrt(len(row))
                for j in range(tokens)
            ]
            weights = [math.exp(logit - max(logits)) for logit in logits]
            for j in range(tokens):
                received[j] += weights[j] / sum(weights)
    return pivot_kv.tokens_to_keep(received, keep, pivots)


def layer_weights(scores, keep):
    """How many of the best keep * L tokens of all L layers are in each, scores[layer][token]."""
    ranked = sorted(
        (-score, layer, token) for layer, row in enumerate(scores) for token, score in enumerate(row)
    )
    chosen = [layer for _, layer, _ in ranked[: keep * len(scores)]]
    return [chosen.count(layer) for layer in range(len(scores))]
