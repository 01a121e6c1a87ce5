"""The untrained default model: tokenizer, shapes and first weights, fixed by a seed."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from longreel.films.vocabulary import question_words, telling_word
from longreel.models.reel_tiny.words import build_tokenizer
from longreel.models.video_xl.configuration import SummaryTokenConfig, VideoXLConfig
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.train.shots import ATTRIBUTES
from longreel.train.time_words import lay_time_words, with_time_words


def untrained(
    seed: int,
    *,
    width: int,
    layers: int,
    heads: int,
    head_dim: int,
    rope_theta: float,
    interval: int,
    clock: bool = False,
    made_up: int = 0,
) -> tuple[VideoXLModel, PreTrainedTokenizerFast]:
    """The model and tokenizer before any training.

    Behind the tokenizer's words stand the embeddings of `made_up` more, for `MadeUpNames`.

    Word embeddings start with a norm of about one. The projector starts as the embeddings of the words
    that the tower names, so that what is seen and what is said are the same vectors, and, for a token's
    context, as those vectors turned by one random rotation. The decoder starts as `start_as_look_up` says.
    """
    tokenizer = build_tokenizer(question_words())
    if clock:
        tokenizer = with_time_words(tokenizer)
    torch.manual_seed(seed)
    decoder = SummaryTokenConfig(
        vocab_size=len(tokenizer) + made_up,
        hidden_size=width,
        intermediate_size=width * 11 // 4,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=head_dim,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": rope_theta},
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        summary_interval=interval,
        summary_ratios=[1, 2, 4, 8, 16],
        summary_start="mean",
    )
    config = VideoXLConfig(
        vision_config={
            "model_type": "longreel_glance_tower",
            "words": [len(names) for names in ATTRIBUTES],
            "other_colours": True,
        },
        text_config=decoder,
        projector="linear",
        pool=1,
        default_fps=2.0,
        closed_vocabulary=True,
        clock=clock,
    )
    model = VideoXLModel(config)
    with torch.no_grad():
        model.language_model.model.embed_tokens.weight.normal_(std=width**-0.5)
        focus = torch.cat(attribute_words(model, tokenizer))
        turn = torch.linalg.qr(torch.randn(width, width))[0]
        weight = torch.cat((focus, focus @ turn)).T
        model.projector.load_state_dict({"weight": weight, "bias": torch.zeros(width)})
    if model.clock is not None:
        lay_time_words(model.language_model.model.embed_tokens.weight, model.clock, tokenizer, width)
    start_as_look_up(model.language_model, turn)
    return model, tokenizer


@torch.no_grad()
def start_as_look_up(decoder: SummaryTokenLM, turn: Tensor) -> None:
    """Let every layer but the first begin as a blunt look-up: a word finds what was seen beside it.

    Queries and keys share one random projection, with `turn` (width, width), the rotation of a token's
    context, between them: a word's query resembles the keys of the tokens whose context holds that word.
    Values pass through unchanged, at a fifth of their size.
    Compare mimetic initialisation (arXiv 2305.09828).
    """
    for layer in list(decoder.model.layers)[1:]:
        attention = layer.self_attn
        match, carry = (_random_frame(*attention.k_proj.weight.T.shape) for _ in range(2))
        attention.q_proj.weight.copy_((turn @ match).T)
        attention.k_proj.weight.copy_(match.T)
        attention.v_proj.weight.copy_(carry.T)
        attention.o_proj.weight.copy_(0.2 * carry)


def _random_frame(width: int, inner: int) -> Tensor:
    """(width, inner), rows of unit length on average at equal sizes, orthogonal where there is room."""
    size = max(width, inner)
    frame: Tensor = torch.linalg.qr(torch.randn(size, size))[0][:width, :inner]
    return frame * math.sqrt(size / width)


def attribute_words(model: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> list[Tensor]:
    """Word embeddings (words, width) of each attribute, in the order of its labels."""
    embeddings = model.language_model.model.embed_tokens.weight.detach()
    tables = []
    for names in ATTRIBUTES:
        words = [telling_word(name) for name in names]
        tables.append(embeddings[tokenizer.convert_tokens_to_ids(words)].clone())
    return tables
