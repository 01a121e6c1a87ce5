"""A training recipe: everything that decides what a run produces."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.errors import UsageError
from longreel.films.questions import named_families
from longreel.train.borders import Borders, check_borders
from longreel.train.conversations.recipe import StageRecipe, is_stage

R = TypeVar("R")
Positive = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=5, le=10_800)]
Rate = Annotated[float, Field(gt=0)]


def _known(families: list[str]) -> list[str]:
    try:
        named_families(families)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return families


Families = Annotated[list[str], Field(min_length=1), AfterValidator(_known)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(_Table):
    """Shapes of the decoder, visual tokens per interval, made-up words known during training.

    With `clock`, frames are told their time.
    """

    width: Positive = 128
    layers: Positive = 4
    heads: Positive = 2
    head_dim: Positive = 64
    rope_theta: Rate = 1e9
    interval: Positive = 64
    clock: bool = False
    made_up: Whole = 4096


class Grow(_Table):
    """Begin with a trained model, made larger; see `Growth`. Of the shape, only `clock` and `made_up` count.

    `model` is the folder of a model with a linear projector, or "reel_tiny" for the one in this package.
    """

    model: str = "reel_tiny"
    width: Positive
    inner: Positive
    layers: Annotated[list[Whole], Field(min_length=1)]
    sharper: Rate = 1.0
    sureness: Rate | None = None
    tells_next: bool = False


class Cells(_Table):
    """Begin with a trained model whose tower then tells what each cell of a grid shows; see `Grid`.

    `model` is as in `Grow`. Of the shape, only `made_up` counts.
    """

    model: str = "reel_tiny"
    rows: Positive
    columns: Positive
    pool: Positive
    frames: Positive


class FilmsToSee(_Table):
    """Training films: `count` of `seconds` each, seeds from `first_seed`, no scene over `longest_scene`."""

    first_seed: Whole
    count: Positive
    seconds: Seconds
    longest_scene: Rate = 8.0


class EyesStage(_Table):
    """Training of the vision tower; a step is `batch` clips, half of them from the `brief` films.

    After `steps`, the part that follows movement learns alone for `follow_steps` of 8 x `batch` clips.
    """

    steps: Positive
    follow_steps: Positive
    learning_rate: Rate
    batch: Positive = 8
    films: FilmsToSee
    brief: FilmsToSee


class DecoderStage(_Table):
    """A stage of the decoder's training; see `LessonPlan` and `Curriculum`.

    `eyes` says how films are seen: "ideal" from their truth, "trained" by the trained tower, "shut" not
    at all, which gives the question-only baseline. `summaries` starts the summary tokens from copies of
    the decoder's projections. `families` replaces those of the recipe; named twice, asked twice as often.
    `doubt` is that of `FeatureBank`. With `half`, products are made in bfloat16, which is faster where the
    processor has it. Films have `intervals` of equal length ("fixed"), or those that end where the picture
    changes ("dynamic", by `borders`), with the ratios of watching by the fraction 1 / the ratio drawn.
    `pools` are [group, fine, coarse], the ways in which a model's cells are pooled, one for each batch.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    families: Families | None = None
    eyes: Literal["ideal", "trained", "shut"]
    steps: Positive
    learning_rate: Rate
    scenes: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]
    advance_below: float
    patience: Positive = 40
    save_steps: Positive = 200
    summaries: bool = False
    ratios: Annotated[list[Positive], Field(min_length=1)] = [1]
    intervals: Literal["fixed", "dynamic"] = "fixed"
    borders: Borders | None = None
    films: Positive = 16
    tokens: Positive = 3000
    questions: Positive = 12
    longest: Positive | None = None
    made_up: Share = 0.0
    keyed: Share = 0.0
    options: Share = 0.0
    turns: Share = 0.0
    spread: Positive = 1
    alike: Share = 0.0
    crowded: Share = 0.0
    crowd: Annotated[int, Field(ge=2)] = 400
    crowd_longest: Positive = 3
    doubt: Share = 0.0
    half: bool = False
    pools: list[tuple[Whole, Positive, Positive]] = []

    @model_validator(mode="after")
    def _dynamic_alone(self) -> Self:
        check_borders(self.intervals, self.borders)
        if self.pools and self.intervals == "dynamic":
            raise ValueError('pools make frames unlike each other: leave out intervals = "dynamic"')
        return self

    @property
    def poolings(self) -> tuple[ProgressivePooling, ...]:
        """`pools` as parts of a method."""
        return tuple(ProgressivePooling(group, (fine, coarse)) for group, fine, coarse in self.pools)


class Recipe(_Table):
    """The whole run: shapes, the eyes, then the decoder's stages in order, on `films` new to the eyes.

    Without `eyes` the tower stays untrained, which suits a decoder that learns with eyes shut.
    """

    seed: Whole
    families: Families
    shape: Shape = Shape()
    grow: Grow | None = None
    cells: Cells | None = None
    films: FilmsToSee
    eyes: EyesStage | None = None
    decoder: list[DecoderStage]

    @model_validator(mode="after")
    def _pooled_where_there_are_cells(self) -> Self:
        if self.grow and self.cells:
            raise ValueError("a run begins with [grow] or with [cells]: leave one of them out")
        for stage in self.decoder:
            if bool(stage.pools) != bool(self.cells):
                raise ValueError(f"stage {stage.name}: [cells] and pools go together, give both or neither")
            if self.cells:
                _check_pools(stage.poolings, (self.cells.rows, self.cells.columns))
        return self


def _check_pools(pools: tuple[ProgressivePooling, ...], grid: tuple[int, int]) -> None:
    try:
        for pool in pools:
            pool.check(grid)
    except UsageError as error:
        raise ValueError(str(error)) from error


def load_recipe(path: Path) -> Recipe | StageRecipe:
    """Read a TOML recipe, of either kind.

    Raises:
        UsageError: the file is missing, is not TOML, or has a key or value no recipe has.
    """
    return read_recipe(path, _recipe_of, example="recipes/reel_tiny.toml")


def _recipe_of(table: dict[str, Any]) -> Recipe | StageRecipe:
    return StageRecipe.model_validate(table) if is_stage(table) else Recipe.model_validate(table)


def read_recipe(path: Path, validate: Callable[[dict[str, Any]], R], *, example: str) -> R:
    """Read a TOML file as what `validate` makes of it.

    Args:
        validate: may raise pydantic's `ValidationError`.
        example: a file of this kind, for who names none.

    Raises:
        UsageError: the file is missing, is not TOML, or has a wrong key or value.
    """
    try:
        return validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read recipe {path}: name a TOML file such as {example}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"recipe {path}: {place + ': ' if place else ''}{first['msg']}") from error
