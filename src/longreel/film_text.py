"""The subtitles of one film as a model gets them, and where they stand among its frames."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from longreel.header import SubtitleRecord
from longreel.models.base import Dialogue, VisualTokens

_NONE = torch.empty(0, dtype=torch.int64)


@dataclass(frozen=True)
class FilmText:
    """Lines of a film as ids; which of them were placed follows from the frames so far.

    starts: seconds of the film, ascending: a line stands before the first clip that begins then or later, and
        at -inf before the film.
    ids: int64, the text of each line.
    clip: frames that are encoded together, which text does not part.
    record: what a header says about them.
    in_front: int64, text that stands before the first film of the memory.
    """

    starts: tuple[float, ...]
    ids: tuple[Tensor, ...]
    clip: int
    record: SubtitleRecord
    in_front: Tensor = _NONE

    @property
    def warnings(self) -> tuple[str, ...]:
        """That there was no room for some."""
        record = self.record
        if not record.dropped:
            return ()
        total = record.lines + record.dropped
        return (
            f"{record.dropped:,} of {total:,} lines of subtitles were dropped, {record.budget:,} tokens hold "
            "no more: raise the subtitle budget",
        )

    def placed(self, seconds: list[float]) -> int:
        """How many lines stand before the last of a film's frames so far, or of those since a clip began."""
        last = (len(seconds) - 1) // self.clip * self.clip
        return bisect_right(self.starts, seconds[last])

    def woven(self, tokens: VisualTokens, seconds: Tensor, placed: int, dialogue: Dialogue) -> VisualTokens:
        """The tokens of a block of frames with the lines among them.

        Args:
            seconds: float64 (F,), times of the frames, the first of which begins a clip.
            placed: lines that stand before the block.
        """
        words, told = dict(tokens.words), set()
        for number, begin in enumerate(seconds[:: self.clip].tolist()):
            until = bisect_right(self.starts, begin)
            if until > placed:
                before = int(torch.searchsorted(tokens.frame, number * self.clip))
                said = torch.cat(self.ids[placed:until])
                told.add(before)
                words[before] = dialogue.aside(said, words.get(before, _NONE))
                placed = until
        stamped = tuple(before for before in tokens.stamped if before not in told)
        return replace(tokens, words=tuple(sorted(words.items(), key=lambda item: item[0])), stamped=stamped)

    def behind(self, placed: int, dialogue: Dialogue) -> Tensor:
        """Ids of the lines that stand behind the last frame, none if all were placed."""
        left = self.ids[placed:]
        return dialogue.aside(torch.cat(left), _NONE) if left else _NONE


def text_in_front(texts: list[FilmText | None]) -> Tensor:
    """Ids of what stands before the first of these films."""
    return torch.cat([_NONE, *(text.in_front for text in texts if text is not None)])
