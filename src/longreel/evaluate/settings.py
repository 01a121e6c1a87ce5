"""Settings to compare: a method at a fraction kept, and answering with nothing shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from longreel.errors import UsageError
from longreel.methods import Method, keeps_whole, method_names, named_method

# The model as it is: what every method is compared with.
BASE = "keep-all"
_SIMPLE = 64


@dataclass(frozen=True)
class Setting:
    """One column of a result.

    method: None for the blind setting, in which nothing is shown. keep: the fraction kept; None if there is
    none, as for a method that keeps a number of tokens.
    """

    label: str
    method: Method | None
    keep: float | None = None

    @property
    def is_base(self) -> bool:
        """Whether the model sees everything, as without a method."""
        return self.label == BASE


# Nothing is shown: what the questions alone give away.
BLIND = Setting("blind", None)


def settings_to_compare(
    methods: Sequence[str], keeps: Sequence[float], budgets: Sequence[int] = ()
) -> list[Setting]:
    """Every method at every fraction, or keeping every number of visual tokens if there are `budgets`, and
    those that keep everything once.

    Raises:
        UsageError: no method, an unknown one, or a fraction or number it cannot keep.
    """
    if not methods:
        raise UsageError(f"there is no method to compare: name some of {', '.join(method_names())}")
    settings: dict[str, Setting] = {}
    for name in methods:
        whole = keeps_whole(name)
        for keep in (1.0,) if whole else keeps:
            label = name if whole else f"{name} {fraction_in_words(keep)}"
            if whole or not budgets:
                settings[label] = Setting(label, named_method(name, keep), keep)
        for budget in () if whole else budgets:
            label = f"{name} {budget:,} tokens"
            settings[label] = Setting(label, named_method(name, budget=budget))
    return list(settings.values())


def with_base(settings: Sequence[Setting]) -> list[Setting]:
    """The settings with the base model, in front where it is not among them."""
    if any(setting.is_base for setting in settings):
        return list(settings)
    return [*settings_to_compare([BASE], []), *settings]


def fraction_in_words(keep: float) -> str:
    """1/16 where the fraction is simple, 0.3333333 where it is not."""
    simple = Fraction(keep).limit_denominator(_SIMPLE)
    return str(simple) if abs(simple - keep) < 1e-9 else f"{keep:.7g}"
