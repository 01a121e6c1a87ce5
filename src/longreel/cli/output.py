"""Results on stdout, remarks and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def is_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for."""
    return "--json" in arguments


def print_json(value: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """One JSON document on stdout, in ASCII, so that any terminal encoding carries it."""
    print(json.dumps(value, indent=indent, allow_nan=False))


def print_remark(text: str) -> None:
    """Something worth knowing that is not the result."""
    print(text, file=sys.stderr, flush=True)


def print_error(message: str) -> None:
    """What went wrong and what to do about it."""
    print_remark(f"longreel: {message}")
