"""Pictures come out as they are meant to be displayed: turned, square, in the right colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from tests.video.make import Recipe, numbered, read, turned, write
from torch.nn import functional

from longreel.video.picture import displayed_size, fit, turn_of
from longreel.video.reader import open_film, probe
from longreel.video.sampling import Sampling

LOSSLESS = {"crf": "1", "preset": "ultrafast"}


def corners(height: int = 48, width: int = 64) -> np.ndarray:
    """Red, green, blue and white quarters: top left, top right, bottom left, bottom right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (230, 20, 20)
    picture[: height // 2, width // 2 :] = (20, 230, 20)
    picture[height // 2 :, : width // 2] = (20, 20, 230)
    picture[height // 2 :, width // 2 :] = (230, 230, 230)
    return picture


def first_frame(path: Path, **settings: object) -> torch.Tensor:
    with open_film(path, sampling=Sampling(), **settings) as stream:  # type: ignore[arg-type]
        return next(iter(stream)).pixels[0]


def quarters(pixels: torch.Tensor) -> str:
    height, width = pixels.shape[1:]
    places = [(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)]
    names = {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w"}
    return "".join(
        names[tuple((pixels[:, int(height * row), int(width * column)] > 128).int().tolist())]
        for row, column in places
    )


@pytest.mark.parametrize(
    ("matrix", "degrees", "expected"),
    [
        ((1, 0, 0, 1), 0, "rgbw"),
        ((0, 1, -1, 0), 90, "brwg"),
        ((-1, 0, 0, -1), 180, "wbgr"),
        ((0, -1, 1, 0), 270, "gwrb"),
        ((-1, 0, 0, 1), 180, "grwb"),
        ((1, 0, 0, -1), 0, "bwrg"),
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_turned_and_mirrored_films(
    tmp_path: Path, matrix: tuple[int, int, int, int], degrees: int, expected: str, ending: str
) -> None:
    recipe = Recipe(options=LOSSLESS, frames=3)
    path = turned(write(tmp_path / f"film.{ending}", recipe, [corners()] * 3), matrix)
    pixels = first_frame(path)
    info = probe(path)
    assert quarters(pixels) == expected
    assert tuple(pixels.shape[1:]) == (info.height, info.width) == ((64, 48) if degrees % 180 else (48, 64))
    assert info.coded_size == (64, 48)
    assert info.rotation == degrees


def test_the_size_function_sees_the_turned_picture(tmp_path: Path) -> None:
    path = turned(write(tmp_path / "film.mp4", Recipe(frames=2)), (0, 1, -1, 0))
    seen: list[tuple[int, int]] = []

    def size(height: int, width: int) -> tuple[int, int]:
        seen.append((height, width))
        return height // 2, width // 2

    assert tuple(first_frame(path, size=size).shape) == (3, 32, 24)
    assert seen == [(64, 48)]


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(4, 3), (48, 85)), (Fraction(1, 2), (48, 32))])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_non_square_pixels(tmp_path: Path, aspect: Fraction, size: tuple[int, int], ending: str) -> None:
    path = write(tmp_path / f"film.{ending}", Recipe(frames=3, aspect=aspect))
    numbers, _, stream = read(path)
    assert (stream.info.height, stream.info.width) == size
    assert stream.info.coded_size == (64, 48)
    assert numbers == [0, 1, 2]


def test_non_square_pixels_of_a_turned_film(tmp_path: Path) -> None:
    path = turned(write(tmp_path / "film.mp4", Recipe(frames=2, aspect=Fraction(2))), (0, 1, -1, 0))
    info = probe(path)
    assert (info.height, info.width) == (128, 48)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "size"),
    [
        ("libx264", "yuv444p", (49, 67)),
        ("mjpeg", "yuvj420p", (33, 51)),
        ("libvpx-vp9", "yuv420p", (35, 53)),
        ("ffv1", "yuv420p", (7, 9)),
        ("ffv1", "bgr0", (1, 8)),
    ],
)
def test_odd_sizes(tmp_path: Path, codec: str, pix_fmt: str, size: tuple[int, int]) -> None:
    recipe = Recipe(codec, pix_fmt, frames=5, size=size)
    path = write(tmp_path / "film.mkv", recipe)
    pixels = first_frame(path)
    assert tuple(pixels.shape[1:]) == size
    if size[0] > 9:
        assert read(path)[0] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("libx264", "gray"),
        ("libx264", "gray10le"),
        ("libx264", "yuv420p10le"),
        ("libx264", "yuv422p"),
        ("libx264", "yuv444p10le"),
        ("libx265", "yuv420p10le"),
        ("libsvtav1", "yuv420p10le"),
        ("ffv1", "gray"),
        ("ffv1", "yuv420p16le"),
        ("ffv1", "yuva420p"),
    ],
)
def test_grey_and_deep_pictures(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    # FFmpeg makes full-range greys, which encoders mark as limited unless told.
    colour = (6, 2) if pix_fmt.startswith("gray") else None
    recipe = Recipe(codec, pix_fmt, frames=9, options=options, colour=colour)
    path = write(tmp_path / "film.mkv", recipe)
    numbers, _, _ = read(path)
    assert numbers == list(range(9))
    expected = torch.from_numpy(numbered(0)).permute(2, 0, 1).float()
    assert (first_frame(path).float() - expected).abs().mean() < 6


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9], ids=["bt709", "bt601", "bt2020"])
def test_colours_follow_the_marked_matrix_and_range(tmp_path: Path, matrix: int, full: bool) -> None:
    """Solid colours written as the plane values that the standards say."""
    red, blue = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    path = tmp_path / "film.mkv"
    colours = [(0.9, 0.1, 0.1), (0.1, 0.8, 0.2), (0.2, 0.3, 0.9), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if full else 1
        for number, colour in enumerate(colours):
            frame = av.VideoFrame(32, 32, "yuv420p")
            for plane, value in zip(frame.planes, planes(colour, red, blue, full), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            frame.pts, frame.colorspace, frame.color_range = number, matrix, 2 if full else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_film(path, sampling=Sampling()) as film:
        pixels = torch.cat([block.pixels for block in film])[:, :, 16, 16]
    expected = torch.tensor(colours) * 255
    assert (pixels.float() - expected).abs().max() <= 3


def planes(colour: tuple[float, float, float], kr: float, kb: float, full: bool) -> list[int]:
    r, g, b = colour
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    if full:
        return [min(255, round(value)) for value in (255 * y, 128 + 255 * u, 128 + 255 * v)]
    return [round(16 + 219 * y), round(128 + 224 * u), round(128 + 224 * v)]


@pytest.mark.parametrize(("limited", "expected"), [(True, [0, 128, 255]), (False, [16, 126, 235])])
def test_the_range_of_grey_films(tmp_path: Path, limited: bool, expected: list[int]) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray"
        stream.codec_context.color_range = 1 if limited else 2
        for number, value in enumerate((16, 126, 235)):
            frame = av.VideoFrame(32, 32, "gray")
            frame.planes[0].update(bytes([value]) * frame.planes[0].buffer_size)
            frame.pts, frame.color_range = number, 1 if limited else 2
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_film(path, sampling=Sampling()) as film:
        pixels = torch.cat([block.pixels for block in film])[:, :, 16, 16]
    assert pixels.tolist() == [[value] * 3 for value in expected]


def test_resizing_is_torch_bicubic_with_antialiasing_on_bytes(tmp_path: Path) -> None:
    pictures = [np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)]
    path = write(tmp_path / "film.mkv", Recipe("ffv1", "bgr0", frames=1), pictures)
    whole = torch.from_numpy(pictures[0]).permute(2, 0, 1)
    assert torch.equal(first_frame(path), whole)
    expected = functional.interpolate(whole[None], size=(20, 30), mode="bicubic", antialias=True)[0]
    pixels = first_frame(path, size=(20, 30))
    assert pixels.dtype == torch.uint8
    assert pixels.is_contiguous()
    assert torch.equal(pixels, expected)


def test_a_picture_of_another_shape_gets_bars() -> None:
    pixels = torch.full((3, 10, 40), 200, dtype=torch.uint8)
    fitted = fit(pixels, (10, 40), (20, 20), (10, 10))
    assert fitted.shape == (3, 10, 10)
    assert fitted[0, :, 5].tolist() == [0, 0, 0, 0, 200, 200, 0, 0, 0, 0]


def test_absurd_matrices_and_aspects() -> None:
    assert turn_of(bytes(36)).degrees == 0
    assert displayed_size(48, 64, Fraction(1, 1000), turn_of(bytes(36))) == (48, 1)
