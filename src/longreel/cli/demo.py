"""`longreel demo`."""

from __future__ import annotations


def demo() -> None:
    """Show longreel at work."""
