"""Options for films longer than a model was trained on: parts that join the chosen method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from longreel.errors import UsageError

if TYPE_CHECKING:
    from longreel.compress.context_window import ContextWindow
    from longreel.compress.progressive_pooling import ProgressivePooling
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

    def chosen(self) -> list[str]:
        """The names of the options that were given."""
        return [f"--{name}" for name, value in vars(self).items() if value is not None]

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
        return before if self.pool is None else _parsed_pool(self.pool)


def parsed_target(text: str) -> Any:
    """A number of positions, or "auto".

    Raises:
        UsageError: it is neither.
    """
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--target {text!r} is no number of positions: write 50176, or auto") from None


def _parsed_pool(text: str) -> ProgressivePooling:
    try:
        group, fine, coarse = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--pool {text!r} is not group, fine and coarse stride: write 4,2,8") from None
    from longreel.compress.progressive_pooling import ProgressivePooling

    return ProgressivePooling(group, (fine, coarse))
