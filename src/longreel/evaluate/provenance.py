"""What every result tells about how it came about."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def provenance(command: str) -> dict[str, Any]:
    """The command, the hardware and the versions of this process."""
    import torch
    import transformers

    import longreel

    cuda = torch.cuda.is_available()
    return {
        "command": command,
        "hardware": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if cuda else None,
        },
        "versions": {
            "longreel": longreel.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "python": platform.python_version(),
        },
    }


def _cpu() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor()
