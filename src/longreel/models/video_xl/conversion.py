"""Tensor names of the released Video-XL checkpoint and of ours (spec g)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from longreel.errors import ModelError
from longreel.models.video_xl.configuration import SummaryTokenConfig

_PROJECTIONS = ("q_proj", "k_proj", "v_proj")


def official_names(config: SummaryTokenConfig) -> Iterator[tuple[str, str]]:
    """Yield (our name, released name) of every tensor of the language model."""
    yield "model.embed_tokens.weight", "model.embed_tokens.weight"
    yield "model.norm.weight", "model.norm.weight"
    yield "lm_head.weight", "lm_head.weight"
    yield "summary_embedding", "model.beacon_embed_tokens.weight"
    for layer in range(config.num_hidden_layers):
        yield from _layer_names(f"model.layers.{layer}")


def _layer_names(layer: str) -> Iterator[tuple[str, str]]:
    for name in _PROJECTIONS:
        for kind in ("weight", "bias"):
            yield f"{layer}.self_attn.{name}.{kind}", f"{layer}.self_attn.{name}.{kind}"
            yield f"{layer}.self_attn.summary_{name}.{kind}", f"{layer}.self_attn.beacon_{name}.{kind}"
    for same in (
        "self_attn.o_proj.weight",
        "mlp.gate_proj.weight",
        "mlp.up_proj.weight",
        "mlp.down_proj.weight",
        "input_layernorm.weight",
        "post_attention_layernorm.weight",
    ):
        yield f"{layer}.{same}", f"{layer}.{same}"


def whole_model_names(config: SummaryTokenConfig, state: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (released name, our name) of every tensor of a `VideoXLModel` with a CLIP or SigLIP tower.

    Args:
        state: our names of all of them.
    """
    for ours, theirs in official_names(config):
        yield theirs, f"language_model.{ours}"
    for name in state:
        part, _, inner = name.partition(".")
        if part == "projector":
            yield f"model.mm_projector.{inner}", name
        if part == "vision_tower":
            # Releases of transformers differ in whether the tower's own names begin like this.
            inner = inner.removeprefix("vision_model.").removeprefix("vision_model.")
            yield f"model.vision_tower.vision_tower.vision_model.{inner}", name


def require_complete(missing: Iterable[str]) -> None:
    """Refuse a checkpoint that lacks tensors.

    Raises:
        ModelError: there are any. Absent summary weights are never made up, since a film watched with
            untrained ones gives answers that look plausible and are not.
    """
    names = list(missing)
    if names:
        raise ModelError(
            f"checkpoint lacks {len(names)} tensors, the first is {names[0]!r}: "
            "use the complete Video-XL checkpoint with its summary-token (beacon_*) weights"
        )


def decoder_tensors(config: SummaryTokenConfig, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Pick and rename the language model's tensors.

    Raises:
        ModelError: tensors are missing or have other shapes; see `require_complete`.
    """
    renamed = {ours: state_dict[theirs] for ours, theirs in official_names(config) if theirs in state_dict}
    if (
        config.tie_word_embeddings
        and "lm_head.weight" not in renamed
        and "model.embed_tokens.weight" in renamed
    ):
        renamed["lm_head.weight"] = renamed["model.embed_tokens.weight"]
    require_complete(theirs for ours, theirs in official_names(config) if ours not in renamed)
    _require_shapes(config, renamed)
    return renamed


def _require_shapes(config: SummaryTokenConfig, tensors: Mapping[str, Tensor]) -> None:
    from longreel.models.video_xl.language_model import SummaryTokenLM

    with torch.device("meta"):
        expected = SummaryTokenLM(config).state_dict()
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ModelError(
                f"tensor {name!r} has shape {tuple(tensor.shape)} but its config says "
                f"{tuple(expected[name].shape)}: config and weights do not belong together"
            )
