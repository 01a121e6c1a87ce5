"""A training recipe: everything that decides what a run produces."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from longreel.errors import UsageError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(_Table):
    """Width and layers of the decoder, visual tokens per interval."""

    width: int = 128
    layers: int = 4
    interval: int = 64


class FilmsToSee(_Table):
    """Training films: `count` of `seconds` each, seeds from `first_seed` on."""

    first_seed: int
    count: int
    seconds: float


class EyesStage(_Table):
    """Training of tower and projector; a step is `batch` clips."""

    steps: int
    learning_rate: float
    batch: int = 12


class DecoderStage(_Table):
    """A stage of the decoder's training; see `LessonPlan` and `Curriculum`."""

    eyes: str  # "ideal" or "trained": which eyes the films are seen with
    steps: int
    learning_rate: float
    scenes: list[int]
    advance_below: float
    patience: int = 40
    ratios: list[int] = [1]
    films: int = 16
    tokens: int = 3000
    questions: int = 12
    longest: int | None = None
    options: float = 0.0
    turns: float = 0.0


class Recipe(_Table):
    """The whole run: shapes, films, then the stages in order; `blind` trains the question-only baseline."""

    seed: int
    families: list[str]
    shape: Shape = Shape()
    films: FilmsToSee
    eyes: EyesStage
    base: DecoderStage
    summary: DecoderStage
    blind: DecoderStage | None = None


def load_recipe(path: Path) -> Recipe:
    """Read a TOML recipe.

    Raises:
        UsageError: the file is missing, is not TOML, or has a key or value no recipe has.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read recipe {path}: name a TOML file such as recipes/reel_tiny.toml") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"recipe {path}: {place}: {first['msg']}") from error
