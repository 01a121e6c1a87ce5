"""How much memory this process, or a GPU, has held at most since a moment."""

from __future__ import annotations

from pathlib import Path


def reset_peak(device: str = "cpu") -> int:
    """Bytes in use; the peak counts from here on."""
    if device == "cpu":
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def peak(device: str = "cpu") -> int:
    """Most bytes in use at once since `reset_peak`."""
    if device == "cpu":
        return _status("VmHWM")
    import torch

    return torch.cuda.max_memory_allocated(device)


def _status(name: str) -> int:
    """Of the kernel's account, which unlike that of `resource.getrusage` can be set back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
