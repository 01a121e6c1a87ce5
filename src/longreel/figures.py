"""What all figures have in common: an empty one, and its file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from longreel.errors import LongreelError
from longreel.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150


def empty_figure(size: tuple[float, float]) -> Figure:
    """A figure of this width and height in inches, its panels laid out by themselves.

    Raises:
        LongreelError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise LongreelError("figures need one more package: pip install 'longreel[plot]'") from error
    return Figure(figsize=size, dpi=_DPI, layout="constrained")


def write_png(figure: Figure, path: Path) -> None:
    """Draw it and write it in one go.

    Raises:
        LongreelError: the file cannot be written.
    """
    content = BytesIO()
    figure.savefig(content, format="png")
    try:
        with atomic_file(path) as file:
            file.write(content.getvalue())
    except OSError as error:
        raise LongreelError(f"{path} cannot be written: {error.strerror or error}") from None
