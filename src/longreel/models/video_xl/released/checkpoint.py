"""A released checkpoint, checked whole before its weights are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from longreel.models.folders import read_config
from longreel.models.load_report import LoadReport
from longreel.models.overrides import Overrides
from longreel.models.shards import Shards, require_fit
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.conversion import require_complete, whole_model_names
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.models.video_xl.released.config import (
    require_summary_tokens,
    sound_config,
    translated,
    unknown_keys,
)
from longreel.models.video_xl.released.tokenizer import read_tokenizer
from longreel.models.video_xl.released.tower import PREFIX, Tower, find_tower
from longreel.models.weights import outline

# Buffers that older releases of transformers stored; they follow from the config.
_STORED_BUFFERS = ("embeddings.position_ids", "rotary_emb.inv_freq")


class Part(NamedTuple):
    """Shards and, of their tensors, those to take: their name to ours."""

    shards: Shards
    names: Mapping[str, str]


class ReleasedCheckpoint(NamedTuple):
    """What is known before any weight is read.

    model: its outline, on the meta device.
    weights: where they are.
    """

    model: VideoXLModel
    weights: tuple[Part, ...]
    tokenizer: PreTrainedTokenizerBase
    report: LoadReport

    def tensors(
        self, *, dtype: torch.dtype | None = None, device: str = "cpu"
    ) -> Iterator[dict[str, Tensor]]:
        """The weights under our names, file by file; see `Shards.parts`."""
        for part in self.weights:
            yield from part.shards.parts(part.names, dtype=dtype, device=device)


def open_checkpoint(folder: Path, overrides: Overrides | None = None) -> ReleasedCheckpoint:
    """Read everything about a released checkpoint but its weights.

    Raises:
        ModelError: files are missing or damaged, the weights are not complete (absent summary weights are
            never made up), or they do not fit the config.
    """
    overrides = overrides or Overrides()
    config = read_config(folder)
    require_summary_tokens(config, folder)
    shards = Shards.of(folder)
    tower = find_tower(folder, config, shards, overrides)
    ours = translated(config, tower.settings, overrides, folder)
    tokenizer = read_tokenizer(folder, ours.text_config.vocab_size)
    with sound_config(folder):
        model = outline(lambda: VideoXLModel(ours))
    weights = _weights(model, shards, tower)
    taken = {name for part in weights for name in part.names}
    report = LoadReport(
        folder=folder,
        tower=tower.told_by,
        tower_weights=tower.weights,
        ignored_keys=unknown_keys(config),
        ignored_tensors=tuple(
            sorted(name for name in shards.stored if name not in taken and not name.endswith(_STORED_BUFFERS))
        ),
    )
    return ReleasedCheckpoint(model, weights, tokenizer, report)


def _weights(model: VideoXLModel, shards: Shards, tower: Tower) -> tuple[Part, ...]:
    """Where every weight of the model is; see `open_checkpoint` for what is refused."""
    state, config = model.state_dict(), model.config
    assert isinstance(config, VideoXLConfig)
    names = dict(whole_model_names(config.text_config, state))
    if config.text_config.tie_word_embeddings and "lm_head.weight" not in shards.stored:
        del names["lm_head.weight"]
    elsewhere = {name for name in names if name.startswith(PREFIX)} if tower.shards is not shards else set()
    parts = [Part(shards, {name: ours for name, ours in names.items() if name not in elsewhere})]
    if elsewhere:
        moved = {tower.prefix + name.removeprefix(PREFIX): names[name] for name in elsewhere}
        parts.append(Part(tower.shards, moved))
    for part in parts:
        require_complete(name for name in part.names if name not in part.shards.stored)
        require_fit(state, part.shards.stored, part.names)
    return tuple(parts)
