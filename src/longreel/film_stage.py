"""Between encoder and prefill: frames are chosen when the last one of a film has been seen."""

from __future__ import annotations

import torch
from torch import Tensor

from longreel.compress.base import ChoosingSelector, FilmChoice, FrameChoice
from longreel.feature_stage import EvenFrames
from longreel.models.base import VisualTokens

_NONE = torch.empty(0, dtype=torch.int64)


class FilmStage:
    """Visual tokens of one film go in; those of the frames that stay come out at its end.

    Features are held of frames only that may yet stay. Those that stay take the places of the first ones.
    Text before a frame goes with it, and what begins the film stays at its beginning.

    Args:
        expected: visual tokens that the film is to become; None if that is not known.
    """

    def __init__(self, selector: ChoosingSelector, expected: int | None) -> None:
        self._selector, self._expected = selector, expected
        self._choice: FrameChoice | None = None
        self._even = EvenFrames()
        # Of the frames held: features (K, N, D), what goes to deep layers (levels, K, N, D), numbers (K, N).
        self._features: Tensor | None = None
        self._deep: Tensor | None = None
        self._numbers = torch.empty(0, 0, dtype=torch.int64)
        # Of all frames: times, places, and the text before each.
        self._start, self._end = torch.empty(0), torch.empty(0)
        self._place: Tensor | None = None
        self._words: dict[int, Tensor] = {}
        self._stamped: set[int] = set()

    def push(self, tokens: VisualTokens) -> None:
        """Take tokens of whole frames."""
        if not len(tokens):
            return
        features = self._even.of(tokens)
        if self._choice is None:
            expected = None if self._expected is None else max(1, self._expected // features.shape[1])
            self._choice = self._selector.choice(expected)
        self._note(tokens, features.shape[1])
        self._hold(tokens, features)
        stay = self._choice.push(features)
        if stay is not None:
            assert self._features is not None
            self._features = _rows(self._features, stay)
            self._deep = None if self._deep is None else torch.stack([_rows(one, stay) for one in self._deep])
            self._numbers = self._numbers.gather(0, stay.cpu())

    def end(self) -> VisualTokens | None:
        """The film is over: what stays of it."""
        if self._choice is None or self._features is None:
            return None
        choice = self._choice.end(self._features)
        first = self._numbers.gather(0, choice.first.cpu())
        last = self._numbers.gather(0, choice.last.cpu())
        frames, patches = first.shape
        sources = first.amin(1).tolist()
        chosen = VisualTokens(
            _stretches(self._features, choice).flatten(0, 1),
            self._start[first].flatten(),
            self._end[last].flatten(),
            torch.arange(frames).repeat_interleave(patches),
            self._woven(sources, patches),
            None if self._place is None else self._place[:, : frames * patches],
            None
            if self._deep is None
            else torch.stack([_stretches(one, choice) for one in self._deep]).flatten(1, 2),
            None if choice.pivots is None else choice.pivots.cpu().flatten(),
            tuple(at * patches for at, source in enumerate(sources) if at and source in self._stamped),
        )
        self._features = self._deep = None
        return chosen

    def _note(self, tokens: VisualTokens, patches: int) -> None:
        before = len(self._start)
        self._words |= {before + at // patches: ids for at, ids in tokens.words}
        self._stamped |= {before + at // patches for at in tokens.stamped}
        self._start = torch.cat((self._start.double(), tokens.start[::patches]))
        self._end = torch.cat((self._end.double(), tokens.end[::patches]))
        if tokens.place is not None:
            place = tokens.place
            self._place = place if self._place is None else torch.cat((self._place, place), dim=1)

    def _hold(self, tokens: VisualTokens, features: Tensor) -> None:
        frames, patches = features.shape[:2]
        seen = torch.arange(len(self._start) - frames, len(self._start))[:, None].expand(-1, patches)
        first = self._features is None
        self._numbers = seen if first else torch.cat((self._numbers, seen))
        self._features = features if self._features is None else torch.cat((self._features, features))
        if tokens.deep is not None:
            deep = tokens.deep.unflatten(1, (frames, patches))
            self._deep = deep if self._deep is None else torch.cat((self._deep, deep), dim=1)

    def _woven(self, sources: list[int], patches: int) -> tuple[tuple[int, Tensor], ...]:
        """The text before each frame that stays; `sources` are the numbers of the frames it comes from."""
        woven = {number: self._words.get(source, _NONE) for number, source in enumerate(sources)}
        if sources[0] != 0:
            woven[0] = _beginning(self._words.get(0, _NONE), woven[0])
        return tuple((number * patches, ids) for number, ids in woven.items() if len(ids))


def _beginning(begins: Tensor, before: Tensor) -> Tensor:
    """What stands before the first frame of a film, if that is one which had `before` in its midst.

    Where text before each frame ends the frame before it first, the film's first has no such end.
    """
    if not len(begins) or not len(before):
        return begins
    at = (before == begins[0]).nonzero()
    return before[int(at[0]) :] if len(at) else torch.cat((begins, before))


def _rows(held: Tensor, rows: Tensor) -> Tensor:
    """Rows (S, N) of what is held of each patch, (K, N, D)."""
    return held.gather(0, rows.to(held.device)[..., None].expand(-1, -1, held.shape[2]))


def _stretches(held: Tensor, choice: FilmChoice) -> Tensor:
    """What stands for each stretch, (S, N, D)."""
    if not choice.mean:
        return _rows(held, choice.last)
    begins = torch.zeros(held.shape[:2], dtype=torch.int64, device=held.device)
    number = begins.scatter(0, choice.first.to(held.device), 1).cumsum(0) - 1
    sums = held.new_zeros(*choice.first.shape, held.shape[2], dtype=torch.float32)
    sums.scatter_add_(0, number[..., None].expand_as(held), held.float())
    sizes = (choice.last - choice.first + 1).to(sums)
    return (sums / sizes[..., None]).to(held.dtype)
