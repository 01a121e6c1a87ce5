"""In bfloat16 no two ways of computing agree to the last bit: ours is as near to stock as stock to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

import longreel
from tests.families.stock import Stock
from tests.families.test_parity import QUESTIONS, film, logits, seen


def decoder_inputs(stock: Stock, given: dict[str, Any]) -> dict[str, Any]:
    """What the language model of the unmodified model is called with."""
    caught: dict[str, Any] = {}

    def catch(_: Any, __: Any, called: dict[str, Any]) -> None:
        caught.update(called)

    decoder = stock.model.model.language_model
    handle = decoder.register_forward_pre_hook(catch, with_kwargs=True)
    try:
        stock.model(**given)
    finally:
        handle.remove()
    return caught


def in_chunks(stock: Stock, called: dict[str, Any], chunk: int) -> Tensor:
    """Logits of the unmodified decoder over its own cache, chunk after chunk."""
    embeddings, positions = called["inputs_embeds"], called.get("position_ids")
    masks, deep = called.get("visual_pos_masks"), called.get("deepstack_visual_embeds")
    if masks is not None and masks.ndim == 3:
        masks = masks[..., 0]
    cache, hidden, seen_before = DynamicCache(config=stock.model.config.get_text_config()), [], 0
    for start in range(0, embeddings.shape[1], chunk):
        part = slice(start, start + chunk)
        more: dict[str, Any] = {}
        if positions is not None:
            more["position_ids"] = positions[..., part]
        if masks is not None:
            count = int(masks[:, part].sum())
            more["visual_pos_masks"] = masks[:, part]
            more["deepstack_visual_embeds"] = [level[seen_before : seen_before + count] for level in deep]
            seen_before += count
        out = stock.model.model.language_model(
            inputs_embeds=embeddings[:, part], past_key_values=cache, use_cache=True, **more
        )
        hidden.append(out.last_hidden_state)
    return stock.model.lm_head(torch.cat(hidden, dim=1))[0].float()


# With this length of chunk, stock shows a difference to itself on every family; with multiples of the
# processor's blocks it may show none.
_STOCK_CHUNK = 7


@pytest.mark.parametrize("chunk", [7, 50])
def test_as_near_as_stock_in_chunks_is_to_stock_in_one(family: str, folder: Path, chunk: int) -> None:
    model = longreel.load(folder, dtype="bfloat16")
    model.adapter.interval = chunk  # type: ignore[misc]
    stock = Stock.load(family, folder, torch.bfloat16)
    ours, theirs, pairs = [], [], []
    for seed in range(4):
        source = film(8, seed=seed)
        turns = [(QUESTIONS[0], None)]
        found = logits(model, model.watch(source), turns)
        given = stock.inputs([seen(model, source)], [[t for _, t in source]], turns, fps=2.0)
        with torch.no_grad():
            one = stock.model(**given).logits[0].float()
            chunked = in_chunks(stock, decoder_inputs(stock, given), _STOCK_CHUNK)
        one, chunked = one[-len(found) :], chunked[-len(found) :]
        ours.append((found - one).abs().max())
        theirs.append((chunked - one).abs().max())
        pairs.append((found, one))
    assert max(theirs) > 0
    assert max(ours) <= 2 * max(theirs)
    for found, one in pairs:
        best = one.topk(2).values
        clear = best[:, 0] - best[:, 1] > 2 * max(theirs)
        assert clear.any()
        assert torch.equal(found.argmax(-1)[clear], one.argmax(-1)[clear])
