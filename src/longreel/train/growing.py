"""A wider and deeper model that begins by doing nearly what a trained one does.

Every vector keeps its old coordinates and gets new ones beside them, in which words lie at random; what
reads and writes them starts close to zero. A layer that is put in twice starts almost silent the second
time (compare Net2Net, arXiv 1511.05641). The clock lives in the new coordinates, where it disturbs nothing.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from longreel.models.video_xl.clock import start_clock
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.train.start import attribute_words, number_words

_NOISE = 0.01
_SILENT = 0.05
# What the new coordinates count for in the last norm, and the look-up of numbers in what is said.
_FAINT = 0.3
# Words that no earlier training taught: until then they were only pushed away.
_TIME_WORDS = frozenset(("minute", "minutes", "second", "seconds"))


@dataclass(frozen=True)
class Growth:
    """The shape to grow to.

    layers: which layer of the smaller decoder each layer begins as; the second time it starts almost silent.
    width, inner: widths of the decoder and of its feed-forward layers, no less than those of the smaller one.
    made_up: embeddings of made-up words behind the tokenizer's.
    """

    width: int
    inner: int
    layers: tuple[int, ...]
    clock: bool
    made_up: int = 0


@torch.no_grad()
def grown(
    small: VideoXLModel, tokenizer: PreTrainedTokenizerFast, growth: Growth, *, seed: int
) -> VideoXLModel:
    """The grown model; `small`, with a linear projector, stays as it is.

    Raises:
        ValueError: the growth is none, or names a layer that is not there.
    """
    text = small.config.text_config
    _check(growth, text)
    torch.manual_seed(seed)
    model = VideoXLModel(_config(small, len(tokenizer), growth))
    model.eval()
    model.vision_tower.load_state_dict(small.vision_tower.state_dict())
    _grow_words(model, small, tokenizer)
    told = torch.cat(attribute_words(model, tokenizer))
    _grow_projector(model, small, told[:, text.hidden_size :])
    decoder, old = model.language_model, small.language_model
    _grow_norm(decoder.model.norm, old.model.norm, _FAINT)
    _place(decoder.summary_embedding, old.summary_embedding, 0.0)
    for number, source in enumerate(growth.layers):
        _grow_layer(decoder.model.layers[number], old.model.layers[source])
    again = [n for n, source in enumerate(growth.layers) if source in growth.layers[:n]]
    for number in again:
        _silence(decoder.model.layers[number])
    if model.clock is not None:
        turns = start_clock(model.clock, number_words(model, tokenizer)[:, text.hidden_size :])
        for number, turn in zip(again, turns, strict=False):
            _carry_numbers(decoder.model.layers[number], old.model.layers[growth.layers[again[0]]], turn)
    model.tie_weights()
    return model


def _check(growth: Growth, text: Any) -> None:
    if growth.width <= text.hidden_size or growth.inner < text.intermediate_size:
        raise ValueError(f"a decoder of width {text.hidden_size}, {text.intermediate_size} does not shrink")
    if not all(0 <= layer < text.num_hidden_layers for layer in growth.layers) or not growth.layers:
        raise ValueError(f"layers {growth.layers} are not all among the {text.num_hidden_layers} there are")


def _config(small: VideoXLModel, words: int, growth: Growth) -> Any:
    config = deepcopy(small.config)
    text = config.text_config
    text.hidden_size, text.intermediate_size = growth.width, growth.inner
    text.num_hidden_layers = len(growth.layers)
    text.layer_types = ["full_attention"] * len(growth.layers)
    text.vocab_size = words + growth.made_up
    config.clock = growth.clock
    config.evidence_heads = None
    return config


def _grow_words(model: VideoXLModel, small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Fill the word embeddings, all of one size."""
    words, old = (
        model.language_model.model.embed_tokens.weight,
        small.language_model.model.embed_tokens.weight,
    )
    width, count = old.shape[1], len(tokenizer)
    words.normal_(std=width**-0.5)
    untaught = [id for word, id in tokenizer.get_vocab().items() if word.isdigit() or word in _TIME_WORDS]
    fresh = words[untaught, :width].clone()
    words[:count, :width] = old[:count]
    words[untaught, :width] = fresh


def _grow_projector(model: VideoXLModel, small: VideoXLModel, new: Tensor) -> None:
    """In the new coordinates, too, a token is its word, and its context is that of its frame, turned."""
    projector: Any = model.projector
    known: Any = small.projector
    beside = torch.cat((new, new @ _rotation(new.shape[1])))
    projector.weight.copy_(torch.cat((known.weight.T, beside), dim=1).T)
    _place(projector.bias, known.bias, 0.0)


def _grow_norm(norm: nn.Module, old: nn.Module, share: float = 1.0) -> None:
    weight: Any = norm.weight
    known: Any = old.weight
    weight[: len(known)] = known
    weight[len(known) :] = known.mean() * share


def _grow_layer(layer: Any, old: Any) -> None:
    _grow_norm(layer.input_layernorm, old.input_layernorm)
    _grow_norm(layer.post_attention_layernorm, old.post_attention_layernorm)
    for part, known in ((layer.self_attn, old.self_attn), (layer.mlp, old.mlp)):
        state = dict(known.named_parameters())
        for name, parameter in part.named_parameters():
            _place(parameter, state[name], _NOISE)
    # New inner units are heard by nobody at first, but have something to say.
    inner = old.mlp.gate_proj.weight.shape[0]
    for name in ("gate_proj", "up_proj"):
        getattr(layer.mlp, name).weight[inner:].normal_(std=0.05)
    layer.mlp.down_proj.weight[:, inner:] = 0


def _place(parameter: Tensor, known: Tensor, noise: float) -> None:
    """Put `known` into the first rows and columns, and noise into the others."""
    parameter.normal_(std=noise) if noise else parameter.zero_()
    parameter[tuple(slice(size) for size in known.shape)] = known


def _silence(layer: Any) -> None:
    layer.self_attn.o_proj.weight.mul_(_SILENT)
    layer.mlp.down_proj.weight.mul_(_SILENT)


def _carry_numbers(layer: Any, look_up: Any, turn: Tensor) -> None:
    """Let the first head look where `look_up` looks, and say the number that the clock shows there."""
    attention, old = layer.self_attn, look_up.self_attn
    _grow_norm(layer.input_layernorm, look_up.input_layernorm)
    for name in ("q_proj", "k_proj"):
        for kind in ("", "summary_"):
            known, grown_one = getattr(old, kind + name), getattr(attention, kind + name)
            _place(grown_one.weight, known.weight, _NOISE)
            grown_one.bias.copy_(known.bias)
    new, head = turn.shape[0], attention.head_dim
    carry = torch.linalg.qr(torch.randn(max(new, head), max(new, head)))[0][:new, :head]
    for kind in ("", "summary_"):
        value = getattr(attention, kind + "v_proj")
        value.weight[:head].normal_(std=_NOISE)
        value.weight[:head, -new:] = carry.T
        value.bias[:head] = 0
    attention.o_proj.weight[:, :head].normal_(std=_NOISE / 2)
    attention.o_proj.weight[-new:, :head] = _FAINT * turn @ carry


def _rotation(size: int) -> Tensor:
    turn: Tensor = torch.linalg.qr(torch.randn(size, size))[0]
    return turn
