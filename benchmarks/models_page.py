"""Write docs/models.md from the configs of released models: no number is typed by hand.

python benchmarks/models_page.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import torch
from released_models import outlined, outlined_video_xl, releases
from torch import nn

from longreel.compress.base import CacheCompressor, Chunk
from longreel.evaluate.tables import as_markdown
from longreel.methods import named_method
from longreel.models import reel_tiny
from longreel.models.base import ModelAdapter
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.plain_text import bytes_in_words

PAGE = Path(__file__).parents[1] / "docs/models.md"
HEIGHT, WIDTH = 360, 640
HOUR = 3600
KEEPS = (1.0, 1 / 4, 1 / 16)
DTYPE = torch.bfloat16
# An adapter over a model without weights, that model, and its context in positions.
Outlined = tuple[ModelAdapter, nn.Module, int]
COLUMNS = (
    "model",
    "frames per second",
    "tokens per frame",
    "context",
    "film of as many tokens",
    *(f"an hour, {'all kept' if keep == 1 else f'keep {Fraction(keep)}'}" for keep in KEEPS),
    "weights",
)


def page(models: Iterable[Outlined]) -> str:
    """The whole page."""
    rows = [list(COLUMNS), *(row(*model) for model in models)]
    return f"""# Models

What a film costs with each supported model, before anything is run. This page is written by \
`python benchmarks/models_page.py` from the numbers of the releases' configs, which are in \
[released_models.toml](../benchmarks/released_models.toml), by the code that watches films; a test fails \
when page and command differ.

For films of {WIDTH}x{HEIGHT}:

{as_markdown(rows)}

- **Frames per second**: at which `watch` samples a film if it is not told otherwise (`fps=`).
- **Tokens per frame**: visual tokens. The Qwen models make tokens of two frames together, and the more \
the larger the picture is; for the others the picture's size makes no difference. The text that Qwen3-VL \
has between frames, their times, is not counted.
- **Context**: positions the weights were made for; beside it, how long a film has as many visual tokens. \
The Qwen models count rows and columns on axes of their own, so their positions grow more slowly.
- **An hour**: the memory of an hour of film, keys and values in bfloat16; in float32, which `load` takes \
if it is not told otherwise (`dtype=`), it is twice as much. Methods that keep a fraction of the \
tokens keep that fraction of the memory; with a number of tokens (`budget=`), it does not grow with the film.
- **Weights**: in bfloat16, vision tower included.
"""


def supported() -> Iterator[Outlined]:
    """The model in the package, then the released ones."""
    config = VideoXLConfig.from_pretrained(Path(reel_tiny.__file__).parent)
    context = config.text_config.max_position_embeddings
    yield *outlined_video_xl(reel_tiny.NAME, config), context
    for release in releases():
        yield *outlined(release), release.text["max_position_embeddings"]


def row(adapter: ModelAdapter, model: nn.Module, context: int) -> list[str]:
    """One model."""
    each = tokens_per_frame(adapter)
    pace = adapter.default_fps * each
    hour = round(HOUR * pace)
    return [
        adapter.name,
        f"{adapter.default_fps:g}",
        f"{each:g}",
        f"{context:,}",
        duration(context / pace),
        *(bytes_in_words(kept_tokens(adapter, hour, keep) * bytes_per_entry(adapter)) for keep in KEEPS),
        bytes_in_words(weight_bytes(model)),
    ]


def tokens_per_frame(adapter: ModelAdapter, height: int = HEIGHT, width: int = WIDTH) -> float:
    """Visual tokens that a frame of a film of that size becomes."""
    return adapter.frame_tokens(*adapter.frame_size(height, width))


def kept_tokens(adapter: ModelAdapter, tokens: int, keep: float) -> int:
    """How many of so many visual tokens stay, interval by interval."""
    cache = named_method("video-xl" if adapter.has_summary_tokens else "random", keep).cache
    full, rest = divmod(tokens, adapter.interval)
    return full * _kept_together(cache, adapter.interval) + _kept_together(cache, rest)


def _kept_together(cache: CacheCompressor, tokens: int) -> int:
    chunk = Chunk(tokens, slots=cache.slots(tokens))
    kept = cache.keep(chunk)
    return chunk.length if kept is None else len(kept)


def bytes_per_entry(adapter: ModelAdapter) -> int:
    """Keys and values of one entry in all layers."""
    return sum(2 * heads * width * DTYPE.itemsize for heads, width in adapter.layer_shapes)


def weight_bytes(model: nn.Module) -> int:
    """Of all weights; those that two parts of the model share count once."""
    return sum(weight.numel() for weight in model.parameters()) * DTYPE.itemsize


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03, 4:05."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


if __name__ == "__main__":
    PAGE.write_text(page(supported()), encoding="utf-8")
