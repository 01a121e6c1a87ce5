"""What is known about a film before it is read, and what reading it was like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["film", "images", "arrays", "image"]
Policy = Literal["sequential", "seek", "images", "arrays"]


@dataclass(frozen=True)
class FilmInfo:
    """Facts about a source.

    Attributes:
        name: file or folder name, or a word for what has none.
        kind: "film", "images" (pictures that are a film) or "arrays"; "image" for a single one that is none.
        container, codec: their short FFmpeg names; None for pictures and arrays.
        duration: seconds from the first frame to the end of the last one; None if it cannot be known, 0 for
            an image.
        width, height: of the picture as displayed: rotated, with square pixels.
        coded_size: (width, height) as stored.
        rotation: degrees clockwise by which the stored picture is turned for display (0, 90, 180, 270).
        frame_rate: mean frames per second, None if the file does not tell.
        frames: number of frames, None if the file does not tell.
        damage: what the file's structure tells about a missing end; None if nothing.
    """

    name: str
    kind: Kind
    container: str | None
    codec: str | None
    duration: float | None
    width: int
    height: int
    coded_size: tuple[int, int]
    rotation: int
    frame_rate: float | None
    frames: int | None
    damage: str | None = None


@dataclass
class ReadReport:
    """How a source was read; it grows while frames are read.

    Attributes:
        policy: "sequential" decodes everything up to the last frame wanted, "seek" jumps from keyframe to
            keyframe, "images" and "arrays" read what is given one by one.
        reason: why this policy.
        seeks: jumps made. decoded: pictures decoded, wanted or not.
        asked: frames asked for; None until the end if the length of the film is unknown.
        got: frames given so far, those of an earlier reading included.
        warnings: what was damaged or missing, one line each.
    """

    policy: Policy
    reason: str
    seeks: int = 0
    decoded: int = 0
    asked: int | None = None
    got: int = 0
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Add a warning unless it is there already."""
        if text not in self.warnings:
            self.warnings.append(text)
