"""A training recipe: everything that decides what a run produces."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from longreel.errors import UsageError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(_Table):
    """Shapes of the decoder, visual tokens per interval, made-up words known during training."""

    width: int = 128
    layers: int = 4
    heads: int = 2
    head_dim: int = 64
    rope_theta: float = 1e9
    interval: int = 64
    made_up: int = 4096


class FilmsToSee(_Table):
    """Training films: `count` of `seconds` each, seeds from `first_seed`, no scene over `longest_scene`."""

    first_seed: int
    count: int
    seconds: float
    longest_scene: float = 8.0


class EyesStage(_Table):
    """Training of the vision tower; a step is `batch` clips, half of them from the `brief` films.

    After `steps`, the part that follows movement learns alone for `follow_steps` of 8 x `batch` clips.
    """

    steps: int
    follow_steps: int
    learning_rate: float
    batch: int = 8
    films: FilmsToSee
    brief: FilmsToSee


class DecoderStage(_Table):
    """A stage of the decoder's training; see `LessonPlan` and `Curriculum`.

    `eyes` says how films are seen: "ideal" from their truth, "trained" by the trained tower, "shut" not
    at all, which gives the question-only baseline. `summaries` starts the summary tokens from copies of
    the decoder's projections. `families` replaces those of the recipe; named twice, asked twice as often.
    """

    name: str
    families: list[str] | None = None
    eyes: Literal["ideal", "trained", "shut"]
    steps: int
    learning_rate: float
    scenes: list[int]
    advance_below: float
    patience: int = 40
    save_steps: int = 200
    summaries: bool = False
    ratios: list[int] = [1]
    films: int = 16
    tokens: int = 3000
    questions: int = 12
    longest: int | None = None
    made_up: float = 0.0
    keyed: float = 0.0
    options: float = 0.0
    turns: float = 0.0


class Recipe(_Table):
    """The whole run: shapes, the eyes, then the decoder's stages in order, on `films` new to the eyes.

    Without `eyes` the tower stays untrained, which suits a decoder that learns with eyes shut.
    """

    seed: int
    families: list[str]
    shape: Shape = Shape()
    films: FilmsToSee
    eyes: EyesStage | None = None
    decoder: list[DecoderStage]


def load_recipe(path: Path) -> Recipe:
    """Read a TOML recipe.

    Raises:
        UsageError: the file is missing, is not TOML, or has a key or value no recipe has.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read recipe {path}: name a TOML file such as recipes/reel_tiny.toml"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"recipe {path}: {place}: {first['msg']}") from error
