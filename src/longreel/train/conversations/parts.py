"""What of a model learns: whole parts, adapters, and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from longreel.errors import LongreelError, UsageError
from longreel.train.conversations.recipe import Lora

# By how the names of weights begin, in the models there are.
_BEGINNINGS = {
    "vision_tower": ("vision_tower.", "model.vision_tower."),
    "projector": ("projector.", "clock.", "model.multi_modal_projector."),
    "language_model": ("language_model.", "model.language_model.", "lm_head."),
}


def part_of(name: str) -> str | None:
    """The part that a weight of a model belongs to; None for what belongs to none and never learns."""
    if "summary_" in name:
        return "summary_tokens"
    return next((part for part, begin in _BEGINNINGS.items() if name.startswith(begin)), None)


def let_learn(model: nn.Module, parts: Collection[str], *, others: torch.dtype | None = None) -> None:
    """Let the weights of some parts learn and no others.

    Args:
        others: what the numbers of those that do not learn are held as; None for as they are.

    Raises:
        UsageError: the model lacks a part.
    """
    there = {part_of(name) for name, _ in model.named_parameters()}
    for part in parts:
        if part not in there:
            raise UsageError(f"the model has no {part.replace('_', ' ')} to train: leave it out of train")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(part_of(name) in parts)
        if others is not None and not parameter.requires_grad:
            parameter.data = parameter.data.to(others)


def with_adapters(model: Any, plan: Lora) -> Any:
    """Put adapters on the decoder's layers, in place; they learn, beside what learned before.

    Returns:
        What saves and merges them (a peft model around the same weights).

    Raises:
        LongreelError: peft is not installed.
        UsageError: the decoder has no matrix of such a name.
    """
    if find_spec("peft") is None:
        raise LongreelError("adapters need another package: pip install 'longreel[train]'")
    from peft import LoraConfig, get_peft_model

    learns = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    layers = r".*language_model\.(?:model\.)?layers\.\d+\..*\."
    targets = layers + "(?:" + "|".join(plan.targets) + ")"
    try:
        adapted = get_peft_model(
            model,
            LoraConfig(r=plan.rank, lora_alpha=plan.alpha, lora_dropout=plan.dropout, target_modules=targets),
        )
    except ValueError as error:
        raise UsageError(
            f"[lora] targets {', '.join(plan.targets)}: none is in the decoder's layers"
        ) from error
    for name, parameter in model.named_parameters():
        if name in learns:
            parameter.requires_grad_(True)
    return adapted
