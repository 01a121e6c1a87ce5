"""Whether the settings of a released processor of pictures make sense."""

from __future__ import annotations

import math
from typing import Any

_COLOURS = ("image_mean", "image_std")
_COUNTS = ("min_pixels", "max_pixels", "max_video_tokens", "max_frames")


def checked_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, if what is read of them can be used.

    Raises:
        ValueError: naming one that cannot.
    """
    for name in _COLOURS:
        if name in settings and not _is_colour(settings[name]):
            raise ValueError(f"its {name}={settings[name]!r} is no list of three numbers")
    if 0 in settings.get("image_std", ()):
        raise ValueError("its image_std has a zero")
    size = settings.get("size") or {}
    if not isinstance(size, dict):
        raise ValueError(f"its size={size!r} does not name its sides")
    counts = {**{name: settings.get(name) for name in _COUNTS}, **size}
    for name, value in counts.items():
        if value is not None and not (_is_number(value) and value >= 1):
            raise ValueError(f"its {name}={value!r} is not a number of at least 1")
    return settings


def _is_colour(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
