"""The loss of a conversation, for any model whose decoder our engine runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers.modeling_layers import GradientCheckpointingLayer

from longreel.key_values import Interval
from longreel.models.engine.decoder import Decoder
from longreel.positions import Rotation
from longreel.train.conversations.chat import IGNORE
from longreel.train.conversations.cuts import Cuts
from longreel.train.conversations.dataset import Shown
from longreel.train.conversations.layout import Block, Layout, lay_out
from longreel.train.conversations.seeing import Seen, Sight
from longreel.train.conversations.whole_pass import WholePass


class ConversationModel(nn.Module):
    """What the trainer trains: a sample goes in, its loss comes out. Nothing is stored between calls.

    Args:
        network: the whole model, whose weights learn.
        decoder: its language model, as the engine has it. sight: what encodes pictures for it.
        cuts: which visual tokens are condensed together, and how much.
        rotation: of queries and keys; None for the decoder's own. It travels with the call.
        truncate: see `WholePass`.
        blank: what is shown, last and read by nobody, in samples that show or condense nothing. Where several
            processes train, each has to make a gradient for every weight, if it be zero.
    """

    # Tells the trainer that losses come divided by the answer tokens of the whole step.
    accepts_loss_kwargs = True

    def __init__(
        self,
        network: nn.Module,
        decoder: Decoder,
        sight: Sight,
        *,
        cuts: Cuts,
        rotation: Rotation | None = None,
        truncate: int | None = None,
        blank: Seen | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        # Not as attributes of their own: these are parts of the network, whose weights would count twice.
        self._parts = (decoder, sight)
        self._cuts, self._truncate = cuts, truncate
        self._rotation = decoder.rotation if rotation is None else rotation
        self._blank = blank

    def train(self, mode: bool = True) -> ConversationModel:
        """Parts of which nothing learns stay as they are when a model is used."""
        super().train(mode)
        for module in self.network.modules():
            parameters = list(module.parameters())
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                for inner in module.modules():
                    # These only ask whether activations are made again, also for what learns before them.
                    if not isinstance(inner, GradientCheckpointingLayer):
                        inner.training = False
        return self

    def forward(
        self,
        ids: Tensor,
        labels: Tensor,
        shown: Sequence[Shown],
        place: int,
        num_items_in_batch: Tensor | int | None = None,
    ) -> dict[str, Tensor]:
        """The loss of one sample, see `Item`: summed over its answer tokens, divided by `num_items_in_batch`.

        Args:
            num_items_in_batch: answer tokens of the whole step; None for those of the sample.
        """
        decoder, sight = self._parts
        parts = [[sight.embeddings(seen) for seen in each["seen"]] for each in shown]
        visual = [torch.cat(each) for each in parts]
        cut = self._cuts.of(place, shown, parts)
        layout = self._laid(len(ids), shown, visual, cut)
        embeddings = _embedded(decoder, ids, visual, layout)
        whole = WholePass(layout, self._rotation, embeddings.device, self._truncate)
        hidden = decoder.run(embeddings[None], whole)[0]
        learned = labels != IGNORE
        # A token is told by what stands before it.
        before = layout.text.to(labels.device)[learned] - 1
        loss = cross_entropy(decoder.scores(hidden[before]), labels[learned], reduction="sum")
        return {"loss": loss / (learned.sum() if num_items_in_batch is None else num_items_in_batch)}

    def _laid(
        self, text: int, shown: Sequence[Shown], visual: list[Tensor], cut: Sequence[Sequence[Interval]]
    ) -> Layout:
        """Where everything stands; what is shown for nobody is added to `visual`."""
        blocks = [Block(each["before"], tuple(intervals)) for each, intervals in zip(shown, cut, strict=True)]
        if self._blank is not None and self._lacks_something(cut):
            blank = self._parts[1].embeddings(self._blank)
            visual.append(blank)
            # If anything is ever condensed, all of it to one.
            ratio = len(blank) if self._cuts.condenses else 1
            blocks.append(Block(text, (Interval(len(blank), ratio),)))
        return lay_out(text, blocks)

    def _lacks_something(self, cut: Sequence[Sequence[Interval]]) -> bool:
        """Whether there is nothing to see, or nothing to condense where that is learned."""
        ratios = [interval.ratio for intervals in cut for interval in intervals]
        return not ratios or (self._cuts.condenses and max(ratios) == 1)


def _embedded(decoder: Decoder, ids: Tensor, visual: Sequence[Tensor], layout: Layout) -> Tensor:
    """All of the row, (n, width)."""
    parts = []
    for part in layout.parts:
        if part.block is None:
            parts.append(decoder.embed(ids[part.begin : part.end]))
        else:
            raw = visual[part.block][part.begin : part.end].to(decoder.device, decoder.dtype)
            parts.append(decoder.interleaved(raw, part.slots))
    return torch.cat(parts)


def recompute_activations(layers: Any) -> None:
    """Let a language model make the activations of its layers again for the gradient, and not hold them."""
    # The newer of its two names is not in every release of transformers that is supported.
    newer = getattr(layers, "activation_checkpointing_enable", None)
    (newer or layers.gradient_checkpointing_enable)({"use_reentrant": False})
