"""What every stored result tells about how it came about."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

import longreel


def provenance(script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The command, the hardware and the versions of one run."""
    return {
        "command": " ".join([f"python benchmarks/{script}", *arguments]),
        "hardware": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "cuda": torch.cuda.is_available(),
        },
        "versions": {
            "longreel": longreel.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def show_and_store(report: dict[str, Any], output: Path | None) -> None:
    """Print a result as JSON and, if wanted, write it to a file."""
    document = json.dumps(report, indent=1) + "\n"
    print(document)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(document)


def _cpu() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor()
