"""Ways to fewer visual tokens before the decoder sees them, to compare summary tokens with."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ablation.recipe import AVERAGE, RANDOM, RESAMPLER, SUMMARIES

_INNER = 4


class Condenser(nn.Module):
    """Makes n // `ratio` tokens of each interval of n."""

    def __init__(self, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, tokens: Tensor, lengths: Tensor, dice: torch.Generator) -> Tensor:
        """Condense N intervals at once.

        Args:
            tokens: (N, n, width), padded at the end.
            lengths: int64 (N,), how many of them are real.
            dice: for what is left to chance.

        Returns:
            (N, n // ratio, width), of which the first length // ratio count.
        """
        raise NotImplementedError

    def _grouped(self, tokens: Tensor) -> Tensor:
        """(N, n // ratio, ratio, width), without a ragged tail."""
        groups = tokens.shape[1] // self.ratio
        grouped: Tensor = tokens[:, : groups * self.ratio].unflatten(1, (groups, self.ratio))
        return grouped


class AveragePooling(Condenser):
    """The mean of every `ratio` tokens."""

    def forward(self, tokens: Tensor, lengths: Tensor, dice: torch.Generator) -> Tensor:
        """See `Condenser`."""
        return self._grouped(tokens).mean(dim=2)


class RandomDropping(Condenser):
    """One of every `ratio` tokens, drawn at random."""

    def forward(self, tokens: Tensor, lengths: Tensor, dice: torch.Generator) -> Tensor:
        """See `Condenser`."""
        groups = self._grouped(tokens)
        chosen = torch.randint(self.ratio, groups.shape[:2], generator=dice).to(tokens.device)
        index = chosen[..., None, None].expand(-1, -1, 1, tokens.shape[2])
        return groups.gather(2, index).squeeze(2)


class Resampler(Condenser):
    """Learned queries that look at all tokens of their interval, as in Q-Former (arXiv 2301.12597, 3.1).

    One layer of cross-attention and one feed-forward layer. Tokens are told their place in the interval; an
    interval that is cut short has as many of the queries as it may keep tokens.
    """

    def __init__(self, ratio: int, interval: int, width: int, heads: int) -> None:
        super().__init__(ratio)
        self.queries = nn.Parameter(torch.randn(interval // ratio, width) * width**-0.5)
        self.places = nn.Parameter(torch.randn(interval, width) * 0.1 * width**-0.5)
        self.before, self.behind = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.inner = nn.Sequential(
            nn.Linear(width, _INNER * width), nn.GELU(), nn.Linear(_INNER * width, width)
        )

    def forward(self, tokens: Tensor, lengths: Tensor, dice: torch.Generator) -> Tensor:
        """See `Condenser`."""
        count, size = tokens.shape[:2]
        queries = self.queries[: size // self.ratio].expand(count, -1, -1)
        seen = self.before(tokens + self.places[:size])
        # Of an interval without any real token nothing counts; attention to nothing would be no number.
        padding = torch.arange(size, device=tokens.device) >= lengths.clamp(min=1)[:, None]
        found = self.attention(queries, seen, seen, key_padding_mask=padding, need_weights=False)[0]
        made: Tensor = queries + found
        made = made + self.inner(self.behind(made))
        return made


def condenser_for(kind: str, ratio: int, interval: int, width: int, heads: int) -> Condenser | None:
    """The condenser of this name; None for summary tokens, which the decoder itself makes.

    Raises:
        ValueError: there is none, or intervals are no multiple of the ratio.
    """
    if kind == SUMMARIES:
        return None
    if interval % ratio:
        raise ValueError(f"an interval of {interval} tokens is no multiple of {ratio}")
    if kind == RESAMPLER:
        return Resampler(ratio, interval, width, heads)
    return {AVERAGE: AveragePooling, RANDOM: RandomDropping}[kind](ratio)


class CondensedFilms(NamedTuple):
    """What is left of B films: tokens (B, K, width), padded at the end, and how many are real (B,)."""

    tokens: Tensor
    lengths: Tensor


def condense_films(
    condenser: Condenser, visual: Tensor, lengths: Tensor, interval: int, dice: torch.Generator
) -> CondensedFilms:
    """Condense every interval of B films; of n tokens of an interval n // ratio stay, as with summary tokens.

    Args:
        visual: (B, V, width), V a multiple of `interval`. lengths: int64 (B,).
    """
    windows = visual.shape[1] // interval
    begin = torch.arange(windows, device=lengths.device) * interval
    real = (lengths[:, None] - begin).clamp(0, interval).flatten()
    made = condenser(visual.unflatten(1, (windows, interval)).flatten(0, 1), real, dice)
    kept = lengths // interval * (interval // condenser.ratio) + lengths % interval // condenser.ratio
    return CondensedFilms(made.unflatten(0, (len(visual), windows)).flatten(1, 2), kept)
