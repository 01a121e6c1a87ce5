"""Self-attention with separate projections for summary tokens (Video-XL, paper section 3.2)."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.models.qwen2.modeling_qwen2 import Qwen2Attention

from longreel.models.engine.passes import AttentionPass
from longreel.models.video_xl.configuration import SummaryTokenConfig


class Projections(NamedTuple):
    """Unrotated queries (B, heads, n, head_dim) and keys, values (B, kv_heads, n, head_dim)."""

    query: Tensor
    key: Tensor
    value: Tensor


class SummaryTokenAttention(Qwen2Attention):
    """Qwen2 attention whose summary slots use q/k/v weights of their own.

    What is attended to (memory, own interval, text) and what is kept is not decided here but by the
    `AttentionPass` that travels with the call, so that one model serves any number of films at once.
    """

    def __init__(self, config: SummaryTokenConfig, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        self.summary_q_proj = nn.Linear(self.q_proj.in_features, self.q_proj.out_features, bias=True)
        self.summary_k_proj = nn.Linear(self.k_proj.in_features, self.k_proj.out_features, bias=True)
        self.summary_v_proj = nn.Linear(self.v_proj.in_features, self.v_proj.out_features, bias=True)

    def copy_summary_projections(self) -> None:
        """Start the summary projections as copies of the ordinary ones (paper section 3.2)."""
        for name in ("q_proj", "k_proj", "v_proj"):
            getattr(self, f"summary_{name}").load_state_dict(getattr(self, name).state_dict())

    def project(self, hidden: Tensor, attention_pass: AttentionPass) -> Projections:
        """Project hidden states (B, n, width); summary slots through their own weights."""
        return Projections(
            self._project(hidden, self.q_proj, self.summary_q_proj, attention_pass),
            self._project(hidden, self.k_proj, self.summary_k_proj, attention_pass),
            self._project(hidden, self.v_proj, self.summary_v_proj, attention_pass),
        )

    def _project(
        self, hidden: Tensor, raw: nn.Linear, summary: nn.Linear, attention_pass: AttentionPass
    ) -> Tensor:
        slots = attention_pass.slots
        projected: Tensor
        if slots is None:
            projected = raw(hidden)
        else:
            seen, condensed = raw(hidden[:, slots.raw]), summary(hidden[:, slots.summary])
            projected = seen.new_empty(*hidden.shape[:-1], raw.out_features)
            projected[:, slots.raw] = seen
            projected[:, slots.summary] = condensed
        return projected.view(*hidden.shape[:-1], -1, self.head_dim).transpose(1, 2)

    def forward(  # type: ignore[override]
        self, hidden_states: Tensor, attention_pass: AttentionPass, **_: Any
    ) -> tuple[Tensor, None]:
        """Attend as `attention_pass` says; (B, n, width) to (B, n, width)."""
        parts = self.project(hidden_states, attention_pass)
        attended = attention_pass.attend(self.layer_idx, *parts)
        merged = attended.transpose(1, 2).reshape(*hidden_states.shape[:-1], -1)
        return self.o_proj(merged), None

    def record(self, hidden_states: Tensor, attention_pass: AttentionPass) -> None:
        """Hand over what is recorded: all that a visual interval needs of the last layer."""
        attention_pass.record(self.layer_idx, *self.project(hidden_states, attention_pass))


@torch.no_grad()
def initialise_summary_projections(layers: nn.ModuleList) -> None:
    """Copy every layer's q/k/v projections into its summary projections."""
    for layer in layers:
        attention = layer.self_attn
        assert isinstance(attention, SummaryTokenAttention)
        attention.copy_summary_projections()
