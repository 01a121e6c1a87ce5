"""What the released Video-XL makes of pictures, written down plainly: Pillow, stock CLIP, loops."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import gelu, linear
from transformers import CLIPVisionConfig, CLIPVisionModel

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def middle(picture: Image.Image, side: int) -> Image.Image:
    """Resize the short edge to `side`, then cut out the middle."""
    width, height = picture.size
    size = (side, int(side * height / width))
    if width > height:
        size = (int(side * width / height), side)
    resized = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return resized.crop((left, top, left + side, top + side))


def tower(tensors, prefix, heads, image, patch):
    """Stock CLIP with the tensors whose names begin with `prefix`."""
    own = {name[len(prefix) :]: tensor.float() for name, tensor in tensors.items() if name.startswith(prefix)}
    config = CLIPVisionConfig(
        hidden_size=own["embeddings.class_embedding"].shape[0],
        intermediate_size=own["encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len({name.split(".")[2] for name in own if name.startswith("encoder.")}),
        num_attention_heads=heads,
        image_size=image,
        patch_size=patch,
    )
    model = CLIPVisionModel(config).eval()
    names = {name.removeprefix("vision_model."): name for name in model.state_dict()}
    model.load_state_dict({names[name]: tensor for name, tensor in own.items()})
    return model


def visual_tokens(model, tensors, pixels, layer):
    """uint8 (F, 3, S, S) to (F, tokens, width): CLIP without its class token, projector, 2 x 2 means."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    with torch.no_grad():
        states = model(pixel_values=(pixels / 255 - mean) / std, output_hidden_states=True).hidden_states
    features = states[layer][:, 1:]
    for step in ("0", "2"):
        weight, bias = (tensors[f"model.mm_projector.{step}.{kind}"].float() for kind in ("weight", "bias"))
        features = linear(features, weight, bias)
        if step == "0":
            features = gelu(features)
    side = math.isqrt(features.shape[1])
    frames = []
    for frame in features:
        tokens = []
        for row in range(0, side, 2):
            for column in range(0, side, 2):
                cells = [frame[(row + i) * side + column + j] for i in (0, 1) for j in (0, 1)]
                tokens.append(sum(cells) / 4)
        frames.append(torch.stack(tokens))
    return torch.stack(frames)


def chosen_canvas(width, height, canvases):
    """Largest effective area, then least waste, then the first."""
    best, most, least = None, -1, None
    for across, down in canvases:
        scale = min(across / width, down / height)
        effective = min(int(width * scale) * int(height * scale), width * height)
        waste = across * down - effective
        if effective > most or (effective == most and waste < least):
            best, most, least = (across, down), effective, waste
    return best


def cut(picture: Image.Image, canvas, tile):
    """Tiles of a picture on a canvas, row by row, as arrays (tile, tile, 3)."""
    width, height = picture.size
    if canvas[0] / width < canvas[1] / height:
        size = (canvas[0], min(math.ceil(height * (canvas[0] / width)), canvas[1]))
    else:
        size = (min(math.ceil(width * (canvas[1] / height)), canvas[0]), canvas[1])
    filled = Image.new("RGB", canvas, (0, 0, 0))
    filled.paste(
        picture.resize(size, Image.Resampling.BICUBIC),
        ((canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2),
    )
    return [
        np.asarray(filled.crop((left, top, left + tile, top + tile)))
        for top in range(0, canvas[1], tile)
        for left in range(0, canvas[0], tile)
    ]
