from __future__ import annotations

import pytest
import torch

from longreel.models.video_xl import SummaryTokenConfig, SummaryTokenLM
from tests.shapes import DECODER

TINY = {
    **DECODER,
    "vocab_size": 50,
    "eos_token_id": 3,
    "summary_interval": 12,
}


def tiny_lm(**changes: object) -> SummaryTokenLM:
    """A random model whose summary weights differ from the ordinary ones."""
    torch.manual_seed(0)
    lm = SummaryTokenLM(SummaryTokenConfig(**{**TINY, **changes})).eval()
    for parameter in lm.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return lm


@pytest.fixture(params=["learned", "mean"])
def lm(request: pytest.FixtureRequest) -> SummaryTokenLM:
    return tiny_lm(summary_start=request.param)


@pytest.fixture
def film() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Prefix ids, visual embeddings and question ids."""
    generator = torch.Generator().manual_seed(1)
    return torch.tensor([1, 2, 4]), torch.randn(30, 32, generator=generator), torch.tensor([5, 6, 7, 8])
