"""What every stored result tells about how it came about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from longreel.evaluate import provenance as of_this_process


def provenance(script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The command, the hardware and the versions of one run."""
    return of_this_process.provenance(" ".join([f"python benchmarks/{script}", *arguments]))


def show_and_store(report: dict[str, Any], output: Path | None) -> None:
    """Print a result as JSON and, if wanted, write it to a file."""
    document = json.dumps(report, indent=1) + "\n"
    print(document)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(document)
