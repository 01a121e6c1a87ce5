"""Watching films with a condenser in front of the decoder, as in its training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ablation.condensers import Condenser
from longreel.compress.base import Compressor, FilmCompressor
from longreel.compress.baselines import KeepAll
from longreel.identity import hash_json, hash_tensors
from longreel.key_values import TEXT, KeyValues
from longreel.models.base import VisualTokens
from longreel.models.engine.decoder import Decoder
from longreel.models.engine.prefill import Prefill
from longreel.models.stand_in import StandIn
from longreel.models.video_xl.adapter import VideoXLAdapter


class CondensedWatcher:
    """The memory of one film, of which every full interval is condensed and then prefilled; see `Watcher`."""

    def __init__(self, model: Decoder, prefix_ids: Tensor, condenser: Condenser, interval: int) -> None:
        self._condenser, self._interval = condenser, interval
        self._prefill = Prefill(model)
        self._waiting: Tensor | None = None
        self._closed = self._intervals = 0
        with torch.no_grad():
            self._prefill.text(prefix_ids)

    @property
    def closed_tokens(self) -> int:
        """See `Watcher`."""
        return self._closed

    def push(self, tokens: VisualTokens) -> None:
        """See `Watcher`."""
        given = tokens.embeddings
        self._waiting = given if self._waiting is None else torch.cat((self._waiting, given))
        while len(self._waiting) >= self._interval:
            self._close(self._waiting[: self._interval])
            self._waiting = self._waiting[self._interval :]

    @torch.no_grad()
    def _close(self, tokens: Tensor) -> None:
        dice = torch.Generator().manual_seed(self._intervals)
        made = self._condenser(tokens[None], torch.tensor([len(tokens)]), dice)[0]
        if len(made):
            self._prefill.visual(made, KeepAll())
        self._closed += len(tokens)
        self._intervals += 1

    def look_back(self, tokens: VisualTokens) -> None:
        """Nothing depends on what was before."""

    def text(self, ids: Tensor) -> None:
        """See `Watcher`; only ahead of films."""
        self._prefill.text(ids)

    def begin_film(self, compressor: FilmCompressor, held: int = 0) -> None:
        """Intervals reach over films."""

    def end_film(self) -> None:
        """Intervals reach over films."""

    def checkpoint(self) -> KeyValues:
        """Entries stand for the last of the tokens that they were made of."""
        held = self._prefill.key_values()
        ratio = self._condenser.ratio
        layers = tuple(
            replace(layer, token=torch.where(layer.token == TEXT, layer.token, (layer.token + 1) * ratio - 1))
            for layer in held.layers
        )
        return replace(held, layers=layers, visual_tokens=self._closed)

    def finish(self) -> KeyValues:
        """See `Watcher`."""
        if self._waiting is not None and len(self._waiting):
            self._close(self._waiting)
            self._waiting = None
        return self.checkpoint()


class CondensingModel(StandIn):
    """It watches from the first frame on; memories that were broken off are refused."""

    def __init__(self, adapter: VideoXLAdapter, condenser: Condenser) -> None:
        super().__init__(adapter)
        self._decoder, self._interval = adapter.model.language_model, adapter.interval
        self._condenser = condenser.eval()

    def watcher(
        self, prefix_ids: Tensor, compressor: Compressor, resume: KeyValues | None = None, **_: Any
    ) -> CondensedWatcher:
        """See `ModelAdapter`."""
        if resume is not None or not isinstance(compressor, KeepAll):
            raise ValueError("a condenser works by itself, on whole films")
        return CondensedWatcher(self._decoder, prefix_ids, self._condenser, self._interval)

    def identity(self) -> dict[str, str]:
        """That of the model, and of the condenser."""
        learned = hash_tensors(self._condenser.state_dict())
        kind = {"kind": type(self._condenser).__name__, "ratio": self._condenser.ratio, "weights": learned}
        return {**self._adapter.identity(), "condenser": hash_json(kind)}
