"""Tiny films that carry the number of each frame in their pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

BITS = 8
HEIGHT, WIDTH = 48, 64


def numbered(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A picture, uint8 (H, W, 3): columns are the bits of `number`; its upper half is brighter."""
    column = np.arange(width) * BITS // width
    bits = (number >> column) & 1
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2] = np.where(bits, 235, 85)[None, :, None]
    picture[height // 2 :] = np.where(bits, 170, 20)[None, :, None]
    return picture


def number_of(pixels: torch.Tensor) -> int:
    """The number that a picture (3, H, W) carries."""
    lower = pixels[:, int(pixels.shape[1] * 0.6) : int(pixels.shape[1] * 0.9)].float().mean((0, 1))
    columns = lower.reshape(BITS, -1).mean(1) if len(lower) % BITS == 0 else _columns(lower)
    return sum(1 << bit for bit, value in enumerate(columns.tolist()) if value > 95)


def _columns(row: torch.Tensor) -> torch.Tensor:
    return torch.stack([part.mean() for part in row.tensor_split(BITS)])


@dataclass(frozen=True)
class Recipe:
    """How to write a film."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    frames: int = 60
    fps: int = 10
    gop: int = 12
    size: tuple[int, int] = (HEIGHT, WIDTH)
    times: Sequence[float] | None = None
    aspect: Fraction | None = None
    colour: tuple[int, int] | None = None
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    format: str | None = None


_QUICK = {"preset": "ultrafast", "bf": "2"}
# One film for each way in which a container tells where its parts end.
CONTAINERS = {
    "mp4": Recipe(options=_QUICK, container={"movflags": "faststart"}),
    "mkv": Recipe(options=_QUICK),
    "ts": Recipe(options=_QUICK),
    "avi": Recipe("mpeg4"),
    "webm": Recipe("libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    "mov": Recipe(options=_QUICK),
    "m2ts": Recipe(options=_QUICK),
    "gif": Recipe("gif", "rgb8", frames=20),
    "live.mkv": Recipe(options=_QUICK, container={"live": "1"}),
    "fragmented.mp4": Recipe(options=_QUICK, container={"movflags": "frag_keyframe+empty_moov"}),
}


def write(path: Any, recipe: Recipe, pictures: Iterable[np.ndarray] | None = None) -> Any:
    """Write the film of `recipe`; skips the test where this PyAV cannot encode it."""
    need_encoder(recipe.codec)
    target = str(path) if isinstance(path, Path) else path
    with av.open(target, "w", format=recipe.format, options=recipe.container) as container:
        stream = _add_stream(container, recipe)
        for number, picture in enumerate(pictures or _numbered(recipe)):
            container.mux(_encoded(stream, _frame(recipe, number, picture)))
        container.mux(stream.encode(None))
    return path


def _add_stream(container: Any, recipe: Recipe) -> Any:
    stream = container.add_stream(recipe.codec, rate=recipe.fps, options=dict(recipe.options))
    stream.height, stream.width = recipe.size
    stream.pix_fmt, stream.gop_size = recipe.pix_fmt, recipe.gop
    if recipe.times is not None:
        stream.codec_context.time_base = Fraction(1, 1000)
    if recipe.aspect is not None:
        stream.sample_aspect_ratio = recipe.aspect
    if recipe.colour is not None:
        stream.codec_context.colorspace, stream.codec_context.color_range = recipe.colour
    return stream


def _frame(recipe: Recipe, number: int, picture: np.ndarray) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    if recipe.colour is not None:
        space = {6: 5}.get(recipe.colour[0], recipe.colour[0])
        frame = frame.reformat(format=recipe.pix_fmt, dst_colorspace=space, dst_color_range=recipe.colour[1])
    if recipe.times is not None:
        frame.pts, frame.time_base = round(recipe.times[number] * 1000), Fraction(1, 1000)
    else:
        frame.pts, frame.time_base = number, Fraction(1, recipe.fps)
    return frame


def _encoded(stream: Any, frame: av.VideoFrame) -> list[Any]:
    try:
        return list(stream.encode(frame))
    except av.error.FFmpegError as error:
        if "avcodec_open2" in str(error):
            pytest.skip(f"this PyAV cannot open its encoder: {error}")
        raise


def _numbered(recipe: Recipe) -> Iterable[np.ndarray]:
    count = recipe.frames if recipe.times is None else len(recipe.times)
    return (numbered(number, *recipe.size) for number in range(count))


def need_encoder(name: str) -> None:
    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this PyAV has no encoder {name}")


def boxes(content: bytes, kind: bytes, start: int = 0) -> Iterable[int]:
    """Offsets of the payloads of all mp4 boxes of a kind, found by their names."""
    place = content.find(kind, start)
    while place >= 0:
        yield place + 4
        place = content.find(kind, place + 4)


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix (a, b, c, d) into an mp4 or mov."""
    content = bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    for place in boxes(bytes(content), b"tkhd"):
        offset = place + (40 if content[place] == 0 else 52)
        struct.pack_into(">9i", content, offset, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def read(source: Any, **settings: Any) -> tuple[list[int], list[float], Any]:
    """Numbers and times of all frames, and the stream."""
    from longreel.video.reader import open_film
    from longreel.video.sampling import Sampling

    arguments = {name: settings.pop(name) for name in list(settings) if name in _OPEN}
    sampling = Sampling(**settings)
    numbers: list[int] = []
    times: list[float] = []
    with open_film(source, sampling=sampling, **arguments) as stream:
        for block in stream:
            numbers += [number_of(pixels) for pixels in block.pixels]
            times += block.seconds.tolist()
    return numbers, times, stream


_OPEN = {"size", "block", "strict", "allow_url", "policy", "begin"}
