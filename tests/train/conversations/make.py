"""Small conversations, pictures and films to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from tests.cli.tiny import write_film


def sample(question: str, answer: str, **more: Any) -> dict[str, Any]:
    """One question and its answer."""
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"conversations": turns, **more}


def write_lines(path: Path, samples: list[Any]) -> Path:
    """JSON lines; what is text already is written as it is."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in samples]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_picture(path: Path, shade: int = 90, width: int = 60, height: int = 40) -> Path:
    """A picture that runs from one shade to another."""
    row = np.linspace(0, shade, width).astype(np.uint8)
    Image.fromarray(np.broadcast_to(row[None, :, None], (height, width, 3)).copy()).save(path)
    return path


def write_media(folder: Path) -> Path:
    """a.png, b.png, wide.png and film.mp4, and conversations of every kind about them in all.jsonl."""
    write_picture(folder / "a.png")
    write_picture(folder / "b.png", 200)
    write_picture(folder / "wide.png", 150, 130, 50)
    write_film(folder / "film.mp4", 12.0)
    samples = [
        sample("What is it?\n<image>", "A grey ramp.", image="a.png"),
        sample("<image>\n<image>\nSame?", "No.", image=["a.png", "b.png"]),
        sample("<video>\nWhat moves?", "Stripes.", video="film.mp4"),
        sample("<image>\nWhat moves?", "Stripes do.", video="film.mp4"),
        sample("Who are you?", "A model."),
        {
            "conversations": [
                {"from": "human", "value": "First <image> then <image>: which is wide?"},
                {"from": "gpt", "value": "The second."},
                {"from": "human", "value": "And the first?"},
                {"from": "gpt", "value": "Not."},
            ],
            "image": ["b.png", "wide.png"],
        },
    ]
    return write_lines(folder / "all.jsonl", samples)


def weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a model's folder."""
    tensors: dict[str, Tensor] = {}
    for file in folder.glob("*.safetensors"):
        tensors |= load_file(file)
    return tensors


def apart_by(one: dict[str, Tensor], other: dict[str, Tensor], start: dict[str, Tensor]) -> float:
    """How far two trained models lie apart, as a share of the way they came.

    Over all weights together: some, as the biases of keys, have a gradient of nothing but rounding.
    """
    apart = sum(float((one[name] - other[name]).double().square().sum()) for name in one)
    way = sum(float((one[name] - start[name]).double().square().sum()) for name in one)
    return float((apart / way) ** 0.5)
