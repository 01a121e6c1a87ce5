"""Made-up names for things, so that a decoder looks things up instead of learning what goes with what.

Training never shows some things in some colours, places and actions. A decoder that learns on real names
concludes that there are no such combinations: measured, it then failed on them while it read films of
known combinations well. A made-up name, drawn anew for every film, goes with nothing in particular, and no
combination that is held out is ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from longreel.films.vocabulary import OBJECTS
from longreel.models.video_xl.cells import CellEnds, ends_of_cells
from longreel.models.video_xl.clock import Clock
from longreel.models.video_xl.glance_tower import focused
from longreel.train.shots import ATTRIBUTES


class Names:
    """One film's names for things: the real ones, or made-up ones in their place.

    Args:
        words: int64 (vocabulary,), the word that stands for each word.
        projector: (2 * all words, width), the projection of what is seen.
        bias: (width,).
        clock: tells the time of frames, if the model has one.
    """

    def __init__(self, words: Tensor, projector: Tensor, bias: Tensor, clock: Clock | None) -> None:
        self._words, self._projector, self._bias, self._clock = words, projector, bias, clock

    @torch.no_grad()
    def look(self, shares: Tensor, seconds: Tensor) -> Tensor:
        """Visual tokens (4 * F, width) of frames (F, all words) at times (F,)."""
        seen = self._project(focused(_parts(shares)))
        return self._timed(seen, seconds).flatten(0, 1)

    @torch.no_grad()
    def look_at_cells(self, shares: Tensor, coverage: Tensor, seconds: Tensor) -> Tensor:
        """Visual tokens (F, cells, width) of frames (F, all words) whose thing covers cells by (F, cells)."""
        ends = ends_of_cells(_parts(shares))
        # What is linear may be done before cells are made, of which there are many.
        seen = CellEnds(self._project(ends.covered), self._project(ends.bare)).at(coverage)
        return self._timed(seen, seconds)

    def _project(self, features: Tensor) -> Tensor:
        return features @ self._projector + self._bias

    def _timed(self, seen: Tensor, seconds: Tensor) -> Tensor:
        return seen if self._clock is None else seen + self._clock(seconds)[:, None]

    def say(self, ids: Tensor) -> Tensor:
        """Word ids, or labels, with the names exchanged."""
        return torch.where(ids < 0, ids, self._words[ids.clamp(min=0)])


def _parts(shares: Tensor) -> Sequence[Tensor]:
    return torch.split(shares, [len(names) for names in ATTRIBUTES], dim=-1)


class MadeUpNames:
    """Draws names for films.

    Args:
        tokenizer: knows the real names.
        embeddings: (vocabulary, width), at least one made-up word per thing behind the tokenizer's words.
        projector: its "weight", (width, 2 * all words), and "bias", (width,).
        clock: the model's, if it has one.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        embeddings: Tensor,
        projector: Mapping[str, Tensor],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock
        self._bias = projector["bias"].detach().clone()
        self._projector = projector["weight"].detach().clone().T.contiguous()
        self._things = torch.tensor(tokenizer.convert_tokens_to_ids(list(OBJECTS)))
        self._made_up = torch.arange(len(tokenizer), len(embeddings))
        self._plain = torch.arange(len(embeddings))
        focus = self._projector[: len(self._projector) // 2]
        # Not lstsq: a grown model has columns of zeros, of which its default makes noise.
        turn = torch.linalg.pinv(focus) @ self._projector[len(focus) :]
        made_up = embeddings.detach()[self._made_up]
        self._looks = torch.cat((made_up, made_up @ turn), dim=1)
        # Coordinates without any name tell that a thing is there, whichever it is.
        self._nameless = (embeddings.detach()[self.words] == 0).all(dim=0)

    @property
    def words(self) -> Tensor:
        """Ids of all names, real and made up: their embeddings must not change, lest they differ."""
        return torch.cat((self._things, self._made_up))

    @property
    def real(self) -> Names:
        """The names as they are."""
        return Names(self._plain, self._projector, self._bias, self._clock)

    def draw(self, generator: np.random.Generator) -> Names:
        """New names for all things."""
        chosen = torch.from_numpy(generator.permutation(len(self._made_up))[: len(self._things)])
        words = self._plain.clone()
        words[self._things] = self._made_up[chosen]
        projector = self._projector.clone()
        focus, context = self._looks[chosen].chunk(2, dim=1)
        half, things = len(projector) // 2, len(self._things)
        named = ~self._nameless
        projector[:things, named] = focus[:, named]
        projector[half : half + things, named] = context[:, named]
        return Names(words, projector, self._bias, self._clock)
