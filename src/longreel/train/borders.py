"""Settings of dynamic intervals in recipes, the same as when films are watched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longreel.compress.dynamic_intervals import DynamicIntervals
from longreel.errors import UsageError

Positive = Annotated[int, Field(gt=0)]


class Borders(BaseModel):
    """Where dynamic intervals end; see `DynamicIntervals`, whose defaults these are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest: Positive | None = DynamicIntervals.longest
    shortest: Positive = DynamicIntervals.shortest
    sharpness: float = DynamicIntervals.sharpness
    history: int = DynamicIntervals.history
    look_ahead: int = DynamicIntervals.look_ahead

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        try:
            self.condensing(1, (1,))
        except UsageError as error:
            raise ValueError(str(error)) from error
        return self

    def condensing(self, ratio: int, ratios: Sequence[int]) -> DynamicIntervals:
        """What keeps 1 / `ratio` of a film, each interval by one of `ratios`."""
        return DynamicIntervals(keep=1 / ratio, ratios=tuple(ratios), **self.model_dump())


def check_borders(intervals: str, borders: Borders | None) -> None:
    """Refuse borders of intervals that have none.

    Raises:
        ValueError: there are borders, and `intervals` are not "dynamic".
    """
    if intervals != "dynamic" and borders is not None:
        raise ValueError('borders are those of dynamic intervals: give intervals = "dynamic" too')
