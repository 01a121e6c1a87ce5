"""Small things to run the command line on: films made here, and a random model in a folder."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

from tests.shapes import TOWER

WORDS = ("what", "colour", "was", "the", "fox", "where", "it", "red", "blue", "forest", "in", "a")


def write_film(path: Path, seconds: float = 4.0, fps: int = 10, *, fast_start: bool = False) -> Path:
    """A film of moving stripes."""
    options = {"movflags": "faststart"} if fast_start else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 96, 64, "yuv420p", fps
        columns = np.arange(96)
        for number in range(round(seconds * fps)):
            row = ((columns * 5 + number * 9) % 256).astype(np.uint8)
            picture = np.ascontiguousarray(np.broadcast_to(row[None, :, None], (64, 96, 3)))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A second of silence without a picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(16):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, number * 1024, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_frameless(path: Path) -> Path:
    """A film with a video stream in which there is no frame."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.start_encoding()
    return path


def save_model(folder: Path, seed: int = 0) -> Path:
    """A random Video-XL model that knows `WORDS`, with its tokenizer."""
    from longreel.models.reel_tiny.words import build_tokenizer
    from longreel.models.video_xl.configuration import VideoXLConfig
    from longreel.models.video_xl.modeling import VideoXLModel

    tokenizer = build_tokenizer(WORDS)
    torch.manual_seed(seed)
    config = VideoXLConfig(
        vision_config={**TOWER, "clip": 16},
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
            "max_position_embeddings": 2048,
            "summary_interval": 16,
            "eos_token_id": tokenizer.eos_token_id,
        },
        projector="linear",
        pool=1,
        default_fps=4.0,
        closed_vocabulary=True,
    )
    VideoXLModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
