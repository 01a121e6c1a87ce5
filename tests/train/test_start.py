"""The untrained model already looks things up, bluntly."""

from __future__ import annotations

import torch

from longreel.films.vocabulary import COLOURS, OBJECTS
from longreel.models.video_xl.glance_tower import focused
from longreel.train.shots import ATTRIBUTES
from longreel.train.start import untrained


def test_a_word_finds_the_frames_that_show_it() -> None:
    model, tokenizer = untrained(
        0, width=64, layers=2, heads=1, head_dim=64, rope_theta=1e9, interval=16, made_up=8
    )
    attention = model.language_model.model.layers[1].self_attn
    things = torch.arange(0, 40)
    shares = [torch.zeros(len(things), len(names)) for names in ATTRIBUTES]
    shares[0][torch.arange(len(things)), things] = 1.0
    shares[1][:, : len(COLOURS)] = torch.eye(len(COLOURS))[things % len(COLOURS)]
    seen = model.projector(focused(shares))  # (things, attributes, width)
    names = model.language_model.embed(torch.tensor(tokenizer.convert_tokens_to_ids(OBJECTS[: len(things)])))
    scores = attention.q_proj(names) @ attention.k_proj(seen[:, 1]).T
    assert (scores.argmax(dim=1) == things).float().mean() > 0.9
    carried = attention.o_proj(attention.v_proj(seen[:, 0]))
    found = model.language_model.lm_head(carried).argmax(-1)
    expected = torch.tensor(tokenizer.convert_tokens_to_ids(OBJECTS[: len(things)]))
    assert (found == expected).float().mean() > 0.5
