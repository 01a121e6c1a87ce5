"""Whether a memory can be gone on with: it is of the same model, method and films."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from longreel.errors import UsageError
from longreel.header import SourceRecord
from longreel.identity import hash_json
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.showing import Showing
from longreel.sources import content_digest, samplings_agree, source_name
from longreel.video.sampling import Sampling
from longreel.watched_film import plain


def check_same_run(adapter: ModelAdapter, method: Method, memory: VideoMemory) -> None:
    """Refuse a memory of another model or method.

    Raises:
        UsageError: its method is set otherwise.
        MemoryFileError: it is of another model.
    """
    memory.require_model(adapter)
    memory.require_shapes(adapter)
    if hash_json(memory.header.method) != hash_json(method.settings()):
        raise UsageError(
            f"the memory was made with {_described(memory.header.method)} and this model is set to "
            f"{_described(method.settings())}: load it with the memory's method and keep"
        )


def check_resume(
    adapter: ModelAdapter,
    method: Method,
    shown: Sequence[Showing],
    sampling: Sampling,
    max_tokens: int | None,
    system: str | None,
    memory: VideoMemory,
) -> None:
    """Refuse to go on with a memory of other films, or watched otherwise; the arguments are those of `watch`.

    Raises:
        UsageError: what differs, and the remedy.
        MemoryFileError: it is of another model.
    """
    check_same_run(adapter, method, memory)
    if system is not None and hash_json(system) != memory.header.system:
        raise UsageError("system= differs from the system prompt of the memory to resume: use the same")
    records = memory.header.sources
    if memory.complete and len(records) < len(shown):
        raise UsageError("the memory to resume is complete: add the other films with append")
    if len(records) > len(shown):
        raise UsageError(
            f"the memory to resume holds {len(records)} films and {len(shown)} are named: name all"
        )
    for record, showing in zip(records, shown, strict=False):
        if record.digest != content_digest(showing.source) or not _may_be(showing.source, record):
            raise UsageError(
                f"the memory to resume holds {record.name} and {source_name(showing.source)} has other "
                "content: name the same film"
            )
        _check_alone(record, showing)
        if not samplings_agree(record.sampling, plain(showing.sampling(sampling, record.offset))):
            raise UsageError(
                f"the memory to resume was sampled by {_chosen(record.sampling)}: use the same settings"
            )
        earlier = record.plan.max_tokens if record.plan is not None else None
        if earlier != max_tokens:
            raise UsageError(f"the memory to resume was watched with max_tokens={earlier}: use the same")


def _check_alone(record: SourceRecord, showing: Showing) -> None:
    """Refuse an image that would now be looked at otherwise."""
    if None not in (record.alone, showing.alone) and record.alone != showing.alone:
        had, named = ("one image", "are several") if record.alone else ("several images", "is one")
        raise UsageError(f"the memory to resume was to have {had} and there {named} now: name the same")


def _may_be(source: Any, record: SourceRecord) -> bool:
    """Whether an address may be the film of the record: its content is not known before it is read."""
    if record.digest is not None or not isinstance(source, str):
        return True
    return record.name in (source, PurePosixPath(urlsplit(source).path).name)


def _described(settings: dict[str, Any]) -> str:
    return f"{settings['name']} ({_chosen(settings['cache'])})"


def _chosen(settings: dict[str, Any]) -> str:
    chosen = {key: value for key, value in settings.items() if value is not None and key != "part"}
    return ", ".join(f"{key}={value}" for key, value in chosen.items()) or "no settings"
