"""What a memory says about itself: plain values, stored as JSON beside its tensors."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_Count = Annotated[int, Field(ge=0)]
_Extent = Annotated[int, Field(ge=1)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# Visual tokens of an interval, and its ratio.
_Interval = tuple[_Extent, _Extent]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class SubtitleRecord(_Record):
    """The subtitles of a film.

    source: what they were read from: "file", "lines", "transcriber", or the track as it was named.
    digest: sha256 of all lines and their times, before any was dropped.
    placement: "times" or "transcript".
    budget: tokens they may have, None for any number.
    lines, dropped: lines the model was given, and those for which there was no room.
    tokens: of the lines it was given, with what frames them.
    """

    source: str
    digest: str
    placement: str
    budget: _Count | None
    lines: _Count
    dropped: _Count
    tokens: _Count


class PlanRecord(_Record):
    """A `FilmPlan`."""

    frames: _Count | None
    height: _Count
    width: _Count
    patches: _Count | None
    visual_tokens: _Count | None
    text_tokens: _Count | None
    max_tokens: _Count | None
    reach: _Count | None


class SourceRecord(_Record):
    """One film or image of a memory.

    kind: of a `FilmInfo`. An image takes no time: it stands where the next film begins.
    digest: sha256 of the content; None where it cannot be read twice.
    offset: seconds of the memory's timeline at which the film starts.
    duration: seconds of the whole film, None while it is not known.
    until: seconds of the memory's timeline at which the watched part ends.
    sampling: which frames were asked for.
    plan: what they were to become, a `FilmPlan`; None in memories made before there were plans.
    frames_read, frames_encoded: frames the reader gave, and those of them the model saw.
    reader: how it was read and why, in the reader's words.
    visual_tokens: what the model saw of it; None in memories made before there were images.
    alone: of an image, whether it was looked at more closely because there was no other; None for a film.
    subtitles: None if it was watched without.
    """

    name: str
    kind: str
    digest: str | None
    offset: _Seconds
    duration: _Seconds | None
    until: _Seconds
    sampling: dict[str, Any]
    plan: PlanRecord | None = None
    info: dict[str, Any]
    frames_read: _Count
    frames_encoded: _Count
    reader: dict[str, Any]
    visual_tokens: _Count | None = None
    alone: bool | None = None
    subtitles: SubtitleRecord | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_film(self) -> bool:
        """Whether it is no image."""
        return self.alone is None

    @field_validator("reader")
    @classmethod
    def _counts(cls, reader: dict[str, Any]) -> dict[str, Any]:
        asked = reader.get("asked")
        if asked is not None and (not isinstance(asked, int) or asked < 0):
            raise ValueError("frames are asked for in whole numbers")
        return reader


class StageRecord(_Record):
    """What a stage made of what it got (frames, visual tokens or entries per layer), and its seconds.

    Stages overlap, so their seconds may add up to more than passed.
    """

    name: str
    before: _Count
    after: _Count
    unit: str
    seconds: _Seconds


class ResumePoint(_Record):
    """Where watching goes on after an interruption.

    source: index of the film.
    frame: number of its frames, as the reader gives them, to skip; encoded: how many of them were encoded.
    skip_tokens: visual tokens of the frames from there on that the memory already holds.
    seconds: time in that film of the first frame that is not covered.
    read_from, read_from_seconds: number and time of a frame that is not behind `frame`, so that the reader
        can go there at once.
    lines: lines of its subtitles that stand before the frames from there on.
    """

    source: _Count
    frame: _Count
    encoded: _Count
    seconds: _Seconds
    skip_tokens: _Count
    read_from: _Count
    read_from_seconds: _Seconds
    lines: _Count = 0


class DenseRecord(_Record):
    """The dense level of a memory that has two; see `KeyValues.dense`.

    ratio: of all its intervals. kept: entries per layer, text included; nbytes: bytes of its tensors.
    next_position: where text behind it would stand.
    """

    ratio: _Extent
    kept: tuple[_Count, ...] = Field(min_length=1)
    nbytes: _Count
    next_position: _Count


class WindowRecord(_Record):
    """A `RescaledWindow`."""

    ramp: str
    window: _Extent
    target: _Extent
    inv_freq: tuple[_Positive, ...] = Field(min_length=1)
    attention_factor: _Positive
    watched_target: _Extent | None = None

    @model_validator(mode="after")
    def _is_extended(self) -> Self:
        if not self.window <= (self.watched_target or self.window) <= self.target:
            raise ValueError("a window is only extended")
        return self


class Header(_Record):
    """Everything about a memory but its tensors.

    longreel: version that wrote it.
    model, identity: name and digests of the model.
    method: the parts and their settings.
    system: digest of the system prompt.
    question: the only one that can be asked, by which it was chosen what is kept; None for any.
    next_position, run, end, squeeze: where what follows stands; see `KeyValues`.
    window: the rotary table of all entries, and of what is asked; None for the model's own.
    kept: entries per layer, text included; nbytes: bytes of the layers' tensors, of both levels.
    seconds: wall time of watching.
    peak_bytes: largest size of the process while watching; None where it cannot be measured.
    paths: which fast or slow path ran, and why.
    interval: visual tokens per interval; short_end: tokens of the last one if it was closed short, else 0.
    intervals: visual tokens and ratio of every interval, if each has a ratio of its own; else None.
    dense: the level for a closer look; None without one. All else is of the sparse level.
    complete: False if watching was interrupted; `resume` then says where to go on.
    """

    longreel: str
    model: str
    identity: dict[str, str]
    method: dict[str, Any]
    system: str
    question: str | None = None
    sources: tuple[SourceRecord, ...]
    stages: tuple[StageRecord, ...]
    visual_tokens: _Count
    next_position: _Count
    run: tuple[_Count, _Count] | None = None
    end: _Count | None = None
    window: WindowRecord | None = None
    squeeze: tuple[_Count, _Count, _Count, _Count, Annotated[int, Field(gt=0)]] | None = None
    kept: tuple[_Count, ...] = Field(min_length=1)
    nbytes: _Count
    dtype: str
    interval: _Count
    short_end: _Count
    intervals: tuple[_Interval, ...] | None = None
    dense: DenseRecord | None = None
    seconds: _Seconds
    peak_bytes: _Count | None
    paths: tuple[str, ...]
    complete: bool
    resume: ResumePoint | None
    warnings: tuple[str, ...]

    def of_dense(self) -> Header:
        """That of the dense level, as if there were no other."""
        assert self.dense is not None
        ratio = self.dense.ratio
        intervals = None if self.intervals is None else tuple((tokens, ratio) for tokens, _ in self.intervals)
        return self.model_copy(
            update={
                "kept": self.dense.kept,
                "nbytes": self.dense.nbytes,
                "next_position": self.dense.next_position,
                "intervals": intervals,
                "dense": None,
            }
        )

    @field_validator("method")
    @classmethod
    def _names_its_parts(cls, method: dict[str, Any]) -> dict[str, Any]:
        cache = method.get("cache")
        if not isinstance(method.get("name"), str) or not isinstance(cache, dict):
            raise ValueError("a method has a name and a part that keeps entries")
        others = (method.get(stage) for stage in ("frames", "features", "tokens", "positions"))
        if any(part is not None and not isinstance(part, dict) for part in others):
            raise ValueError("every part of a method has settings")
        ratio = cache.get("ratio", 1)
        if not isinstance(ratio, int) or ratio < 1:
            raise ValueError("a ratio is a whole number from 1 on")
        return method

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        offsets = [source.offset for source in self.sources]
        if offsets != sorted(offsets):
            raise ValueError("films lie one after the other")
        if any((source.kind == "image") == source.is_film for source in self.sources):
            raise ValueError("images, and no films, are alone or not")
        if self.visual_tokens and not self.sources:
            raise ValueError("visual tokens come from films")
        if self.complete != (self.resume is None):
            raise ValueError("what is not complete can be gone on with")
        if self.intervals is not None and sum(tokens for tokens, _ in self.intervals) != self.visual_tokens:
            raise ValueError("all visual tokens are in intervals")
        if self.dense is not None:
            self._levels_fit_together(self.dense)
        if self.run is not None and self.run[0] > self.next_position:
            raise ValueError("a stretch of visual tokens begins before it ends")
        if self.resume is not None and self.resume.source > len(self.sources):
            raise ValueError("watching goes on with a film of the memory")
        if self.resume is not None and self.resume.skip_tokens > self._open_tokens(self.resume):
            raise ValueError("no more tokens are skipped than there are of the film")
        return self

    def _levels_fit_together(self, dense: DenseRecord) -> None:
        if len(dense.kept) != len(self.kept) or self.end is not None:
            raise ValueError("both levels have the same layers")
        if len({*dense.kept}) > 1 or len({*self.kept}) > 1:
            raise ValueError("every layer of a level keeps the same")
        if self.intervals is None and self.visual_tokens:
            raise ValueError("levels are told by interval")
        if any(ratio <= dense.ratio for _, ratio in self.intervals or ()):
            raise ValueError("the dense level keeps more")

    def _open_tokens(self, resume: ResumePoint) -> int:
        """Visual tokens of the film to go on with, or at least as many."""
        counts = [source.visual_tokens for source in self.sources[resume.source :]]
        return self.visual_tokens if None in counts else sum(count or 0 for count in counts)
