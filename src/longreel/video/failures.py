"""What FFmpeg says, in words that name the film and the remedy."""

from __future__ import annotations

import av.error

from longreel.errors import SourceError


def source_error(where: str, error: Exception) -> SourceError:
    """The error to raise for a film that cannot be opened or read because of `error`."""
    if where.startswith(("http://", "https://")) and not isinstance(error, av.error.InvalidDataError):
        return SourceError(f"{where} cannot be downloaded ({reason(error)}): check the address")
    return SourceError(f"{where} {_problem(error)}")


def reason(error: Exception) -> str:
    """The cause in one short line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def _problem(error: Exception) -> str:
    if isinstance(error, av.error.InvalidDataError):
        return "is not a film, or its beginning or index is damaged: check that it plays and is complete"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "refers to other addresses, which is not allowed: give the film itself"
    if isinstance(error, av.error.EOFError):
        return "ends before its first picture: check that it is complete"
    return f"cannot be read ({reason(error)}): check that it plays"
