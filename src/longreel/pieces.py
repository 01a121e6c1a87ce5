"""A memory's timeline in pieces: films that follow each other, and each image by itself.

An image takes no time, so the first frame of the film behind it has its time too. What belongs to which is
told by counting frames and visual tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from longreel.header import Header
from longreel.timeline import Timeline


@dataclass(frozen=True)
class Piece:
    """Some films, or an image.

    image: its name; None for films.
    frames, tokens: numbers of the first and behind the last of the memory that belong to it.
    until: seconds of the memory's timeline at which it ends.
    """

    image: str | None
    frames: tuple[int, int]
    tokens: tuple[int, int]
    until: float

    def with_end(self, frame: int, token: int, until: float) -> Piece:
        """The same piece, reaching farther."""
        return Piece(self.image, (self.frames[0], frame), (self.tokens[0], token), until)


def pieces_of(header: Header, timeline: Timeline) -> list[Piece]:
    """The pieces in their order; one at least."""
    found = [Piece(None, (0, 0), (0, 0), 0.0)]
    frame = token = 0
    for source in header.sources:
        name = None if source.is_film else source.name
        if name is not None or found[-1].image is not None:
            found.append(Piece(name, (frame, frame), (token, token), source.until))
        frame += source.frames_encoded
        token += source.visual_tokens or 0
        found[-1] = found[-1].with_end(frame, token, source.until)
    # Memories without images need not tell which token is whose.
    last = found[-1].with_end(len(timeline.frames), header.visual_tokens, found[-1].until)
    return [piece for piece in (*found[:-1], last) if piece.frames[1] > piece.frames[0]] or [last]


def piece_of_token(pieces: list[Piece], token: Tensor) -> Tensor:
    """Number of the piece that visual tokens, int64 of any shape, belong to."""
    ends = torch.tensor([piece.tokens[1] for piece in pieces])
    return torch.bucketize(token, ends, right=True).clamp(max=len(pieces) - 1)


def piece_of_frame(pieces: list[Piece]) -> Tensor:
    """Number of the piece of each frame, int64 (frames,)."""
    counts = torch.tensor([piece.frames[1] - piece.frames[0] for piece in pieces])
    return torch.arange(len(pieces)).repeat_interleave(counts)
