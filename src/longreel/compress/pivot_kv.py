"""PivotKV: keep the entries of a chunk that its tokens attend to most (ReTaKe, arXiv 2412.20504).

A token's score is the attention it receives from all tokens of its chunk, causality and positions left
aside. Tokens of keyframes (pivots) are kept before all others (equation 7); the released code gave them an
average score instead. Kept tokens move together in time by the fraction that was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor

from longreel.compress.base import Chunk, LayerAttention, exact_fraction, tokens_kept
from longreel.compress.ranking import best
from longreel.errors import UsageError

SCORES = ("attention", "keys", "question")

# Attention that is held at once on a CPU, 2 MiB: what stays in its cache is summed three times as fast.
_CACHED = 2**19

# Days of film: more than fits into one prefill anywhere.
_MOST_FRAMES = 1_000_000


@dataclass(frozen=True)
class PivotKV:
    """Keep of each chunk, in each layer, the tokens that matter most there.

    keep: fraction of each chunk that stays, max(1, floor(keep * n)) of n tokens; at 1 nothing is done at all.
    budget: in its place, tokens that the prompt of each film (the visual tokens of the frames that stay, the
        text among them and before it) is to fit: keep = min(1, budget / tokens), the paper's dynamic rule.
    chunk_frames: frames of the film in a chunk.
    squeeze: whether what stays moves together in time. If not it stays where it stood, and scores are those
        of rotated queries and keys, as published.
    pivots: whether tokens of keyframes, where some were chosen, stay before all others.
    scored_by: what a token is worth. "attention": what it receives from the chunk's tokens. "keys": minus the
        length of its key, as short keys draw attention (arXiv 2406.11430). "question": what it receives from
        a question put behind the chunk (SnapKV, arXiv 2404.14469; AdaReTaKe, arXiv 2503.12559).
    by_layer: whether layers share what stays of a chunk among them: layer l gets a share that grows with how
        many of its tokens are among the best of all layers (AdaReTaKe, equations 10 to 16), at least
        `least_share` of an even one.
    by_time: whether the chunks of a film share what stays of it among them, in proportion to how much they
        change (AdaReTaKe, equations 8 and 9), each at least `least_share` of the mean; see `time_counts`. The
        chunks of a film are then held until its end.
    block: rows of attention of a head that exist at a time, at most; it changes no result.
    """

    keep: float | None = None
    budget: int | None = None
    chunk_frames: int = 32
    squeeze: bool = True
    pivots: bool = True
    scored_by: str = "attention"
    by_layer: bool = False
    by_time: bool = False
    block: int = 128

    # Of AdaReTaKe's equation 15.
    least_share: ClassVar[float] = 0.01

    def __post_init__(self) -> None:
        if (self.keep is None) == (self.budget is None):
            raise UsageError("PivotKV keeps a fraction or a budget: give one of keep= and budget=")
        if self.keep is not None and not 0 < self.keep <= 1:
            raise UsageError(f"keep={self.keep} is outside (0, 1]: give the fraction to keep, such as 0.25")
        if self.budget is not None and self.budget < 1:
            raise UsageError(f"budget={self.budget} is no number of tokens: give a whole number")
        if not 1 <= self.chunk_frames <= _MOST_FRAMES:
            raise UsageError(
                f"chunk_frames={self.chunk_frames} is outside 1 to {_MOST_FRAMES:,}: give 32, as published"
            )
        if self.scored_by not in SCORES:
            raise UsageError(f"unknown scores {self.scored_by!r}: known are {', '.join(SCORES)}")

    @property
    def drops(self) -> bool:
        """Not at keep 1."""
        return self.keep is None or self.keep < 1

    @property
    def needs_question(self) -> bool:
        """Whether scores come from a question."""
        return self.scored_by == "question"

    @property
    def needs_film(self) -> bool:
        """Whether chunks share what stays."""
        return self.by_time

    def allotted(self, tokens: Sequence[int], changes: Sequence[float]) -> list[PivotKV]:
        """For each chunk what keeps its share; together as many tokens as if shares were even."""
        counts = time_counts(changes, tokens, sum(map(self.count, tokens)), self.least_share)
        return [
            replace(self, keep=count / of, by_time=False) for count, of in zip(counts, tokens, strict=True)
        ]

    def fitted(self, tokens: int | None) -> PivotKV:
        """A budget as the fraction it is of a prompt of `tokens`."""
        if self.budget is None:
            return self
        if tokens is None:
            raise UsageError(
                "a budget of tokens needs a film of known length: give end=, or keep= in its place"
            )
        return replace(self, keep=min(1.0, self.budget / max(1, tokens)), budget=None)

    def count(self, tokens: int) -> int:
        """max(1, floor(keep * tokens))."""
        if self.keep is None:
            raise TypeError("a budget is fitted to a film before its tokens are counted")
        return tokens_kept(tokens, self.keep)

    def scores(self, attention: LayerAttention) -> Tensor:
        """What each token is worth, float32 (n,)."""
        if self.scored_by == "keys":
            return small_keys(attention.key)
        if attention.question is not None and self.needs_question:
            return attention_from(attention.question, attention.key)
        return attention_received(attention.query, attention.key, self.block)

    def choose(self, chunk: Chunk, scores: Sequence[Tensor]) -> list[Tensor]:
        """The best of each layer, pivots first."""
        count = self.count(chunk.tokens)
        pivots = chunk.pivots if self.pivots else None
        if pivots is not None:
            pivots = pivots.to(scores[0].device)
        counts = layer_counts(scores, count, self.least_share) if self.by_layer else [count] * len(scores)
        return [tokens_to_keep(layer, each, pivots) for layer, each in zip(scores, counts, strict=True)]


def layer_counts(scores: Sequence[Tensor], keep: int, least_share: float = 0.01) -> list[int]:
    """How many tokens each layer keeps, if together they keep `keep` a layer (AdaReTaKe, eq. 10 to 16).

    A layer's weight is the number of its tokens among the best keep * L of all L layers, at least
    `least_share` of the mean; of equal scores the first layer's come first. One token stays in each layer,
    and the others are shared out by weight; no layer keeps more than it has.

    Args:
        scores: (n,) of each layer.
        keep: 1 to n.
    """
    layers, tokens = len(scores), len(scores[0])
    chosen = best(torch.cat([layer.to(scores[0].device) for layer in scores]), keep * layers)
    among = (chosen // tokens).bincount(minlength=layers).tolist()
    weights = [max(Fraction(number), exact_fraction(least_share) * keep) for number in among]
    return [1 + more for more in _shared_out(weights, (keep - 1) * layers, most=[tokens - 1] * layers)]


def time_counts(
    changes: Sequence[float], tokens: Sequence[int], total: int, least_share: float = 0.01
) -> list[int]:
    """How many tokens stay of each chunk of a film, `total` together (AdaReTaKe, equations 8 and 9).

    The fraction that stays of a chunk is in proportion to its change, which counts as at least `least_share`
    of the mean. One token stays of each chunk, and the others are shared out; no chunk keeps more than it
    has, and what is too much for one goes to the others. Chunks of a film that never changes are equal.

    Args:
        changes: at least 0, see `chunk_changes`.
        tokens: of each chunk, at least 1.
        total: from the number of chunks to that of all tokens.
    """
    exact = [Fraction(change) for change in changes]
    least = exact_fraction(least_share) * sum(exact) / len(exact)
    if not least:
        exact, least = [Fraction(1)] * len(exact), Fraction(0)
    weights = [max(change, least) * count for change, count in zip(exact, tokens, strict=True)]
    return [1 + more for more in _shared_out(weights, total - len(tokens), most=[n - 1 for n in tokens])]


def _shared_out(weights: Sequence[Fraction], total: int, most: Sequence[int]) -> list[int]:
    """Whole numbers from 0 to `most` of each that add up to `total`, in proportion to the weights."""
    full: set[int] = set()
    while True:
        free = [i for i in range(len(weights)) if i not in full]
        left, whole = total - sum(most[i] for i in full), sum(weights[i] for i in free)
        exact = {i: weights[i] * left / whole for i in free}
        beyond = {i for i in free if exact[i] > most[i]}
        if not beyond:
            break
        full |= beyond
    counts = {i: int(share) for i, share in exact.items()}
    # What rounding down has left goes to the largest remainders; of equal ones to the first.
    for i in sorted(free, key=lambda i: counts[i] - exact[i])[: left - sum(counts.values())]:
        counts[i] += 1
    return [most[i] if i in full else counts[i] for i in range(len(weights))]


def small_keys(key: Tensor) -> Tensor:
    """Minus the length of each token's key (Hkv, n, d), mean over heads: float32 (n,)."""
    length: Tensor = torch.linalg.vector_norm(key.to(torch.float32), dim=-1)
    return -length.mean(dim=0)


def attention_from(question: Tensor, key: Tensor, block: int = 128) -> Tensor:
    """Attention each token receives from the tokens of a question.

    As `attention_received`, with queries (H, g, d) of the question in place of the tokens' own: float32 (n,)
    that sum to g.
    """
    return _received(question, key, block)


def attention_received(query: Tensor, key: Tensor, block: int = 128) -> Tensor:
    """Attention each token receives from all tokens: column sums of the full softmax, mean over heads.

    The scores sum to n. Only `block` rows of the attention exist at a time, so memory grows with n, not
    with its square.

    Args:
        query: (H, n, d), unrotated, any float dtype; computed in float32.
        key: (Hkv, n, d), unrotated; query head h uses key head h // (H // Hkv).
        block: query tokens per head computed together, at most; it does not change the result.

    Returns:
        float32 (n,).

    Raises:
        ValueError: shapes that do not belong together, or a block below 1.
    """
    heads, kv_heads = len(query), len(key)
    if query.ndim != 3 or query.shape[1:] != key.shape[1:] or not kv_heads or not heads or heads % kv_heads:
        raise ValueError(
            f"query {tuple(query.shape)} and key {tuple(key.shape)} do not belong together: "
            "give (H, n, d) and (Hkv, n, d), H a multiple of Hkv"
        )
    if block < 1:
        raise ValueError(f"block={block} is below 1")
    return _received(query, key, block)


@torch.no_grad()
def _received(query: Tensor, key: Tensor, block: int) -> Tensor:
    heads, kv_heads = len(query), len(key)
    tokens, width = key.shape[1:]
    keys = key.to(torch.float32).mT
    if not key.is_cuda:
        block = max(1, min(block, _CACHED // max(1, heads * tokens)))
    # Float64: the sum of many rows is then the same for blocks of any size, up to rounding at the end.
    received = torch.zeros(tokens, dtype=torch.float64, device=key.device)
    for rows in query.split(block, dim=1):
        groups = rows.to(torch.float32).reshape(kv_heads, -1, width) * width**-0.5
        received += (groups @ keys).softmax(dim=-1).sum(dim=(0, 1))
    return (received / heads).to(torch.float32)


def tokens_to_keep(scores: Tensor, keep: int, pivots: Tensor | None = None) -> Tensor:
    """The `keep` tokens with the highest scores; of equal ones the earliest.

    Args:
        scores: (n,), any float dtype.
        keep: number of tokens, 0 to n.
        pivots: bool (n,), tokens that outrank all others; of more pivots than `keep` the best stay.

    Returns:
        int64 (keep,), ascending.

    Raises:
        ValueError: keep outside 0 to n, or shapes that do not belong together.
    """
    if scores.ndim != 1 or (pivots is not None and pivots.shape != scores.shape):
        shapes = [tuple(part.shape) for part in (scores, pivots) if part is not None]
        raise ValueError(f"scores and pivots have shapes {shapes}: give one value per token")
    if not 0 <= keep <= len(scores):
        raise ValueError(f"keep={keep} is outside 0 to {len(scores)}, the number of tokens")
    return best(scores, keep, pivots)


def squeezed_times(times: Tensor, kept: Tensor, keep_fraction: float) -> Tensor:
    """Temporal positions of the kept tokens: t_min + trunc((t - t_min) * keep_fraction).

    t_min is the smallest time that was kept. Keep 1 changes nothing.

    Args:
        times: integer (n,), temporal positions of a chunk.
        kept: int64 (m,), indices of the kept tokens.
        keep_fraction: m / n; taken as the fraction it stands for, so 0.29 moves 100 to 29.

    Returns:
        int64 (m,).
    """
    if not len(kept):
        return times.new_empty(0, dtype=torch.int64)
    fraction = exact_fraction(keep_fraction)
    moved = times[kept].to(torch.int64)
    first = moved.min()
    return first + (moved - first) * fraction.numerator // fraction.denominator
