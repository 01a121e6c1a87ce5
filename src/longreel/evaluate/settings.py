"""Settings to compare: a method at a fraction kept, and answering with nothing shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from longreel.ask import Decoding
from longreel.compress.two_levels import TwoLevels
from longreel.errors import UsageError
from longreel.methods import Method, keeps_whole, method_names, named_method

# The model as it is: what every method is compared with.
BASE = "keep-all"
_SIMPLE = 64


@dataclass(frozen=True)
class Setting:
    """One column of a result.

    method: None for the blind setting, in which nothing is shown. keep: the fraction kept; None if there is
    none, as for a method that keeps a number of tokens. extended: positions to which memories are extended
    once they are watched; None to leave them as they are. dense_intervals: of memories of two levels, how
    many intervals a question reads at the dense one; None for the default.
    """

    label: str
    method: Method | None
    keep: float | None = None
    extended: int | None = None
    dense_intervals: int | None = None

    @property
    def is_base(self) -> bool:
        """Whether the model sees everything, as without a method."""
        return self.label == BASE


class Parameters(Protocol):
    """What is set of methods beside how much they keep; the command line's are `MethodParameters`."""

    def check_for(self, methods: Sequence[str]) -> None:
        """Refuse what is for none of these."""

    def method(self, name: str, keep: float | None = None, budget: int | None = None) -> Method:
        """`named_method` with what is set of it."""

    def words(self, method: str) -> str:
        """What is set of this method, "" for nothing."""

    def sets_ratios(self, method: str) -> bool:
        """Whether that says how much it keeps."""


# Nothing is shown: what the questions alone give away.
BLIND = Setting("blind", None)


def settings_to_compare(
    methods: Sequence[str],
    keeps: Sequence[float],
    budgets: Sequence[int] = (),
    parameters: Parameters | None = None,
) -> list[Setting]:
    """Every method at every fraction, or keeping every number of visual tokens if there are `budgets`, and
    once each those that keep everything, or by ratios of their own.

    Args:
        parameters: of the methods they are for, but not of the base model, which stays as it is.

    Raises:
        UsageError: no method, an unknown one, or a fraction, number or parameter it cannot have.
    """
    if not methods:
        raise UsageError(f"there is no method to compare: name some of {', '.join(method_names())}")
    if parameters is not None:
        parameters.check_for(methods)
    made = [
        setting
        for name in methods
        for setting in _settings_of(name, keeps, budgets, None if name == BASE else parameters)
    ]
    return list({setting.label: setting for setting in made}.values())


def _settings_of(
    name: str, keeps: Sequence[float], budgets: Sequence[int], parameters: Parameters | None
) -> Iterator[Setting]:
    build = named_method if parameters is None else parameters.method
    words = "" if parameters is None else parameters.words(name)
    more = f" {words}" if words else ""
    if keeps_whole(name):
        yield Setting(f"{name}{more}", build(name, 1.0), 1.0)
    elif parameters is not None and parameters.sets_ratios(name):
        yield Setting(f"{name}{more}", build(name))
    elif budgets:
        for budget in budgets:
            yield Setting(f"{name} {budget:,} tokens{more}", build(name, budget=budget))
    else:
        for keep in keeps:
            yield Setting(f"{name} {fraction_in_words(keep)}{more}", build(name, keep), keep)


def with_dense_intervals(settings: Sequence[Setting], count: int | None) -> list[Setting]:
    """The settings, those of two levels reading `count` intervals at the dense one.

    Raises:
        UsageError: none has two levels, or it is no number of intervals.
    """
    if count is None:
        return list(settings)
    Decoding(dense_intervals=count)
    if not any(_has_two_levels(setting) for setting in settings):
        raise UsageError("--dense-intervals is for memories of two levels: give --dense too")
    return [
        replace(each, label=f"{each.label} --dense-intervals {count}", dense_intervals=count)
        if _has_two_levels(each)
        else each
        for each in settings
    ]


def _has_two_levels(setting: Setting) -> bool:
    return setting.method is not None and isinstance(setting.method.cache, TwoLevels)


def with_base(settings: Sequence[Setting]) -> list[Setting]:
    """The settings with the base model, in front where it is not among them."""
    if any(setting.is_base for setting in settings):
        return list(settings)
    return [*settings_to_compare([BASE], []), *settings]


def fraction_in_words(keep: float) -> str:
    """1/16 where the fraction is simple, 0.3333333 where it is not."""
    simple = Fraction(keep).limit_denominator(_SIMPLE)
    return str(simple) if abs(simple - keep) < 1e-9 else f"{keep:.7g}"
