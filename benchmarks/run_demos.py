"""What the demo prints for several seeds, one process after another as a user would run it.

python benchmarks/run_demos.py 20261121 1 2 3 -o docs/results/reel-tiny-demos.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provenance import provenance, show_and_store


def demo(seed: int) -> dict[str, Any]:
    """The report of one run; a run that misses its mark ends with an error after the report."""
    command = [sys.executable, "-m", "longreel", "demo", "--seed", str(seed), "-o", "out", "--json", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        report, _ = json.JSONDecoder().raw_decode(done.stdout)
    except json.JSONDecodeError:
        raise RuntimeError(f"the demo of seed {seed} failed: {done.stderr.strip()}") from None
    return {**report, "exit_code": done.returncode}


def main(arguments: Sequence[str]) -> None:
    """Run, print, store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args(arguments)
    demos = [demo(seed) for seed in chosen.seeds]
    report = {
        **provenance("run_demos.py", arguments),
        "right": sum(one["right"] for one in demos),
        "asked": sum(one["asked"] for one in demos),
        "fewest_right": min(one["right"] for one in demos),
        "demos": demos,
    }
    show_and_store(report, chosen.output)


if __name__ == "__main__":
    main(sys.argv[1:])
