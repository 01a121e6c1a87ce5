"""Opening a film with FFmpeg, so that it reaches nothing but the film."""

from __future__ import annotations

from typing import Any, BinaryIO

import av
import av.error

from longreel.video.failures import source_error
from longreel.video.sources import FilmFile

_BUFFER_BYTES = 1 << 18
_TIMEOUT_SECONDS = 30.0


def open_input(film: FilmFile, file: BinaryIO | None) -> Any:
    """PyAV's container of `film`, read from its address or else from `file`.

    Raises:
        SourceError: it is no film, or its beginning is damaged.
    """
    try:
        return av.open(
            film.url or file,
            mode="r",
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
            timeout=_TIMEOUT_SECONDS,
            container_options={
                "protocol_whitelist": "http,https,tcp,tls,crypto,data" if film.url else "none"
            },
        )
    except (av.error.FFmpegError, OSError, ValueError, EOFError, UnicodeError) as error:
        raise source_error(film.where, error) from None
