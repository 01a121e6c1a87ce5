"""Write docs/models.md from the settings of released models: no number of the page is typed by hand.

python benchmarks/models_page.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import torch
from torch import nn

from longreel.compress.base import CacheCompressor, Chunk
from longreel.compress.kinds import planning
from longreel.evaluate.tables import as_markdown
from longreel.film_plan import FilmPlan, PlannedFilm, nominal_times, plan_film
from longreel.methods import named_method
from longreel.models import reel_tiny
from longreel.models.base import ModelAdapter
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.plain_text import bytes_in_words
from longreel.video.sampling import Sampling
from longreel.video.targets import frames_wanted, plan_targets
from released_models import outlined, outlined_video_xl, releases

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
    "frames of an hour",
    "frame",
    "tokens per frame",
    "tokens of an hour",
    "text among them",
    "context",
    *(f"memory, {'all kept' if keep == 1 else f'keep {Fraction(keep)}'}" for keep in KEEPS),
    "weights",
)


def page(models: Iterable[Outlined]) -> str:
    """The whole page."""
    rows = [list(COLUMNS), *(row(*model) for model in models)]
    return f"""# Models

What a film costs with each supported model, before anything is run. This page is written by \
`python benchmarks/models_page.py` from the settings in \
[released_models.toml](../benchmarks/released_models.toml), by the code that watches films; a test fails \
when page and command differ. Those settings were written down from memory of the releases' configs, which \
were not at hand; only the parameter counts of the Qwen models were used to check them.

For an hour of film in {WIDTH}x{HEIGHT}:

{as_markdown(rows)}

- **Frames per second**: at which `watch` samples a film if it is not told otherwise (`fps=`). The Qwen \
releases sample at most 768 frames of a film, evenly from the first to the last, and so does `watch` where \
`fps=` is not given.
- **Frame**: what each is resized to. The Qwen models take a picture about as it is, and make tokens of two \
frames together. Qwen3-VL's release allows so many pixels for the whole film, so the more frames it \
has, the smaller they become: with `fps=2` an hour of film would have one token for two frames. \
For the others the picture's size makes no difference. `max_tokens=` sets a budget in place of that.
- **Text among them**: the mark at which a film begins, and for Qwen3-VL the time of each pair of frames. \
Text is never compressed.
- **Context**: positions the weights were made for. What does not fit there, `watch` refuses before it \
begins, and names settings that would; films longer than that are what Video-XL's summary tokens are for.
- **Memory**: keys and values in bfloat16; in float32, which `load` takes if it is not told otherwise \
(`dtype=`), it is twice as much. With a number of tokens to keep (`budget=`), it does not grow with the film.
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
    plan = hour(adapter)
    assert plan.frames is not None
    assert plan.visual_tokens is not None
    assert plan.text_tokens is not None
    kept = (kept_tokens(adapter, plan.visual_tokens, keep) + plan.text_tokens for keep in KEEPS)
    return [
        adapter.name,
        f"{adapter.default_fps:g}",
        f"{plan.frames:,}",
        f"{plan.width}x{plan.height}",
        f"{plan.visual_tokens / plan.frames:g}",
        f"{plan.visual_tokens:,}",
        f"{plan.text_tokens:,}",
        f"{context:,}",
        *(bytes_in_words(count * bytes_per_entry(adapter)) for count in kept),
        bytes_in_words(weight_bytes(model)),
    ]


def hour(adapter: ModelAdapter) -> FilmPlan:
    """What an hour of film becomes, sampled as `watch` does if it is not told otherwise."""
    sampling = Sampling(fps=adapter.default_fps, cap=adapter.most_frames)
    frames = frames_wanted(plan_targets(sampling, HOUR), HOUR, None)
    assert frames is not None
    seconds = nominal_times(sampling, HOUR, frames)
    plan, _ = plan_film(adapter, None, PlannedFilm("film", 0, (HEIGHT, WIDTH), seconds, float(HOUR)))
    return plan


def kept_tokens(adapter: ModelAdapter, tokens: int, keep: float) -> int:
    """How many of so many visual tokens stay, interval by interval."""
    cache = planning(named_method("video-xl" if adapter.has_summary_tokens else "random", keep).cache)
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


if __name__ == "__main__":
    PAGE.write_text(page(supported()), encoding="utf-8")
