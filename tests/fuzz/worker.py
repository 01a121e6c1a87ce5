"""What the guarded process does: read films and memories that may be damaged in any way."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from longreel.errors import LongreelError
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling
from tests.fakes import fake_model

# More than any of these small files can need.
_ROOM = 2 << 30
QUESTION = "what does she find in the end"


def film(path: str, sampling: dict[str, Any], strict: bool, policy: Any) -> dict[str, Any]:
    """Read a film to its end."""
    times: list[float] = []
    with open_film(
        path, sampling=Sampling(**sampling), size=(24, 32), strict=strict, policy=policy
    ) as stream:
        for block in stream:
            assert block.pixels.shape == (len(block.seconds), 3, 24, 32)
            times += block.seconds.tolist()
    assert times == sorted(times)
    assert stream.report.got == len(times) > 0
    return {"outcome": "read", "frames": len(times), "warnings": stream.report.warnings}


def memory(path: str) -> dict[str, Any]:
    """Open a memory and ask it something."""
    model = fake_model()
    opened = model.open(path)
    report = str(opened.report())
    return {"outcome": "answered", "text": model.ask(opened, QUESTION).text, "report": report}


def die(path: str) -> dict[str, Any]:
    """End as a crash in a library would."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def hang(path: str) -> dict[str, Any]:
    """Never come back."""
    time.sleep(3600)
    return {}


def hoard(path: str) -> dict[str, Any]:
    """Take more memory than there is."""
    return {"bytes": len(bytearray(2 * _ROOM))}


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "film": film,
    "memory": memory,
    "die": die,
    "hang": hang,
    "hoard": hoard,
}


def done(line: str) -> dict[str, Any]:
    """The outcome of one job."""
    wanted = json.loads(line)
    try:
        return JOBS[wanted["job"]](wanted["path"], **wanted["settings"])
    except LongreelError as error:
        return {"outcome": "refused", "line": str(error)}
    except BaseException:
        return {"outcome": "failed", "trace": traceback.format_exc()}


def main() -> None:
    """Jobs come as lines of JSON and go as lines of JSON."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ROOM, used + _ROOM))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(done(line)), flush=True)


if __name__ == "__main__":
    main()
