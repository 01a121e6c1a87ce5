"""A model that differs from another in a few things."""

from __future__ import annotations

from typing import Any, cast

from longreel.models.base import ModelAdapter


class StandIn:
    """That model in all that a subclass does not do itself."""

    def __init__(self, adapter: ModelAdapter) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    @property
    def as_adapter(self) -> ModelAdapter:
        """This, as what it is to others."""
        return cast(ModelAdapter, self)
