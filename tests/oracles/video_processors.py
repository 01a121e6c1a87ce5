"""The video and image processors that come with transformers, run in a process of their own.

They need torchvision. Beside a torch that has no CUDA, the released torchvision does not import until two of
its operators are declared, and transformers does not import where such a torchvision is found: so it is kept
out of the environment, in a folder that only this process looks into.

    python -m tests.oracles.video_processors FOLDER_OF_TORCHVISION CASES EXPECTED
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

PROCESSORS = {
    "qwen2_vl": "Qwen2VLVideoProcessor",
    "qwen2_5_vl": "Qwen2VLVideoProcessor",
    "qwen3_vl": "Qwen3VLVideoProcessor",
    "llava_onevision": "LlavaOnevisionVideoProcessor",
}
IMAGE_PROCESSORS = {
    "qwen2_vl": "Qwen2VLImageProcessor",
    "qwen2_5_vl": "Qwen2VLImageProcessor",
    "qwen3_vl": "Qwen2VLImageProcessor",
    "llava_onevision": "LlavaOnevisionImageProcessor",
}


def torchvision_folder() -> Path | None:
    """Where torchvision was installed with `pip install --no-deps --target`; None if it was not.

    It is named by LONGREEL_TORCHVISION, or else "torchvision-only" in the virtual environment.
    """
    named = os.environ.get("LONGREEL_TORCHVISION")
    folder = Path(named) if named else Path(sys.prefix) / "torchvision-only"
    return folder if (folder / "torchvision").is_dir() else None


def drawn(case: dict[str, Any]) -> torch.Tensor:
    """The film or the images of a case: noise, uint8 (F, 3, h, w)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, case["shape"], generator=generator, dtype=torch.uint8)


def processed(case: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What the processor of a family makes of a film, or of the images of one message."""
    import transformers

    if case.get("images"):
        looks = getattr(transformers, IMAGE_PROCESSORS[case["family"]])(**case["settings"])
        made = looks(images=[list(drawn(case))], return_tensors="pt")
        return {key: tensor.contiguous() for key, tensor in made.items()}
    processor = getattr(transformers, PROCESSORS[case["family"]])(**case["settings"])
    made = processor(videos=[drawn(case)], do_sample_frames=False, return_tensors="pt")
    return {key: tensor.contiguous() for key, tensor in made.items()}


def main(folder: str, cases: str, expected: str) -> None:
    """Process every case of a JSON file."""
    from safetensors.torch import save_file

    sys.path.append(folder)
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    tensors = {}
    for name, case in json.loads(Path(cases).read_text()).items():
        tensors |= {f"{name}.{key}": tensor for key, tensor in processed(case).items()}
    save_file(tensors, expected)


if __name__ == "__main__":
    main(*sys.argv[1:])
