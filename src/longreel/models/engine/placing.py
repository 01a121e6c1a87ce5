"""Where tokens stand on the position axes of a film, chunk after chunk."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor

from longreel.key_values import KeyValues, Squeeze
from longreel.positions import consecutive


class Stretch(NamedTuple):
    """Tokens of one kind that follow each other in a chunk.

    first: number of the first visual token that is not before it.
    """

    is_text: bool
    tokens: int
    first: int


class Placing:
    """The places that a growing memory takes up; a value for each film and thread.

    Text stands one behind the other. Visual tokens of a model with three axes stand where their picture
    says, counted from where their stretch began (see `VisualTokens.place`); those of a model with one axis
    stand like text.

    With a fraction, what is kept of a chunk moves together in time: where the chunk begins it stays, what is
    t later is trunc(t * fraction) later, and the next chunk begins trunc(t * fraction), at least 1, behind
    where this one did. Nothing moves within a frame, or within text. Text among frames follows as far behind
    the stretch before it as that is long, times the fraction.

    Args:
        axes: 1 or 3.
        beside: see `Decoder.text_beside`.
        start: a memory to go on behind.
    """

    def __init__(self, axes: int, *, beside: bool, start: KeyValues | None = None) -> None:
        self._axes = axes
        self._beside = beside
        self.next = 0
        self.end = 0
        # Where the present stretch of visual tokens began, and the time of its first; see `KeyValues`.
        self.run: tuple[int, int] | None = None
        self.squeeze: Squeeze | None = None
        if start is not None:
            self.next, self.run = start.next_position, start.run
            self.end = start.next_position if start.end is None else start.end

    def text(self, count: int) -> Tensor:
        """So many tokens of text."""
        positions = consecutive(self.next, count, self._axes)
        self.next += count
        self.end = max(self.end, self.next)
        self.run, self.squeeze = None, None
        return positions

    def go_on(self, squeeze: Squeeze | None) -> None:
        """Go on with the stretch that the memory ended in, not with text."""
        self.squeeze = squeeze
        if squeeze is not None:
            self.next = squeeze.next

    def go_behind(self) -> None:
        """What follows stands behind every position so far."""
        self.next, self.run, self.squeeze = self.end, None, None

    def film_ends(self) -> None:
        """What follows a film stands where text behind it does."""
        if not self._beside:
            self.go_behind()

    @property
    def behind_film(self) -> int:
        """Where text would stand if the film ended here."""
        return self.next if self._beside else self.end

    def copy(self) -> Placing:
        """Places of what may yet be placed in another way."""
        same = Placing(self._axes, beside=self._beside)
        same.next, same.end, same.run, same.squeeze = self.next, self.end, self.run, self.squeeze
        return same

    def drop(self, count: int) -> None:
        """So many of the last tokens leave no gap."""
        self.next -= count
        self.end = self.next

    def chunk(
        self, stretches: Sequence[Stretch], place: Tensor | None, fraction: Fraction = Fraction(1)
    ) -> Tensor:
        """The tokens of a chunk, (m,) or (3, m).

        Args:
            place: int64 (3, n), of its visual tokens; None with one axis.
            fraction: by which its times are squeezed.
        """
        parts = []
        for is_text, count, first in stretches:
            if is_text:
                parts.append(self.text(count))
            elif place is None:
                parts.append(self._in_line(count, fraction))
            else:
                parts.append(self._in_frames(place[:, first : first + count], fraction))
        return torch.cat(parts, dim=-1)

    def _in_line(self, count: int, fraction: Fraction) -> Tensor:
        positions = self.next + _squeezed(torch.arange(count), fraction)
        self.next = self.end = int(positions[-1]) + 1
        return positions if self._axes == 1 else positions.expand(self._axes, -1)

    def _in_frames(self, place: Tensor, fraction: Fraction) -> Tensor:
        time = int(place[0, 0])
        if self.run is None:
            self.run = (self.next, time)
            begin, at = self.next, self.next
        else:
            begin, at = self.run[0], self._following(time)
        there = torch.cat(((at + _squeezed(place[0] - time, fraction))[None], begin + place[1:]))
        wide = begin + int(place[1:].max()) + 1
        until = max(at + int(place[0].max()) - time + 1, wide)
        self.end = max(self.end, int(there.max()) + 1)
        if self._beside:
            # The last token of a picture is its lower right corner.
            self.next = begin + int(place[1:, -1].max()) + 1
        elif fraction == 1:
            self.next = self.end
        else:
            self.next = max(int(there[0].max()) + 1, at + int((until - at) * fraction))
        if fraction != 1 or self.squeeze is not None:
            self.squeeze = Squeeze(self.next, at, time, fraction.numerator, fraction.denominator)
        return there

    def _following(self, time: int) -> int:
        """Where a chunk begins whose first token has this place in time, in a stretch that goes on."""
        assert self.run is not None
        if self.squeeze is None:
            return self.run[0] + time - self.run[1]
        later = time - self.squeeze.time
        return self.squeeze.at + max(min(1, later), later * self.squeeze.kept // self.squeeze.of)


def _squeezed(times: Tensor, fraction: Fraction) -> Tensor:
    """trunc(t * fraction) of times from 0 on, in whole numbers."""
    return times * fraction.numerator // fraction.denominator
