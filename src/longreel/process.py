"""What the running process has used."""

from __future__ import annotations

import sys


def peak_bytes() -> int | None:
    """Largest resident size of this process so far, in bytes; None where it cannot be measured."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
