"""Sizes of the tiny models in the tests."""

from __future__ import annotations

from typing import Any

DECODER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
}
TOWER: dict[str, Any] = {
    "model_type": "longreel_glance_tower",
    "image_size": [32, 48],
    "words": [8, 3, 3, 2],
    "clip": 4,
    "crop": 16,
    "glance": [8, 8, 16],
    "look": [8, 8, 16],
    "motion": 8,
}
