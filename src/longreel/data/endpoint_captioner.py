"""Captions by a model behind an endpoint, which is sent pictures."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from PIL import Image
from torch import Tensor

from longreel.data.captions import ReplyError, one_line
from longreel.data.clips import Clip, clip_frames
from longreel.data.found_films import FoundFilm
from longreel.endpoint import Content, Endpoint

# Of what is sent: the longer side in pixels, and the quality of JPEG.
_LONGEST_SIDE = 512
_QUALITY = 85
_ATTEMPTS = 3


class CaptioningEndpoint(Endpoint):
    """The endpoint that captions."""

    role = "captioner"
    remedy = "see to it and run the same command again, what was captioned is kept"


class EndpointCaptioner:
    """Sends the frames of a clip as pictures with a prompt behind them; see `Captioner`.

    Args:
        frames: of a clip, at most.
    """

    def __init__(self, endpoint: Endpoint, prompt: str, frames: int) -> None:
        self._endpoint, self._prompt, self._frames = endpoint, prompt, frames

    def plan(self) -> dict[str, Any]:
        """See `Captioner`; where the endpoint is does not matter."""
        return {"endpoint": self._endpoint.model, "prompt": self._prompt, "frames": self._frames}

    def caption(self, film: FoundFilm, clip: Clip) -> str:
        """See `Captioner`; a blank reply is asked for again."""
        frames = clip_frames(film.path, clip, self._frames, _at_most)
        content: Content = [*map(_picture, frames.pixels), {"type": "text", "text": self._prompt}]
        for _ in range(_ATTEMPTS):
            if said := one_line(self._endpoint.reply(content)):
                return said
        raise ReplyError(
            f"{film.path}: captioner {self._endpoint.url} says nothing about {clip.start:g} s, asked "
            f"{_ATTEMPTS} times: try another model"
        )


def _at_most(height: int, width: int) -> tuple[int, int]:
    share = min(1.0, _LONGEST_SIDE / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def _picture(pixels: Tensor) -> dict[str, Any]:
    """A frame, uint8 (3, h, w), as a part of a message."""
    file = BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(file, "JPEG", quality=_QUALITY)
    coded = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{coded}"}}
