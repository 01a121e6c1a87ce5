"""Video-XL's summary tokens written down plainly: one head, one layer and one token at a time.

Follows the specification's section b with loops and no cache: all keys are kept unrotated and rotated
afresh for every query's window. Float64 throughout.
"""

from __future__ import annotations

import torch


def rotate(x, position, base):
    """Rotate one vector (head_dim,) to an integer position, half-split layout."""
    half = x.shape[0] // 2
    out = x.clone()
    for i in range(half):
        angle = torch.tensor(position * base ** (-2 * i / x.shape[0]), dtype=torch.float64)
        out[i] = x[i] * angle.cos() - x[i + half] * angle.sin()
        out[i + half] = x[i + half] * angle.cos() + x[i] * angle.sin()
    return out


def rms_norm(x, weight, eps):
    return weight * x / torch.sqrt((x * x).mean() + eps)


def linear(x, state, name):
    bias = state.get(f"{name}.bias")
    out = state[f"{name}.weight"] @ x
    return out if bias is None else out + bias


class PlainVideoXL:
    """A plain decoder over `state` (float64 copies of a SummaryTokenLM's tensors)."""

    def __init__(self, config, state):
        self.config = config
        self.state = {name: tensor.double() for name, tensor in state.items()}
        self.head_dim = config.hidden_size // config.num_attention_heads
        # Per layer: list of (unrotated key per kv head, value per kv head).
        self.memory = [[] for _ in range(config.num_hidden_layers)]

    def call(self, inputs, is_summary, keep):
        """One call of the released model: `inputs` after the memory; returns final hidden states."""
        layers = self.config.num_hidden_layers
        hidden = [x.double() for x in inputs]
        for layer in range(layers):
            hidden = self._layer(layer, hidden, is_summary, keep)
        norm = self.state["model.norm.weight"]
        return [rms_norm(x, norm, self.config.rms_norm_eps) for x in hidden]

    def _layer(self, layer, hidden, is_summary, keep):
        name = f"model.layers.{layer}"
        heads, kv_heads = self.config.num_attention_heads, self.config.num_key_value_heads
        eps, base = self.config.rms_norm_eps, self.config.rope_theta
        queries, entries = [], []
        for x, summary in zip(hidden, is_summary, strict=True):
            normed = rms_norm(x, self.state[f"{name}.input_layernorm.weight"], eps)
            prefix = f"{name}.self_attn.summary_" if summary else f"{name}.self_attn."
            queries.append(linear(normed, self.state, prefix + "q_proj").view(heads, -1))
            key = linear(normed, self.state, prefix + "k_proj").view(kv_heads, -1)
            value = linear(normed, self.state, prefix + "v_proj").view(kv_heads, -1)
            entries.append((key, value))
        before = len(self.memory[layer])
        everything = self.memory[layer] + entries
        out = []
        for i, x in enumerate(hidden):
            seen = everything[: before + i + 1]
            parts = [
                self._head(queries[i][h], before + i, seen, h * kv_heads // heads, base) for h in range(heads)
            ]
            x = x + linear(torch.cat(parts), self.state, f"{name}.self_attn.o_proj")
            normed = rms_norm(x, self.state[f"{name}.post_attention_layernorm.weight"], eps)
            gate = linear(normed, self.state, f"{name}.mlp.gate_proj")
            up = linear(normed, self.state, f"{name}.mlp.up_proj")
            x = x + linear(gate * torch.sigmoid(gate) * up, self.state, f"{name}.mlp.down_proj")
            out.append(x)
        self.memory[layer] = self.memory[layer] + [entries[i] for i in keep]
        return out

    def _head(self, query, position, seen, kv_head, base):
        query = rotate(query, position, base)
        scores = (
            torch.stack([query @ rotate(key[kv_head], place, base) for place, (key, _) in enumerate(seen)])
            / self.head_dim**0.5
        )
        weights = scores.softmax(0)
        return sum(w * value[kv_head] for w, (_, value) in zip(weights, seen, strict=True))


def watch_and_ask(config, state, prefix_ids, visual, question_ids, interval, ratios):
    """Logits of the question tokens after a film, and the model with its memory.

    interval: tokens of each but the last, which has the rest; or a list of all.
    """
    model = PlainVideoXL(config, state)
    embed = model.state["model.embed_tokens.weight"]

    def text(ids):
        inputs = [embed[i] for i in ids.tolist()]
        return model.call(inputs, [False] * len(inputs), list(range(len(inputs))))

    if len(prefix_ids):
        text(prefix_ids)
    if isinstance(interval, list):
        starts = [sum(interval[:number]) for number in range(len(interval))]
    else:
        starts = list(range(0, len(visual), interval))
    ends = [*starts[1:], len(visual)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        ratio = ratios[0] if len(ratios) == 1 else ratios[number]
        inputs, is_summary, group = [], [], []
        for count, x in enumerate(visual[start:end], 1):
            inputs.append(x)
            group.append(x)
            is_summary.append(False)
            if ratio > 1 and count % ratio == 0:
                start_as = model.state["summary_embedding"][0]
                if config.summary_start == "mean":
                    start_as = start_as + sum(group) / len(group)
                inputs.append(start_as)
                group = []
                is_summary.append(True)
        keep = [i for i, summary in enumerate(is_summary) if summary or ratio == 1]
        model.call(inputs, is_summary, keep)
    hidden = text(question_ids)
    return torch.stack([model.state["lm_head.weight"] @ x for x in hidden]), model
