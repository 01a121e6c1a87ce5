"""What an ablation trains: a decoder, and what condenses films before it, if anything does."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablation.condensers import Condenser, condense_films
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.train.language import answer_loss


class Pupil(nn.Module):
    """A batch from `ArmLessons` goes in, its answer loss comes out.

    Args:
        condenser: None for summary tokens.
        prefix_ids: int64 (p,), the text before every film.
        interval: visual tokens condensed together.
        seed: of what is left to chance.
        half: make products in bfloat16; weights and sums stay in single precision.
    """

    def __init__(
        self,
        decoder: SummaryTokenLM,
        condenser: Condenser | None,
        *,
        prefix_ids: Tensor,
        interval: int,
        seed: int,
        half: bool = False,
    ) -> None:
        super().__init__()
        self.decoder, self.condenser = decoder, condenser
        self._prefix_ids, self._interval, self._seed = prefix_ids, interval, seed
        self._half = half

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Mean cross-entropy of the answer tokens."""
        with torch.autocast(batch["visual"].device.type, torch.bfloat16, enabled=self._half):
            return self._loss(batch)

    def _loss(self, batch: dict[str, Tensor]) -> Tensor:
        if self.condenser is None:
            return answer_loss(self.decoder, self._prefix_ids, batch, self._interval)
        dice = torch.Generator().manual_seed(self._seed * 1_000_003 + int(batch["number"]))
        films = condense_films(self.condenser, batch["visual"], batch["lengths"], self._interval, dice)
        # Nothing else is condensed: one interval that holds all.
        whole = {**batch, "visual": films.tokens, "lengths": films.lengths, "ratio": torch.tensor(1)}
        return answer_loss(self.decoder, self._prefix_ids, whole, films.tokens.shape[1])
