"""Nucleus sampling, plainly (Holtzman et al. 2020, arXiv 1904.09751, section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def next_word_chances(logits: Sequence[float], temperature: float, top_p: float) -> list[float]:
    """Chance of each word: the fewest likeliest words that make up `top_p` share it, the others get none."""
    weights = [math.exp(logit / temperature) for logit in logits]
    chances = [weight / sum(weights) for weight in weights]
    nucleus: list[int] = []
    for word in sorted(range(len(chances)), key=lambda word: -chances[word]):
        nucleus.append(word)
        if sum(chances[each] for each in nucleus) >= top_p:
            break
    total = sum(chances[each] for each in nucleus)
    return [chance / total if word in nucleus else 0.0 for word, chance in enumerate(chances)]
