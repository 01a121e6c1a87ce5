"""A published decoder, run by us: its layers as they are, with attention left to our pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from longreel.models.engine.passes import AttentionPass, Slots
from longreel.positions import Rotation

# The name under which models find our attention function.
ATTENTION = "longreel"


def register_attention() -> None:
    """Make our attention function known by its name; safe to call again, and nothing else is changed."""
    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, _attend)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    attention_pass: AttentionPass,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    layer: Any = module.layer_idx
    return attention_pass.attend(layer, query, key, value, scaling).transpose(1, 2).contiguous(), None


class _RecordingPass:
    """A pass of which only what it records is wanted: nothing is attended to."""

    slots: Slots | None = None

    def __init__(self, attention_pass: AttentionPass) -> None:
        self._pass = attention_pass

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        self._pass.record(layer, query, key, value)
        return torch.zeros_like(query)

    def record(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        self._pass.record(layer, query, key, value)


class TransformersDecoder:
    """See `Decoder`. Layers get cosines of one and sines of zero: rotation is the pass's business.

    Args:
        language_model: `embed_tokens`, `layers`, `norm`; its attention must be `ATTENTION`.
        lm_head: hidden states to logits.
        rotation: of the model.
        packed, text_beside: see `Decoder`.
        special: embeddings (width,) of ids that stand for something else than a word.
    """

    def __init__(
        self,
        language_model: Any,
        lm_head: nn.Module,
        rotation: Rotation,
        *,
        packed: bool,
        text_beside: bool = False,
        special: Mapping[int, Tensor] | None = None,
    ) -> None:
        config = language_model.config
        if config._attn_implementation != ATTENTION:
            raise ValueError(f"the model must be loaded with attn_implementation {ATTENTION!r}")
        self._model = language_model
        self._head = lm_head
        self._special = dict(special or {})
        self.rotation, self.packed, self.text_beside = rotation, packed, text_beside
        heads = config.num_key_value_heads
        self._head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.layer_shapes = [(heads, self._head_dim)] * config.num_hidden_layers

    @property
    def device(self) -> torch.device:
        """Of the weights."""
        device: torch.device = self._model.embed_tokens.weight.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        dtype: torch.dtype = self._model.embed_tokens.weight.dtype
        return dtype

    def embed(self, ids: Tensor) -> Tensor:
        """See `Decoder`."""
        ids = ids.to(self.device)
        embedded: Tensor = self._model.embed_tokens(ids)
        for token, meaning in self._special.items():
            embedded = torch.where((ids == token)[:, None], meaning.to(embedded), embedded)
        return embedded

    def interleaved(self, raw: Tensor, slots: Slots | None) -> Tensor:
        """See `Decoder`; these weights have no summary tokens."""
        if slots is not None:
            raise ValueError("these weights have no summary tokens")
        return raw

    def run(self, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None = None) -> Tensor:
        """See `Decoder`."""
        hidden = self._through(self._model.layers, embeddings, attention_pass, deep)
        normed: Tensor = self._model.norm(hidden)
        return normed

    def run_for_memory(
        self, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None = None
    ) -> None:
        """See `Decoder`."""
        hidden = self._through(self._model.layers[:-1], embeddings, attention_pass, deep)
        last = self._model.layers[-1]
        last.self_attn(
            hidden_states=last.input_layernorm(hidden),
            position_embeddings=self._unturned(hidden),
            attention_mask=None,
            attention_pass=_RecordingPass(attention_pass),
        )

    def scores(self, hidden: Tensor) -> Tensor:
        """See `Decoder`."""
        logits: Tensor = self._head(hidden)
        return logits.float()

    def _through(
        self, layers: Any, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None
    ) -> Tensor:
        hidden = embeddings
        unturned = self._unturned(hidden)
        for number, layer in enumerate(layers):
            hidden = layer(
                hidden,
                position_embeddings=unturned,
                attention_mask=None,
                attention_pass=attention_pass,
            )
            if deep is not None and number < len(deep):
                hidden = hidden + deep[number].to(hidden)
        return hidden

    def _unturned(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        shape = (1, hidden.shape[1], self._head_dim)
        return hidden.new_ones(shape), hidden.new_zeros(shape)
