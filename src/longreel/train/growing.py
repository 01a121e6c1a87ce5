"""A wider and deeper model that begins by doing what a trained one does.

Every vector keeps its old coordinates. The new ones beside them are empty, but for times, the clock, and
three marks: of tokens of frames, of those whose frame shows a thing, and of all tokens. A layer that is put
in twice adds nothing the first time, where it reads exactly what it was trained on (compare Net2Net, arXiv
1511.05641): it has found what it looks for, and there the first such layer says what the clock shows, and
the second passes it on. With one more in front of all, a head says what came next.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from longreel.models.video_xl.modeling import VideoXLModel
from longreel.train.shots import ATTRIBUTES
from longreel.train.telling_next import looks, tell_before, tell_next
from longreel.train.telling_time import carry_times, pass_on, repeat_louder
from longreel.train.time_words import lay_time_words

_NOISE = 0.001
# The first new coordinates, and what all new ones count for in the last norm.
_FRAME = 0.4
_THING = 0.4
_STEADY = 0.2
_MARKS = 3
_HEARD = 2.0
# Words that no earlier training taught: until then they were only pushed away.
_UNTAUGHT = frozenset(("minute", "minutes", "second", "seconds"))


@dataclass(frozen=True)
class Growth:
    """The shape to grow to.

    layers: which layer of the smaller decoder each layer begins as; all but the last time it adds nothing.
    width, inner: widths of the decoder and of its feed-forward layers, no less than those of the smaller one.
    made_up: embeddings of made-up words behind the tokenizer's.
    sharper: by how much scores of attention grow behind the first layer. In a film of twice as many scenes
        twice as many others share what attention leaves to them, until it is sharper.
    sureness: of the eyes, see `GlanceTowerConfig`; None leaves it as it is.
    tells_next: whether what came next is laid into the first two layers that add nothing, see `telling_next`.
    """

    width: int
    inner: int
    layers: tuple[int, ...]
    clock: bool
    made_up: int = 0
    sharper: float = 1.0
    sureness: float | None = None
    tells_next: bool = False


@torch.no_grad()
def grown(
    small: VideoXLModel, tokenizer: PreTrainedTokenizerFast, growth: Growth, *, seed: int
) -> VideoXLModel:
    """The grown model; `small`, with a linear projector, stays as it is.

    Args:
        tokenizer: the one of `small`, and with a clock `with_time_words`.

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
    _grow_projector(model, small)
    decoder, old = model.language_model, small.language_model
    _grow_norm(decoder.model.norm, old.model.norm)
    decoder.model.norm.weight[text.hidden_size :] = _HEARD
    _place(decoder.summary_embedding, old.summary_embedding, 0.0)
    for number, source in enumerate(growth.layers):
        _grow_layer(decoder.model.layers[number], old.model.layers[source])
        if source > 0:
            _sharpen(decoder.model.layers[number].self_attn, growth.sharper)
    silent = [decoder.model.layers[n] for n, at in enumerate(growth.layers) if at in growth.layers[n + 1 :]]
    for layer in silent:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    _lay_ways(model, small, tokenizer, growth, silent)
    model.tie_weights()
    return model


def _lay_ways(
    model: VideoXLModel,
    small: VideoXLModel,
    tokenizer: PreTrainedTokenizerFast,
    growth: Growth,
    silent: list[Any],
) -> None:
    """Let layers that add nothing tell what came next and what the clock shows."""
    decoder, text = model.language_model, small.config.text_config
    told = None
    if growth.tells_next:
        projector: Any = small.projector
        told = tell_before(silent.pop(0), looks(projector.weight), _FRAME)
    if model.clock is not None:
        size = growth.width - text.hidden_size - _MARKS
        halves = lay_time_words(decoder.model.embed_tokens.weight, model.clock, tokenizer, size)
        for layer in silent[:1]:
            carry_times(layer, halves if told is None else [torch.cat(halves, dim=1)])
        for layer in silent[1:2]:
            pass_on(layer, halves)
            repeat_louder(layer, size)
    if told is not None:
        tell_next(silent[0], 1, told)


def _check(growth: Growth, text: Any) -> None:
    if growth.width <= text.hidden_size + _MARKS or growth.inner < text.intermediate_size:
        raise ValueError(f"a decoder of width {text.hidden_size}, {text.intermediate_size} does not shrink")
    if not all(0 <= layer < text.num_hidden_layers for layer in growth.layers) or not growth.layers:
        raise ValueError(f"layers {growth.layers} are not all among the {text.num_hidden_layers} there are")
    silent = sum(at in growth.layers[n + 1 :] for n, at in enumerate(growth.layers))
    if growth.tells_next and (growth.layers[0] not in growth.layers[1:] or silent < 2):
        raise ValueError(f"layers {growth.layers} do not begin with one that adds nothing, and have another")


def _config(small: VideoXLModel, words: int, growth: Growth) -> Any:
    config = deepcopy(small.config)
    text = config.text_config
    text.hidden_size, text.intermediate_size = growth.width, growth.inner
    text.num_hidden_layers = len(growth.layers)
    text.layer_types = ["full_attention"] * len(growth.layers)
    text.vocab_size = words + growth.made_up
    config.clock = growth.clock
    if growth.sureness is not None:
        config.vision_config["sureness"] = growth.sureness
    config.evidence_heads = None
    return config


def _grow_words(model: VideoXLModel, small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Fill the word embeddings: numbers, and words that are new, lie in the new coordinates only."""
    words, old = (
        model.language_model.model.embed_tokens.weight,
        small.language_model.model.embed_tokens.weight,
    )
    width, known = old.shape[1], min(len(old), len(tokenizer))
    words.normal_(std=width**-0.5)
    untaught = [id for word, id in tokenizer.get_vocab().items() if word.isdigit() or word in _UNTAUGHT]
    untaught += range(known, len(tokenizer))
    words[:known, :width] = old[:known]
    words[untaught, :width] = 0.0
    taught = torch.ones(len(words), dtype=torch.bool)
    taught[untaught] = False
    words[taught, width:] = 0.0
    words[:, width + _MARKS - 1] = _STEADY


def _grow_projector(model: VideoXLModel, small: VideoXLModel) -> None:
    projector: Any = model.projector
    known: Any = small.projector
    _place(projector.weight, known.weight, 0.0)
    _place(projector.bias, known.bias, 0.0)
    first = len(known.bias)
    projector.bias[first] = _FRAME
    projector.bias[first + _MARKS - 1] = _STEADY
    around = projector.weight.shape[1] // 2
    projector.weight[first + 1, around : around + len(ATTRIBUTES[0])] = _THING


def _grow_norm(norm: nn.Module, old: nn.Module) -> None:
    """The mean square over more coordinates is smaller while the new ones are empty: so is the weight."""
    weight: Any = norm.weight
    known: Any = old.weight
    weight.fill_(float(known.mean()))
    weight[: len(known)] = known
    weight.mul_((len(known) / len(weight)) ** 0.5)


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


def _sharpen(attention: Any, times: float) -> None:
    for query in (attention.q_proj, attention.summary_q_proj):
        query.weight.mul_(times)
        query.bias.mul_(times)


def _place(parameter: Tensor, known: Tensor, noise: float) -> None:
    """Put `known` into the first rows and columns, and noise into the others."""
    parameter.normal_(std=noise) if noise else parameter.zero_()
    parameter[tuple(slice(size) for size in known.shape)] = known
