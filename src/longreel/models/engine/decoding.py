"""Token-by-token decoding over a memory that is read and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from longreel.key_values import KeyValues
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.prefill import Prefill


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
    model: Decoder,
    memory: KeyValues,
    question_ids: Tensor,
    max_new_tokens: int,
    eos: frozenset[int],
    sampler: Sampler,
) -> Iterator[int]:
    """Yield new token ids after `question_ids`, at most `max_new_tokens`; those in `eos` end it unsaid."""
    prefill = Prefill(model, memory, borrow=True)
    generator = sampler.generator()
    ids = question_ids
    for _ in range(max_new_tokens):
        # Entered for each step, not once: a generator must not leave its caller in no_grad mode.
        with torch.no_grad():
            logits = model.scores(prefill.text(ids)[-1:])[0]
        token = sampler.choose(logits, generator)
        prefill.go_behind()
        if token in eos:
            return
        yield token
        ids = torch.tensor([token])
