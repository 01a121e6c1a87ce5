"""Visual context window extension: rotary frequencies rescaled from the window trained on video.

Arxiv 2409.20018, equation 5: pairs that turn often within the window stay as they are, pairs that do not
complete a turn are interpolated, and a ramp lies between. This is YaRN (arXiv 2309.00071) with the longest
*visual* sequence of training as its window; one table serves text and visual tokens alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.positions import inverse_frequencies

RAMPS = ("paper", "yarn", "linear")


class ScaledFrequencies(NamedTuple):
    """A rotary table for a longer window.

    inv_freq: float64 (head_dim // 2,).
    attention_factor: multiplies both cosines and sines.
    """

    inv_freq: Tensor
    attention_factor: float


def scaled_frequencies(
    head_dim: int,
    base: float,
    window: float,
    target: float,
    ramp: str = "paper",
    beta_fast: float = 32.0,
    beta_slow: float = 1.0,
) -> ScaledFrequencies:
    """Frequencies with which a model trained on `window` positions of video reads `target` of them.

    Args:
        head_dim: width of an attention head, even.
        base: of the rotary frequencies, above 1.
        window: extent of the longest visual sequence in training, in positions.
        target: extent to be read, in positions; at target = window nothing changes.
        ramp: "paper", linear in the turns within the window, equation 5; "yarn", linear in the index of
            the pair between whole pairs, with YaRN's attention factor 0.1 ln(target / window) + 1, as in
            transformers; "linear", plain interpolation of all pairs.
        beta_fast: turns within the window from which a pair is left as it is.
        beta_slow: turns up to which it is fully interpolated.

    Raises:
        ValueError: odd head_dim, base not above 1, target < window, unknown ramp, or betas that are not
            0 < beta_slow < beta_fast.
    """
    if head_dim < 2 or head_dim % 2:
        raise ValueError(f"head_dim={head_dim} does not fall into pairs: give an even number")
    if not base > 1:
        raise ValueError(f"base={base} is not above 1")
    if not 0 < window <= target:
        raise ValueError(f"target={target} is shorter than window={window}: a window is only extended")
    frequencies = inverse_frequencies(head_dim, base)
    return rescaled(frequencies, base, window, target / window, ramp, beta_fast, beta_slow)


def rescaled(
    inv_freq: Tensor,
    base: float,
    window: float,
    scale: float,
    ramp: str = "paper",
    beta_fast: float = 32.0,
    beta_slow: float = 1.0,
) -> ScaledFrequencies:
    """`scaled_frequencies` for a model that has its frequencies already.

    Args:
        inv_freq: (head_dim // 2,), the frequencies the model was trained with.
        base: they were made from; only the ramp "yarn" reads it.
        scale: target / window, at least 1.

    Raises:
        ValueError: scale below 1, unknown ramp, or betas that are not 0 < beta_slow < beta_fast.
    """
    if not scale >= 1:
        raise ValueError(f"scale={scale} is below 1: a window is only extended")
    if not 0 < beta_slow < beta_fast:
        raise ValueError(f"give 0 < beta_slow < beta_fast, not beta_slow={beta_slow}, beta_fast={beta_fast}")
    trained = inv_freq.to(torch.float64)
    if ramp == "paper":
        share = _share_by_turns(trained, window, beta_fast, beta_slow)
    elif ramp == "yarn":
        share = _share_by_index(trained, base, window, beta_fast, beta_slow)
    elif ramp == "linear":
        share = torch.zeros_like(trained)
    else:
        raise ValueError(f"unknown ramp {ramp!r}: known are {', '.join(RAMPS)}")
    factor = 0.1 * math.log(scale) + 1 if ramp == "yarn" else 1.0
    # Exact at both ends: a share of 1 gives the trained frequency itself.
    return ScaledFrequencies(torch.lerp(trained / scale, trained, share), factor)


def _share_by_turns(inv_freq: Tensor, window: float, beta_fast: float, beta_slow: float) -> Tensor:
    """How much of each trained frequency stays: linear in its turns within the window (equation 5)."""
    turns = window * inv_freq / (2 * math.pi)
    return ((turns - beta_slow) / (beta_fast - beta_slow)).clamp(0, 1)


def _share_by_index(
    inv_freq: Tensor, base: float, window: float, beta_fast: float, beta_slow: float
) -> Tensor:
    """The same, linear in the pair's index between the pairs that turn beta_fast and beta_slow times."""
    head_dim = 2 * len(inv_freq)

    def pair(turns: float) -> float:
        return head_dim * math.log(window / (turns * 2 * math.pi)) / (2 * math.log(base))

    # The published YaRN limits the pairs to head_dim - 1, not to their number, and keeps the two apart.
    low, high = max(math.floor(pair(beta_fast)), 0), min(math.ceil(pair(beta_slow)), head_dim - 1)
    index = torch.arange(len(inv_freq), dtype=torch.float64, device=inv_freq.device)
    return 1 - ((index - low) / max(high - low, 1e-3)).clamp(0, 1)
