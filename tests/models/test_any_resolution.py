"""Frames cut to their middle, and single images on canvases of tiles, against Pillow and loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from longreel.models.video_xl.any_resolution import Canvas, all_canvases, best_canvas, tiles
from longreel.models.video_xl.framing import centre_crop, resized_size
from longreel.video.picture import resize
from tests.oracles import released_vision as oracle

SIDES = st.integers(1, 3000)


def picture(height: int, width: int) -> tuple[torch.Tensor, Image.Image]:
    """A picture with slopes and no edges, so that an offset of one pixel shows and roundings do not."""
    rows, columns = np.mgrid[:height, :width]
    slopes = np.stack((rows * 7, columns * 5, (rows + columns) * 3), -1)
    array = (np.abs(slopes % 508 - 254)).astype(np.uint8)
    return torch.from_numpy(array).permute(2, 0, 1), Image.fromarray(array)


def assert_alike(mine: torch.Tensor, theirs: np.ndarray) -> None:
    """Equal but for the rounding of Pillow's whole-number arithmetic."""
    difference = (mine.permute(1, 2, 0).int() - torch.from_numpy(theirs.copy()).int()).abs()
    assert int(difference.max()) <= 2


@pytest.mark.parametrize("size", [(90, 160), (160, 90), (64, 64), (61, 113), (30, 40), (500, 57)])
def test_the_middle_of_a_frame_is_that_of_clip(size: tuple[int, int]) -> None:
    pixels, image = picture(*size)
    resized = resize(pixels, *resized_size("crop", size, (56, 56)))
    assert_alike(centre_crop(resized, (56, 56)), np.asarray(oracle.middle(image, 56)))


@given(height=SIDES, width=SIDES, rows=st.integers(1, 400), columns=st.integers(1, 400))
def test_a_resized_frame_covers_the_input_and_fits_on_one_side(
    height: int, width: int, rows: int, columns: int
) -> None:
    size = resized_size("crop", (height, width), (rows, columns))
    assert size[0] >= rows
    assert size[1] >= columns
    assert size[0] == rows or size[1] == columns
    assert resized_size("whole", (height, width), (rows, columns)) == (rows, columns)


def test_the_crop_of_a_whole_frame_is_the_frame() -> None:
    pixels, _ = picture(56, 56)
    assert torch.equal(centre_crop(pixels, (56, 56)), pixels)


def test_there_are_two_hundred_canvases_of_at_most_49_tiles() -> None:
    canvases = all_canvases()
    assert len(set(canvases)) == len(canvases) == 200
    assert Canvas(336, 336) not in canvases
    assert max(width * height for width, height in canvases) == 49 * 336 * 336
    assert {(height, width) for width, height in canvases} == set(canvases)


@settings(max_examples=300)
@given(height=SIDES, width=SIDES)
def test_the_canvas_shows_most_and_wastes_least(height: int, width: int) -> None:
    canvases = all_canvases()
    assert best_canvas(height, width, canvases) == oracle.chosen_canvas(width, height, canvases)


def test_of_equal_canvases_the_first_wins() -> None:
    for canvases in ([Canvas(28, 14), Canvas(14, 28)], [Canvas(14, 28), Canvas(28, 14)]):
        assert best_canvas(10, 10, canvases) == canvases[0]


@pytest.mark.parametrize("size", [(20, 20), (50, 90), (97, 31), (200, 33), (70, 140)])
def test_tiles_are_cut_row_by_row_from_a_black_canvas(size: tuple[int, int]) -> None:
    pixels, image = picture(*size)
    canvases = all_canvases(28, 12)
    cut = tiles(pixels, canvases, tile=28)
    canvas = oracle.chosen_canvas(size[1], size[0], canvases)
    expected = oracle.cut(image, canvas, 28)
    assert cut.shape == (canvas[0] * canvas[1] // 28**2, 3, 28, 28)
    for mine, theirs in zip(cut, expected, strict=True):
        assert_alike(mine, theirs)


def test_a_thumbnail_comes_first_and_is_the_whole_image_distorted() -> None:
    pixels, image = picture(50, 90)
    with_it, without = (tiles(pixels, tile=28, thumbnail=asked) for asked in (True, False))
    assert torch.equal(with_it[1:], without)
    assert_alike(with_it[0], np.asarray(image.resize((28, 28), Image.Resampling.BICUBIC)))
