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


def chunk_changes(chunks):
    """d_i of chunks[i][t][n][d]: mean over neighbouring frames of a chunk of 1 - mean over patches of cos.

    A chunk of one frame has the step to it from the frame before; if there is none, the mean of the others.
    """

    def step(one, other):
        cosines = []
        for a, b in zip(one, other, strict=True):
            lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
            cosines.append(sum(x * y for x, y in zip(a, b, strict=True)) / lengths)
        return 1 - sum(cosines) / len(cosines)

    changes = []
    for number, frames in enumerate(chunks):
        steps = [step(frames[t - 1], frames[t]) for t in range(1, len(frames))]
        if not steps and number:
            steps = [step(chunks[number - 1][-1], frames[0])]
        changes.append(sum(steps) / len(steps) if steps else None)
    known = [change for change in changes if change is not None]
    usual = sum(known) / len(known) if known else 1.0
    return [usual if change is None else change for change in changes]


def time_shares(changes, tokens, total):
    """How much of each chunk stays, before rounding: one token of each, the rest by change times tokens.

    What a chunk has no room for is given to the others in the same way, again and again.
    """
    mean = sum(changes) / len(changes)
    floor = 0.01 * mean
    pace = [max(change, floor) if mean else 1.0 for change in changes]
    shares = [0.0] * len(tokens)
    full = [count == 1 for count in tokens]
    left = total - len(tokens)
    while True:
        free = [i for i in range(len(tokens)) if not full[i]]
        whole = sum(pace[i] * tokens[i] for i in free)
        for i in free:
            shares[i] = left * pace[i] * tokens[i] / whole
        over = [i for i in free if shares[i] > tokens[i] - 1]
        if not over:
            return [1 + share for share in shares]
        for i in over:
            full[i], shares[i] = True, float(tokens[i] - 1)
            left -= tokens[i] - 1


def layer_weights(scores, keep):
    """How many of the best keep * L tokens of all L layers are in each, scores[layer][token]."""
    ranked = sorted(
        (-score, layer, token) for layer, row in enumerate(scores) for token, score in enumerate(row)
    )
    chosen = [layer for _, layer, _ in ranked[: keep * len(scores)]]
    return [chosen.count(layer) for layer in range(len(scores))]
