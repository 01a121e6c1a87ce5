"""Options for films longer than a model was trained on: parts that join the chosen method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from longreel.parsing import parsed_pool, parsed_target

if TYPE_CHECKING:
    from longreel.compress.context_window import ContextWindow
    from longreel.methods import Method
    from longreel.model import Model


@dataclass(frozen=True)
class LongFilms:
    """What was asked for: values of a `ContextWindow` and of a `ProgressivePooling`, None for not given.

    target: positions, or "auto".
    pool: group, fine and coarse stride, such as "4,2,8".
    """

    target: str | None = None
    window: int | None = None
    ramp: str | None = None
    pool: str | None = None

    def check(self) -> None:
        """Refuse values that cannot be before a model is loaded.

        Raises:
            UsageError: one of them cannot.
        """
        self._positions(None)
        self._tokens(None)

    def joined(self, model: Model) -> Model:
        """The same model; its method with these parts.

        Raises:
            UsageError: the model cannot do it.
        """
        if self == LongFilms():
            return model
        from longreel.model import Model

        return Model(model.adapter, self.joined_to(model.method))

    def joined_to(self, method: Method) -> Method:
        """The method with these parts.

        Raises:
            UsageError: a value cannot be.
        """
        tokens, positions = self._tokens(method.tokens), self._positions(method.positions)
        return replace(method, tokens=tokens, positions=positions)

    def _positions(self, before: ContextWindow | None) -> ContextWindow | None:
        given: dict[str, Any] = {"window": self.window, "ramp": self.ramp}
        if self.target is not None:
            given["target"] = parsed_target(self.target)
        given = {name: value for name, value in given.items() if value is not None}
        if not given:
            return before
        from longreel.compress.context_window import ContextWindow

        return replace(before or ContextWindow(), **given)

    def _tokens(self, before: Any) -> Any:
        return before if self.pool is None else parsed_pool(self.pool)
