"""Attention of an answer over the memory, against the attention weights of unmodified transformers."""

from __future__ import annotations

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from longreel.models.engine.witness import attention_on_memory
from longreel.models.video_xl import SummaryTokenLM
from tests.fakes import arrays, video_xl_model
from tests.models.conftest import TINY

Film = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.mark.parametrize("count", [1, 3, 4])
def test_with_all_kept_it_is_that_of_plain_qwen2(lm: SummaryTokenLM, film: Film, count: int) -> None:
    prefix, visual, text = film
    config = {key: value for key, value in TINY.items() if not key.startswith("summary")}
    twin = Qwen2ForCausalLM(Qwen2Config(**config, attn_implementation="eager")).eval()
    twin.load_state_dict({k: v for k, v in lm.state_dict().items() if "summary" not in k})
    embedded = torch.cat([twin.model.embed_tokens(prefix), visual, twin.model.embed_tokens(text)])
    with torch.no_grad():
        attentions = twin(inputs_embeds=embedded[None], output_attentions=True).attentions
    held = len(prefix) + len(visual)
    expected = torch.stack([layer[0, :, -count:, :held].mean(1) for layer in attentions])
    memory = lm.watch(prefix, visual, interval=12, ratios=[1])
    found = torch.stack(attention_on_memory(lm, memory, text, count))
    assert torch.allclose(found, expected, atol=1e-5)


def test_it_reads_the_memory_and_leaves_it_as_it_is(lm: SummaryTokenLM, film: Film) -> None:
    prefix, visual, text = film
    memory = lm.watch(prefix, visual, interval=12, ratios=[4])
    before = [layer.keys.clone() for layer in memory.layers]
    shares = torch.stack(attention_on_memory(lm, memory, text, 2))
    assert shares.shape[2] == len(memory.layers[0].token)
    assert (shares >= 0).all()
    assert (shares.sum(-1) < 1).all()
    assert all(torch.equal(a, layer.keys) for a, layer in zip(before, memory.layers, strict=True))


def test_evidence_is_read_from_the_heads_of_the_config() -> None:
    model = video_xl_model()
    memory = model.watch(arrays(33))
    config = model.adapter.model.config  # type: ignore[attr-defined]
    ids, new = model.adapter.dialogue.after([("what is it", None)]), [5, 6, 7]
    config.evidence_heads = [[0, 1]]
    one = model.adapter.attention(memory.key_values, ids, new)
    shape = (config.text_config.num_hidden_layers, config.text_config.num_attention_heads)
    config.evidence_heads = [[layer, head] for layer in range(shape[0]) for head in range(shape[1])]
    listed = model.adapter.attention(memory.key_values, ids, new)
    config.evidence_heads = None
    every = model.adapter.attention(memory.key_values, ids, new)
    assert float(one[1].abs().max()) == 0 < float(one[0].max())
    assert all(torch.allclose(a, b) for a, b in zip(listed, every, strict=True))
    assert sum(float(layer.sum()) for layer in one) < sum(float(layer.sum()) for layer in every)
