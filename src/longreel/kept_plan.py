"""What decides the result of long work, kept beside it: work that goes on under other values is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from longreel.errors import UsageError
from longreel.files import atomic_file

Plan = dict[str, Any]


def read_plan(path: Path) -> Plan:
    """The plan in a file.

    Raises:
        UsageError: the file is damaged.
    """
    try:
        plan = json.loads(path.read_bytes())
    except ValueError:
        plan = None
    if not isinstance(plan, dict):
        raise UsageError(f"{path} is damaged: name another folder, or remove this one")
    return plan


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan, whole or not at all."""
    with atomic_file(path) as file:
        file.write((json.dumps(plan, indent=1) + "\n").encode())


def differences(one: Plan, other: Plan, prefix: str = "") -> list[str]:
    """Names of the values in which two plans differ, those of parts after a dot."""
    names: list[str] = []
    for name in sorted({*one, *other}):
        left, right = one.get(name), other.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            names += differences(left, right, f"{prefix}{name}.")
        elif left != right:
            names.append(prefix + name)
    return names
