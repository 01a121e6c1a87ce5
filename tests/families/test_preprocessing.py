"""Frames and images reach every family's vision tower as its official processor would have made them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import longreel
from longreel.models.base import ImagePart
from longreel.video.picture import resize
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling
from tests.families.checkpoints import FAMILIES
from tests.oracles.video_processors import drawn, torchvision_folder

# (frames, height, width): odd numbers, small and elongated pictures, and films of one frame.
SHAPES = ((4, 90, 120), (5, 61, 47), (1, 100, 80), (9, 33, 200), (7, 20, 30), (2, 361, 640), (3, 700, 500))
CLIP = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "qwen2_vl": [
        {},
        {**CLIP, "min_pixels": 56 * 56, "max_pixels": 84 * 112},
        {"cap_pixels_per_frame": True, "max_video_tokens": 60, "min_pixels": 28 * 28},
    ],
    "qwen2_5_vl": [{"size": {"shortest_edge": 56 * 56, "longest_edge": 112 * 112}, "image_mean": [0.5] * 3}],
    "qwen3_vl": [
        {},
        {"size": {"shortest_edge": 64 * 64, "longest_edge": 6 * 96 * 128}},
        {"size": {"shortest_edge": 64 * 64, "longest_edge": 25_165_824}},
        {
            "cap_pixels_per_frame": True,
            "max_video_tokens": 6,
            "size": {"shortest_edge": 2048, "longest_edge": 90_000},
        },
    ],
    "llava_onevision": [{"size": {"height": 42, "width": 42}}, {"size": {"height": 56, "width": 42}, **CLIP}],
}

# (height, width): of the same kinds.
IMAGE_SHAPES = ((90, 120), (61, 47), (33, 200), (20, 30), (361, 640), (700, 500), (42, 42))
_QWEN3 = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "patch_size": 16}
IMAGE_SETTINGS: dict[str, list[dict[str, Any]]] = {
    "qwen2_vl": [{}, {**CLIP, "min_pixels": 56 * 56, "max_pixels": 84 * 112}],
    "qwen2_5_vl": [{"size": {"shortest_edge": 200 * 200, "longest_edge": 300 * 300}, "image_std": [0.5] * 3}],
    "qwen3_vl": [{**_QWEN3, "size": {"shortest_edge": 65536, "longest_edge": 16777216}}],
    "llava_onevision": [
        {
            "size": {"height": 42, "width": 42},
            "image_grid_pinpoints": [[42, 42], [42, 84], [84, 42], [126, 84]],
            "image_mean": [0.48145466, 0.2, 0.9],
        }
    ],
}


def image_cases() -> dict[str, dict[str, Any]]:
    """Every shape with every setting of every family, alone and one of two."""
    return {
        f"image-{family}-{number}-{count}-{'x'.join(map(str, shape))}": {
            "family": family,
            "settings": settings,
            "shape": [count, 3, *shape],
            "images": True,
        }
        for family, each in IMAGE_SETTINGS.items()
        for number, settings in enumerate(each)
        for shape in IMAGE_SHAPES
        for count in (1, 2)
    }


def cases() -> dict[str, dict[str, Any]]:
    """Every shape with every setting of every family."""
    return {
        f"{family}-{number}-{'x'.join(map(str, shape))}": {
            "family": family,
            "settings": settings,
            "shape": [shape[0], 3, *shape[1:]],
        }
        for family, each in SETTINGS.items()
        for number, settings in enumerate(each)
        for shape in SHAPES
        # The processor of Qwen3-VL refuses a film of one frame.
        if not (family == "qwen3_vl" and shape[0] == 1)
    }


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    """What the official processors make of all cases."""
    folder = torchvision_folder()
    if folder is None:
        pytest.skip("needs torchvision in a folder of its own: see tests/oracles/video_processors.py")
    home = tmp_path_factory.mktemp("processors")
    (home / "cases.json").write_text(json.dumps({**cases(), **image_cases()}))
    expected = home / "expected.safetensors"
    command = [sys.executable, "-m", "tests.oracles.video_processors", folder, home / "cases.json", expected]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], capture_output=True)
    return load_file(expected)


def ours(adapter: Any, case: dict[str, Any]) -> dict[str, Tensor]:
    """The same film, watched by an adapter with the case's settings."""
    adapter = type(adapter)("settings", adapter.model, adapter.tokenizer, case["settings"])
    film = [(picture.numpy(), index / 2) for index, picture in enumerate(drawn(case).permute(0, 2, 3, 1))]
    with open_film(film, sampling=Sampling(fps=2.0), block=len(film)) as stream:
        assert stream.expected == len(film)
        height, width = adapter.frame_size(stream.info.height, stream.info.width, stream.expected)
        stream.resize_to((height, width))
        pixels = next(iter(stream)).pixels
    if hasattr(adapter, "scaled"):
        return {"pixel_values_videos": adapter.scaled(pixels)[None]}
    patches, grid = adapter.patches(pixels)
    return {"pixel_values_videos": patches, "video_grid_thw": torch.tensor([grid])}


@pytest.mark.parametrize("family", FAMILIES)
def test_it_equals_the_official_processor(
    family: str, checkpoints: dict[str, Path], official: dict[str, Tensor]
) -> None:
    adapter = longreel.load(checkpoints[family]).adapter
    for name, case in cases().items():
        if case["family"] != family:
            continue
        for key, found in ours(adapter, case).items():
            expected = official[f"{name}.{key}"]
            assert found.shape == expected.shape, name
            # A picture that differs by one step of its 255 differs by more than 1e-2.
            assert (found - expected).abs().max() <= 1e-6, name


def our_image(adapter: Any, case: dict[str, Any]) -> dict[str, Tensor]:
    """The last of the images of a case, as an adapter with its settings has it."""
    looks = type(adapter)(
        "settings", adapter.model, adapter.tokenizer, {}, "trained", case["settings"]
    ).images
    *_, picture = drawn(case)
    part = ImagePart(alone=case["shape"][0] == 1)
    pixels = resize(picture, *looks.size(*picture.shape[1:], part))
    if hasattr(looks, "scaled"):
        return {"pixel_values": looks.scaled(pixels, part)}
    patches, grid = looks.patching.cut(pixels[None])
    return {"pixel_values": patches, "image_grid_thw": torch.tensor(grid)}


@pytest.mark.parametrize("family", FAMILIES)
def test_images_equal_those_of_the_official_processor(
    family: str, checkpoints: dict[str, Path], official: dict[str, Tensor]
) -> None:
    adapter = longreel.load(checkpoints[family]).adapter
    for name, case in image_cases().items():
        if case["family"] != family:
            continue
        for key, found in our_image(adapter, case).items():
            # Patches of all images lie in a row; tiles and grids, image by image.
            of_last = official[f"{name}.{key}"]
            if key == "image_grid_thw" or family == "llava_onevision":
                of_last = of_last[-1]
            else:
                of_last = of_last[-len(found) :]
            assert found.shape == of_last.shape, name
            assert (found - of_last).abs().max() <= 1e-6, name
