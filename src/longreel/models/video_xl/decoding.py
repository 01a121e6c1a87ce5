"""Token-by-token decoding over a memory that is read and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from longreel.key_values import KeyValues
from longreel.models.video_xl.prefill import Prefill

if TYPE_CHECKING:
    from longreel.models.video_xl.language_model import SummaryTokenLM


@dataclass(frozen=True)
class Sampler:
    """How the next token is chosen: greedily at temperature 0, else by seeded nucleus sampling."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None

    def generator(self) -> torch.Generator | None:
        """A random generator of its own, so that threads and runs do not disturb each other."""
        if self.temperature == 0.0:
            return None
        generator = torch.Generator()
        if self.seed is None:
            generator.seed()
        else:
            generator.manual_seed(self.seed)
        return generator

    def choose(self, logits: Tensor, generator: torch.Generator | None) -> int:
        """Choose a token id from float32 logits (vocabulary,)."""
        if generator is None:
            return int(logits.argmax())
        scores = TemperatureLogitsWarper(self.temperature)(torch.empty(0), logits[None].cpu())
        if self.top_p < 1.0:
            scores = TopPLogitsWarper(self.top_p)(torch.empty(0), scores)
        return int(torch.multinomial(scores.softmax(-1)[0], 1, generator=generator))


def decode(
    model: SummaryTokenLM,
    memory: KeyValues,
    question_ids: Tensor,
    max_new_tokens: int,
    eos: int | None,
    sampler: Sampler,
) -> Iterator[int]:
    """Yield new token ids after `question_ids`, at most `max_new_tokens` and none after `eos`."""
    prefill = Prefill(model, memory, room=len(question_ids) + max_new_tokens)
    generator = sampler.generator()
    ids = question_ids
    for _ in range(max_new_tokens):
        # Entered for each step, not once: a generator must not leave its caller in no_grad mode.
        with torch.no_grad():
            logits: Tensor = model.lm_head(prefill.text(ids)[-1]).float()
        token = sampler.choose(logits, generator)
        if token == eos:
            return
        yield token
        ids = torch.tensor([token])
