"""A memory's account of itself, for people and for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from longreel.header import DenseRecord, Header, PlanRecord, SourceRecord, SubtitleRecord, WindowRecord
from longreel.plain_text import bytes_in_words, table


@dataclass(frozen=True)
class MemoryReport:
    """What was watched, how and at what cost; `str()` of it is a table."""

    header: Header

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return self.header.model_dump(mode="json")

    def __str__(self) -> str:
        return table(list(self.rows()))

    def rows(self) -> Iterator[tuple[str, str]]:
        """Names and what there is to say, in the order of the table."""
        header = self.header
        for source in header.sources:
            yield ("film", _film(source)) if source.is_film else ("image", _image(source))
            if source.plan is not None:
                yield "plan", _plan(source.plan, is_film=source.is_film)
            if source.subtitles is not None:
                yield "subtitles", _subtitles(source.subtitles)
            yield "reader", f"{source.reader.get('policy', source.kind)}: {source.reader.get('reason', '')}"
        yield "model", header.model
        yield "method", _method(header.method)
        if header.question is not None:
            yield "question", f"{header.question} (no other can be asked)"
        if header.window is not None:
            yield "window", _window(header.window)
        for stage in header.stages:
            counts = f"{stage.before:,} to {stage.after:,} {stage.unit}"
            yield stage.name, f"{counts}, {stage.seconds:.1f} s"
        if header.intervals:
            yield "intervals", _intervals(header.intervals)
        yield "kept", _kept(header.kept)
        if header.dense is not None:
            yield "dense", _dense(header.dense)
        yield "memory", f"{bytes_in_words(header.nbytes)} in {header.dtype}"
        yield "time", f"{header.seconds:.1f} s"
        if header.peak_bytes is not None:
            yield "peak", bytes_in_words(header.peak_bytes)
        yield from (("path", path) for path in header.paths)
        yield from (("warning", text) for source in header.sources for text in source.warnings)
        yield from (("warning", text) for text in header.warnings)
        if header.resume is not None:
            yield "state", f"interrupted at {header.resume.seconds:.1f} s: watch again with resume to go on"


def _film(source: SourceRecord) -> str:
    length = "unknown length" if source.duration is None else f"{source.duration:.1f} s"
    return f"{source.name} ({length}, {source.frames_encoded:,} frames, from {source.offset:.1f} s)"


def _image(source: SourceRecord) -> str:
    width, height = (source.info.get(side, "?") for side in ("width", "height"))
    return f"{source.name} ({width}x{height}, at {source.offset:.1f} s)"


def _subtitles(record: SubtitleRecord) -> str:
    where = "at their times" if record.placement == "times" else "as a transcript"
    return f"{record.lines:,} lines {where}, {record.tokens:,} tokens (from: {record.source})"


def _plan(plan: PlanRecord, *, is_film: bool) -> str:
    size = f"{plan.width}x{plan.height}"
    if plan.frames is None:
        return f"frames of {size}, their number unknown before the end"
    text = f" and {plan.text_tokens:,} of text" if plan.text_tokens else ""
    limit = f", at most {plan.max_tokens:,}" if plan.max_tokens is not None else ""
    pictures = f"{plan.frames:,} frames of {size}" if is_film else f"looked at in {size}"
    return (
        f"{pictures}, {plan.patches or 0:,} patches, {plan.visual_tokens or 0:,} visual tokens{text}{limit}"
    )


def _method(settings: dict[str, Any]) -> str:
    stages = ("frames", "features", "tokens", "cache", "positions")
    parts = [part for part in map(settings.get, stages) if part]
    values = [
        f"{key}={value}"
        for part in parts
        for key, value in part.items()
        if key != "part" and value is not None
    ]
    return " ".join([settings["name"], *values])


def _window(window: WindowRecord) -> str:
    scale = window.target / window.window
    text = f"{window.target:,} positions read as {window.window:,}, scale {scale:.4g}, ramp {window.ramp}"
    if window.watched_target is None:
        return text
    return f"{text}; extended from {window.watched_target:,} after watching, an approximation"


def _intervals(intervals: tuple[tuple[int, int], ...]) -> str:
    sizes, ratios = zip(*intervals, strict=True)
    least, most = min(sizes), max(sizes)
    size = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    counts = ", ".join(f"{ratios.count(ratio):,} at {ratio}x" for ratio in sorted(set(ratios)))
    return f"{len(intervals):,} of {size} visual tokens: {counts}"


def _dense(record: DenseRecord) -> str:
    where = "for a closer look where a question attends"
    return f"{_kept(record.kept)} at {record.ratio}x, {bytes_in_words(record.nbytes)}, {where}"


def _kept(kept: tuple[int, ...]) -> str:
    if len(set(kept)) == 1:
        return f"{kept[0]:,} entries in each of {len(kept)} layers"
    return f"{', '.join(f'{count:,}' for count in kept)} entries by layer"
