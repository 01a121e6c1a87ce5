"""Watch once, ask many: a memory of a film that answers any number of questions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longreel.answer import Answer, Evidence, Usage
    from longreel.chat import Chat
    from longreel.compress.retake import Retake
    from longreel.compress.video_xl import VideoXL
    from longreel.errors import (
        LongreelError,
        MemoryFileError,
        ModelError,
        SourceError,
        UsageError,
        WatchInterrupted,
    )
    from longreel.film_plan import FilmPlan
    from longreel.loading import load
    from longreel.memory import VideoMemory
    from longreel.methods import Method
    from longreel.model import Model
    from longreel.models.overrides import Overrides
    from longreel.progress import Progress
    from longreel.video.speech import FasterWhisper, Transcriber
    from longreel.video.subtitle_lines import SubtitleLine

__all__ = [
    "Answer",
    "Chat",
    "Evidence",
    "FasterWhisper",
    "FilmPlan",
    "LongreelError",
    "MemoryFileError",
    "Method",
    "Model",
    "ModelError",
    "Overrides",
    "Progress",
    "Retake",
    "SourceError",
    "SubtitleLine",
    "Transcriber",
    "Usage",
    "UsageError",
    "VideoMemory",
    "VideoXL",
    "WatchInterrupted",
    "load",
]

# Where each name lives: importing longreel stays instant, torch comes with the first use.
_HOMES = {
    "answer": ("Answer", "Evidence", "Usage"),
    "chat": ("Chat",),
    "compress.retake": ("Retake",),
    "compress.video_xl": ("VideoXL",),
    "errors": (
        "LongreelError",
        "MemoryFileError",
        "ModelError",
        "SourceError",
        "UsageError",
        "WatchInterrupted",
    ),
    "film_plan": ("FilmPlan",),
    "loading": ("load",),
    "memory": ("VideoMemory",),
    "methods": ("Method",),
    "model": ("Model",),
    "models.overrides": ("Overrides",),
    "progress": ("Progress",),
    "video.speech": ("FasterWhisper", "Transcriber"),
    "video.subtitle_lines": ("SubtitleLine",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"longreel.{module}"), name)
    if name == "__version__":
        return import_module("longreel.version").package_version()
    raise AttributeError(f"module 'longreel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
