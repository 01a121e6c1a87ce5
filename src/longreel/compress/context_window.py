"""Visual context window extension: rotary frequencies rescaled from the window trained on video.

Arxiv 2409.20018, equation 5: pairs that turn often within the window stay as they are, pairs that do not
complete a turn are interpolated, and a ramp lies between. This is YaRN (arXiv 2309.00071) with the longest
*visual* sequence of training as its window; one table serves text and visual tokens alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from longreel.errors import UsageError
from longreel.positions import Rotation, inverse_frequencies

RAMPS = ("paper", "yarn", "linear")
AUTO: Literal["auto"] = "auto"


class ScaledFrequencies(NamedTuple):
    """A rotary table for a longer window.

    inv_freq: float64 (head_dim // 2,).
    attention_factor: multiplies both cosines and sines.
    """

    inv_freq: Tensor
    attention_factor: float


@dataclass(frozen=True)
class RescaledWindow:
    """A window as one memory has it: the rotary table that all its text and visual tokens share.

    ramp: see `scaled_frequencies`.
    window, target: extents in positions, trained on and read; the scale is their quotient.
    inv_freq: the table, head_dim // 2 frequencies. attention_factor: see `ScaledFrequencies`.
    watched_target: the target while the film was watched, if it was extended since: the keys are turned to
        where they would stand, but they and the values were computed by the earlier table.
    """

    ramp: str
    window: int
    target: int
    inv_freq: tuple[float, ...]
    attention_factor: float
    watched_target: int | None = None

    @property
    def scale(self) -> float:
        """How much longer the target is than the window, at least 1."""
        return self.target / self.window

    def rotation(self, trained: Rotation) -> Rotation:
        """What turns queries and keys in place of the rotation a model was trained with."""
        table = torch.tensor(self.inv_freq, dtype=torch.float64)
        return replace(trained, inv_freq=table, factor=trained.factor * self.attention_factor)


def rotation_within(window: RescaledWindow | None, trained: Rotation) -> Rotation:
    """The rotation of a memory: its own, or the model's where nothing was rescaled."""
    return trained if window is None else window.rotation(trained)


@dataclass(frozen=True)
class ContextWindow:
    """Read longer films than a model was trained on, by rotary frequencies rescaled for the whole memory.

    ramp: see `scaled_frequencies`.
    window: extent of the longest visual sequence in training, in positions; None for the family's own.
    target: extent to be read. "auto" is what the films are expected to take up once all other parts of the
        method have done their work, known before the first of them is encoded; below the window nothing
        changes.
    attention_factor: multiplies cosines and sines; None for that of the ramp. Without effect at scale 1.
    """

    ramp: str = "paper"
    window: int | None = None
    target: int | Literal["auto"] = AUTO
    attention_factor: float | None = None

    def __post_init__(self) -> None:
        if self.ramp not in RAMPS:
            raise UsageError(f"unknown ramp {self.ramp!r}: known are {', '.join(RAMPS)}")
        if self.window is not None:
            _check_extent("window", self.window)
        if self.target != AUTO:
            _check_extent("target", self.target)
            if self.window is not None:
                _check_order(self.window, self.target)
        factor = self.attention_factor
        if factor is not None and not 0 < factor < math.inf:
            raise UsageError(
                f"attention_factor={factor} is not a number above 0: leave it out for the ramp's"
            )

    def fitted(self, trained: Rotation, trained_window: int, extent: int) -> RescaledWindow:
        """The window of one memory.

        Args:
            trained: rotation of the model. trained_window: its family's.
            extent: positions the films will take up; read only if the target is "auto".

        Raises:
            UsageError: the target is shorter than the window.
        """
        window = trained_window if self.window is None else self.window
        target = max(window, extent) if self.target == AUTO else self.target
        _check_order(window, target)
        return self._table(trained, window, target)

    def extended(self, trained: Rotation, before: RescaledWindow, target: int) -> RescaledWindow:
        """The window for a longer target of a memory that was watched with the window `before`.

        Raises:
            UsageError: the target is no extent, or shorter than before.
        """
        _check_extent("target", target)
        if target < before.target:
            raise UsageError(
                f"target={target} is shorter than the {before.target:,} positions that the memory was made "
                "for: a window is only extended, watch again for a shorter one"
            )
        if target == before.target:
            return before
        longer = self._table(trained, before.window, target)
        watched = before.target if before.watched_target is None else before.watched_target
        return replace(longer, watched_target=watched)

    def _table(self, trained: Rotation, window: int, target: int) -> RescaledWindow:
        scale = target / window
        table = rescaled(trained.inv_freq, _base_of(trained.inv_freq), window, scale, self.ramp)
        factor = table.attention_factor
        if self.attention_factor is not None and scale > 1:
            factor = self.attention_factor
        return RescaledWindow(self.ramp, window, target, tuple(table.inv_freq.tolist()), factor)


def _check_extent(name: str, extent: object) -> None:
    if isinstance(extent, bool) or not isinstance(extent, int) or extent < 1:
        either = ' or "auto"' if name == "target" else ""
        raise UsageError(f"{name}={extent} is no number of positions: give a whole number{either}")


def _check_order(window: int, target: int) -> None:
    if target < window:
        raise UsageError(
            f"target={target} is shorter than the {window:,} positions of the trained window: a window is "
            'only extended, give a larger target or "auto"'
        )


def _base_of(inv_freq: Tensor) -> float:
    """The base that frequencies were made from, read off the slowest."""
    pairs = len(inv_freq)
    return float(inv_freq[-1].double()) ** (-pairs / (pairs - 1)) if pairs > 1 else math.e


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
