"""A picture of what a memory kept: the share of what was seen, over time and layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from longreel.errors import UsageError
from longreel.figures import empty_figure, write_png
from longreel.key_values import TEXT
from longreel.memory import VideoMemory

_SIZE = (11.0, 4.8)
_COLUMNS = 400


@dataclass(frozen=True)
class KeptMap:
    """What was kept of a film, stretch by stretch.

    edges: float64 (columns + 1,), seconds between which the stretches lie.
    shares: float64 (layers, columns), entries kept for each visual token that began to be seen there; NaN
        where none did.
    share: of all of it, in the mean of the layers.
    """

    edges: Tensor
    shares: Tensor
    share: float


def kept_map(memory: VideoMemory, columns: int = _COLUMNS) -> KeptMap:
    """The shares kept in each layer, in at most `columns` stretches of equal length.

    Raises:
        UsageError: nothing was seen.
    """
    timeline = memory.timeline
    if not len(timeline.tokens):
        raise UsageError("this memory holds no film, so there is nothing to draw: watch one")
    end = max(float(timeline.last.max()), *(source.until for source in memory.header.sources))
    count = min(columns, len(timeline.first.unique()))
    edges = torch.linspace(0.0, max(end, 1e-3), count + 1, dtype=torch.float64)
    column = (torch.bucketize(timeline.first, edges, right=True) - 1).clamp(0, count - 1)
    seen = torch.zeros(count, dtype=torch.float64).index_add_(0, column, timeline.tokens.double())
    rows = []
    for layer in memory.layers:
        token = layer.token.cpu()
        where = column[timeline.run_of(token[token != TEXT])]
        rows.append(where.bincount(minlength=count).double())
    kept = torch.stack(rows)
    return KeptMap(edges, kept / seen, float(kept.sum() / (len(rows) * seen.sum())))


def draw_map(memory: VideoMemory, path: Path) -> KeptMap:
    """Write a PNG: above, the share that all layers together kept; below, that of each layer.

    Raises:
        LongreelError: matplotlib is not installed, or the file cannot be written.
        UsageError: nothing was seen.
    """
    figure = empty_figure(_SIZE)
    drawn = kept_map(memory)
    edges, shares = drawn.edges.numpy(), drawn.shares
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
    above.stairs(shares.mean(0).nan_to_num().numpy(), edges, fill=True, color="0.7")
    above.set_ylabel("mean")
    above.set_ylim(0, None)
    layers = torch.arange(len(shares) + 1).double() - 0.5
    most = float(shares.nan_to_num().max())
    cells = below.pcolormesh(edges, layers.numpy(), shares.numpy(), cmap="viridis", vmin=0, vmax=most or 1)
    below.set_xlabel("seconds")
    below.set_ylabel("layer")
    below.yaxis.get_major_locator().set_params(integer=True)
    figure.colorbar(cells, ax=below, label="share kept")
    above.set_title(_title(memory), fontsize="medium")
    for axes in (above, below):
        for source in memory.header.sources[1:]:
            axes.axvline(source.offset, color="C3", linewidth=0.8)
    write_png(figure, path)
    return drawn


def _title(memory: VideoMemory) -> str:
    header = memory.header
    films = ", ".join(source.name for source in header.sources)
    return f"{films}: what {header.method['name']} kept of {header.visual_tokens:,} visual tokens"
