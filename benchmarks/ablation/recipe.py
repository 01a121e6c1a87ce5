"""The recipe of the ablations: what every training has in common, and what tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longreel.train.conversations.recipe import WideningRatios
from longreel.train.recipe import (
    DecoderStage,
    Families,
    FilmsToSee,
    Positive,
    Rate,
    Shape,
    Whole,
    read_recipe,
)

SUMMARIES: Final = "summary tokens"
AVERAGE = "average pooling"
RANDOM = "random dropping"
RESAMPLER = "resampler"
DYNAMIC = "dynamic"
Intervals = Literal["fixed", "dynamic"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# What trainings, or runs, decide.
_NOT_COMMON = frozenset(
    {"families", "ratios", "steps", "summaries", "advance_below", "patience", "intervals"}
)


class LessonStage(DecoderStage):
    """What all trainings have in common of a stage; films have one number of scenes."""

    name: str = "lessons"
    steps: Positive = 1
    advance_below: float = 0.0

    @model_validator(mode="after")
    def _is_common(self) -> Self:
        decided = sorted(self.model_fields_set & _NOT_COMMON)
        if decided:
            raise ValueError(f"{decided[0]} is not what all trainings have in common")
        if len(self.scenes) > 1:
            raise ValueError("scenes is one number: films that grow as the loss falls differ by training")
        return self


class Training(_Table):
    """One way to train.

    condense: how an interval becomes fewer tokens: in the decoder, or before it sees them.
    schedule: the ratios that a batch draws from, until a share of the steps is over.
    intervals: of equal length, or dynamic ones: those of watching by the fraction 1 / the ratio drawn, each
        condensed by one of all ratios.
    """

    condense: Literal["summary tokens", "average pooling", "random dropping", "resampler"] = SUMMARIES
    families: Families
    schedule: Annotated[list[WideningRatios], Field(min_length=1)]
    intervals: Intervals = "fixed"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        ends = [step.until for step in self.schedule]
        if ends != sorted(set(ends)) or ends[-1] != 1:
            raise ValueError("until has to grow from step to step of the schedule, up to 1")
        if self.condense != SUMMARIES and len(self.ratios) > 1:
            raise ValueError(f"{self.condense} has one ratio, not {self.ratios}")
        if self.condense != SUMMARIES and self.intervals != "fixed":
            raise ValueError(f"{self.condense} has fixed intervals")
        return self

    @property
    def ratios(self) -> list[int]:
        """All that are drawn from, ascending."""
        return sorted({ratio for step in self.schedule for ratio in step.ratios})


class Arm(_Table):
    """A trained model, and the intervals by which it watches."""

    label: str
    training: str
    intervals: Intervals = "fixed"


class Ablation(_Table):
    """What is compared: the other arms with the first one, at each of the ratios."""

    about: str
    measured_at: Annotated[list[Positive], Field(min_length=1)]
    arms: Annotated[list[Arm], Field(min_length=1)]


class Measured(_Table):
    """The films that all models are asked about; see `FilmsTask`."""

    films: Positive
    minutes: Rate
    split: str
    first_seed: Whole
    per_family: Positive
    existence: Positive
    min_event: Rate = 2.0


class AblationRecipe(_Table):
    """See recipes/ablations.toml. `seed` is that of the first training."""

    seed: Whole
    shape: Shape
    films: FilmsToSee
    start: Annotated[list[DecoderStage], Field(min_length=1)]
    lessons: LessonStage
    measured: Measured
    trainings: dict[str, Training]
    ablations: dict[str, Ablation]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for ablation in self.ablations.values():
            for arm in ablation.arms:
                if arm.training not in self.trainings:
                    raise ValueError(f"arm {arm.label!r} has no training {arm.training!r}")
                _check_watching(arm, self.trainings[arm.training], ablation.measured_at)
        return self

    def families_of(self, ablation: Ablation) -> tuple[str, ...]:
        """What all arms are asked: whatever one of them was trained on."""
        found = [family for arm in ablation.arms for family in self.trainings[arm.training].families]
        return tuple(dict.fromkeys(found))


def _check_watching(arm: Arm, training: Training, ratios: list[int]) -> None:
    if training.condense != SUMMARIES and ratios != training.ratios:
        raise ValueError(f"{training.condense} at {training.ratios} is not measured at {ratios}")
    if training.condense != SUMMARIES and arm.intervals == DYNAMIC:
        raise ValueError(f"{training.condense} has fixed intervals")
    if arm.intervals == DYNAMIC and max(ratios) > training.ratios[-1]:
        raise ValueError(f"dynamic intervals of {training.ratios} cannot keep 1/{max(ratios)}")


def load_ablations(path: Path) -> AblationRecipe:
    """Read the recipe.

    Raises:
        UsageError: the file is missing, is no TOML, or has a wrong key or value.
    """
    return read_recipe(path, AblationRecipe.model_validate, example="recipes/ablations.toml")
