"""The Video-XL language model: a Qwen2 decoder with visual summary tokens, without the vision tower."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model, Qwen2PreTrainedModel

from longreel.key_values import KeyValues
from longreel.models.engine.decoding import Sampler, decode
from longreel.models.engine.passes import AttentionPass, Slots
from longreel.models.engine.prefill import Prefill, cut
from longreel.models.video_xl.attention import SummaryTokenAttention, initialise_summary_projections
from longreel.models.video_xl.configuration import SummaryTokenConfig
from longreel.models.video_xl.conversion import decoder_tensors
from longreel.positions import Rotation, inverse_frequencies


class SummaryTokenLM(Qwen2PreTrainedModel):
    """Qwen2 with summary tokens: watches visual embeddings, then answers from their summaries.

    Follows Video-XL (arXiv 2409.14485, section 3.2). Nothing of a film is stored in the model: every
    call owns its state, so films and threads cannot affect each other.
    """

    config_class = SummaryTokenConfig
    config: SummaryTokenConfig
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: SummaryTokenConfig) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        for index, layer in enumerate(self.model.layers):
            layer.self_attn = SummaryTokenAttention(config, index)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.summary_embedding = nn.Parameter(torch.zeros(1, config.hidden_size))
        self.post_init()

    @classmethod
    def from_official(cls, config: Mapping[str, Any], state_dict: Mapping[str, Tensor]) -> SummaryTokenLM:
        """Build from a released checkpoint's config keys and tensor names (spec g).

        Vision tensors and unknown config keys are ignored; the dtype of the tensors is kept.

        Raises:
            ModelError: a tensor is missing or has the wrong shape.
        """
        official = config if isinstance(config, Mapping) else config.to_dict()
        translated = SummaryTokenConfig.from_official(official)
        model = cls(translated)
        tensors = decoder_tensors(translated, state_dict)
        model.to(dtype=tensors["model.norm.weight"].dtype)  # type: ignore[call-arg]
        model.load_state_dict(tensors, strict=True)
        model.eval()
        return model

    @property
    def head_dim(self) -> int:
        """Width of a head."""
        told: int | None = getattr(self.config, "head_dim", None)
        return told or self.config.hidden_size // self.config.num_attention_heads

    @property
    def layer_shapes(self) -> list[tuple[int, int]]:
        """(kv_heads, head_dim) of each layer."""
        heads = self.config.num_key_value_heads or self.config.num_attention_heads
        return [(heads, self.head_dim)] * self.config.num_hidden_layers

    @property
    def rotation(self) -> Rotation:
        """One axis, never scaled."""
        return Rotation(inverse_frequencies(self.head_dim, self.config.rope_theta))

    @property
    def packed(self) -> bool:
        """A position is the number of entries before it (spec b)."""
        return True

    @property
    def text_beside(self) -> bool:
        """Text follows behind."""
        return False

    @torch.no_grad()
    def initialise_summary_tokens(self, embedding_of: int | None = None) -> None:
        """Start the summary weights from the decoder's own (paper section 3.2).

        Projections are copied per layer; the embedding is that of token `embedding_of` (default: eos).
        """
        initialise_summary_projections(self.model.layers)
        token = self.config.eos_token_id if embedding_of is None else embedding_of
        if isinstance(token, int):
            self.summary_embedding.copy_(self.embed(torch.tensor([token], device=self.device)))

    def embed(self, ids: Tensor) -> Tensor:
        """Word embeddings of int64 `ids`, (*ids.shape, width)."""
        embedded: Tensor = self.model.embed_tokens(ids.to(self.device))
        return embedded

    def interleaved(self, raw: Tensor, slots: Slots | None) -> Tensor:
        """Raw tokens (..., n, width) with the summary tokens' embeddings in their slots."""
        if slots is None:
            return raw
        summaries = self.summary_embedding.to(raw.dtype)
        if self.config.summary_start == "mean" and len(slots.summary):
            summaries = summaries + _means(raw, slots.summary - torch.arange(len(slots.summary)))
        inputs = raw.new_empty(*raw.shape[:-2], len(slots.raw) + len(slots.summary), raw.shape[-1])
        inputs[..., slots.raw, :] = raw
        inputs[..., slots.summary, :] = summaries
        return inputs

    def run(self, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None = None) -> Tensor:
        """Run all layers over (B, n, width); returns the normalised hidden states. `deep` is not used."""
        hidden = embeddings
        for layer in self.model.layers:
            hidden = layer(hidden, attention_pass=attention_pass)
        normed: Tensor = self.model.norm(hidden)
        return normed

    def run_for_memory(
        self, embeddings: Tensor, attention_pass: AttentionPass, deep: Tensor | None = None
    ) -> None:
        """Run a visual interval: the last layer only records keys and values (spec b, last-layer fact)."""
        hidden = embeddings
        for layer in self.model.layers[:-1]:
            hidden = layer(hidden, attention_pass=attention_pass)
        last = self.model.layers[-1]
        last.self_attn.record(last.input_layernorm(hidden), attention_pass)

    @torch.no_grad()
    def watch(
        self,
        prefix_ids: Tensor,
        visual_embeddings: Tensor,
        *,
        interval: int | Sequence[int],
        ratios: Sequence[int],
    ) -> KeyValues:
        """Condense a film into the keys and values of its summary tokens.

        Args:
            prefix_ids: int64 (p,), the text before the film; kept whole.
            visual_embeddings: (V, width), what the vision side gives.
            interval: visual tokens condensed together, where the last interval may be shorter; or the lengths
                of all intervals, such as those that end where the picture changes.
            ratios: one for the film or one per interval. Ratio r keeps n // r summaries of an interval of
                n tokens and drops a ragged tail; ratio 1 keeps the raw keys.

        Raises:
            ValueError: a ratio or an interval is below 1, the number of ratios fits neither form, or the
                listed intervals do not make up the film.
        """
        return self._watch(prefix_ids, visual_embeddings, interval, ratios).key_values()

    def _watch(
        self,
        prefix_ids: Tensor,
        visual_embeddings: Tensor,
        interval: int | Sequence[int],
        ratios: Sequence[int],
    ) -> Prefill:
        parts = cut(len(visual_embeddings), interval, ratios)
        prefill = Prefill(self)
        prefill.text(prefix_ids)
        for part, compressor in parts:
            prefill.visual(visual_embeddings[part], compressor)
        return prefill

    @torch.no_grad()
    def logits(self, memory: KeyValues, question_ids: Tensor) -> Tensor:
        """Logits after each question token, float32 (len(question_ids), vocabulary)."""
        prefill = Prefill(self, memory, borrow=True)
        return self.scores(prefill.text(question_ids))

    def scores(self, hidden: Tensor) -> Tensor:
        """Logits of normalised hidden states (n, width), float32 (n, vocabulary)."""
        logits: Tensor = self.lm_head(hidden)
        return logits.float()

    @torch.no_grad()
    def generate(
        self, memory: KeyValues, question_ids: Tensor, max_new_tokens: int = 8, eos: int | None = None
    ) -> list[int]:
        """Greedy continuation of the question; `eos=None` never stops early."""
        return list(self.stream(memory, question_ids, max_new_tokens=max_new_tokens, eos=eos))

    def stream(
        self,
        memory: KeyValues,
        question_ids: Tensor,
        *,
        max_new_tokens: int,
        eos: int | None = None,
        sampler: Sampler | None = None,
    ) -> Iterator[int]:
        """Yield one new token id after the other; `eos` ends the stream and is not yielded."""
        ends = frozenset() if eos is None else frozenset((eos,))
        return decode(self, memory, question_ids, max_new_tokens, ends, sampler or Sampler())

    def loss(
        self,
        prefix_ids: Tensor,
        visual_embeddings: Tensor,
        question_ids: Tensor,
        answer_ids: Tensor,
        *,
        interval: int | Sequence[int],
        ratios: Sequence[int],
    ) -> Tensor:
        """Mean cross-entropy of the answer tokens, differentiable through the memory (spec d)."""
        prefill = self._watch(prefix_ids, visual_embeddings, interval, ratios)
        hidden = prefill.text(torch.cat((question_ids, answer_ids)))
        predicted = self.scores(hidden[len(question_ids) - 1 : -1])
        return cross_entropy(predicted, answer_ids.to(predicted.device))


def _means(raw: Tensor, ends: Tensor) -> Tensor:
    """Means of consecutive groups of tokens (..., n, width) that end before `ends`: (..., groups, width)."""
    sizes = ends.diff(prepend=ends.new_zeros(1))
    sums = [part.sum(dim=-2) for part in raw[..., : int(ends[-1]), :].split(sizes.tolist(), dim=-2)]
    return torch.stack(sums, dim=-2) / sizes[:, None].to(raw)
