"""What a memory says about itself: plain values, stored as JSON beside its tensors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class SourceRecord(_Record):
    """One film of a memory.

    digest: sha256 of the content; None where it cannot be read twice.
    offset: seconds of the memory's timeline at which the film starts.
    duration: seconds of the whole film, None while it is not known.
    until: seconds of the memory's timeline at which the watched part ends.
    sampling: which frames were asked for.
    frames_read, frames_encoded: frames the reader gave, and those of them the model saw.
    reader: how it was read and why, in the reader's words.
    """

    name: str
    kind: str
    digest: str | None
    offset: float
    duration: float | None
    until: float
    sampling: dict[str, Any]
    info: dict[str, Any]
    frames_read: int
    frames_encoded: int
    reader: dict[str, Any]
    warnings: tuple[str, ...] = ()


class StageRecord(_Record):
    """What a stage made of what it got (frames, visual tokens or entries per layer), and its seconds.

    Stages overlap, so their seconds may add up to more than passed.
    """

    name: str
    before: int
    after: int
    unit: str
    seconds: float


class ResumePoint(_Record):
    """Where watching goes on after an interruption.

    source: index of the film.
    frame: number of its frames, as the reader gives them, to skip; encoded: how many of them were encoded.
    skip_tokens: visual tokens of the frames from there on that the memory already holds.
    seconds: time in that film of the first frame that is not covered.
    """

    source: int
    frame: int
    encoded: int
    seconds: float
    skip_tokens: int


class Header(_Record):
    """Everything about a memory but its tensors.

    longreel: version that wrote it.
    model, identity: name and digests of the model.
    method: the parts and their settings.
    system: digest of the system prompt.
    kept: entries per layer, text included; nbytes: bytes of the layers' tensors.
    seconds: wall time of watching.
    peak_bytes: largest size of the process while watching; None where it cannot be measured.
    paths: which fast or slow path ran, and why.
    interval: visual tokens per interval; short_end: tokens of the last one if it was closed short, else 0.
    complete: False if watching was interrupted; `resume` then says where to go on.
    """

    longreel: str
    model: str
    identity: dict[str, str]
    method: dict[str, Any]
    system: str
    sources: tuple[SourceRecord, ...]
    stages: tuple[StageRecord, ...]
    visual_tokens: int
    next_position: int
    kept: tuple[int, ...]
    nbytes: int
    dtype: str
    interval: int
    short_end: int
    seconds: float
    peak_bytes: int | None
    paths: tuple[str, ...]
    complete: bool
    resume: ResumePoint | None
    warnings: tuple[str, ...]
