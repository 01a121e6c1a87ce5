"""The version of this package, as installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """Such as "0.1.0"; "unknown" for a source tree that is not installed."""
    try:
        return version("longreel")
    except PackageNotFoundError:
        return "unknown"
