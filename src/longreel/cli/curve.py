"""`longreel curve`: accuracy, memory and latency against the fraction kept, as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from longreel.cli import options
from longreel.cli.output import print_json
from longreel.errors import UsageError


def curve(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULT", help="Result files of `longreel evaluate`, or folders of runs."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG file.")] = Path("curve.png"),
    family: Annotated[
        str, typer.Option("--family", help="Of questions: recall, existence, colour, …")
    ] = "recall",
    as_json: options.Json = False,
) -> None:
    """Draw what `longreel evaluate` measured: one line for each method.

    Examples:

      longreel evaluate films --films 5 --methods video-xl,uniform,random -o runs/methods
      longreel curve runs/methods -o curve.png
    """
    from longreel.evaluate.figure import draw_curve

    found = {path.stem if path.is_file() else path.name: _result(path) for path in results}
    draw_curve(found, output, family=family)
    if as_json:
        print_json({"figure": str(output), "results": [str(path) for path in results]})
    else:
        print(f"{output}: {family} of {', '.join(found)}")


def _result(path: Path) -> dict[str, Any]:
    """A stored result.

    Raises:
        UsageError: there is none.
    """
    file = path / "result.json" if path.is_dir() else path
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        needed = {"cells", "costs", "plan"} - set(result)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{file} is not a result: name a file or folder of `longreel evaluate`") from error
    if "benchmark" in result:
        raise UsageError(
            f"{file} is of a benchmark: curves are of `longreel evaluate films`, name such a result"
        )
    if needed:
        raise UsageError(
            f"{file} is not a result of `longreel evaluate`: it lacks {', '.join(sorted(needed))}"
        )
    return dict(result)
