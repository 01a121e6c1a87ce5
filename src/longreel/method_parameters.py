"""Parameters of methods beside how much they keep: one list for all commands, recipes and lmms-eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from longreel.errors import UsageError
from longreel.long_films import LongFilms
from longreel.parsing import nearest, parsed_fraction, parsed_ratio, parsed_ratios

if TYPE_CHECKING:
    from longreel.compress.retake import Retake
    from longreel.compress.video_xl import VideoXL
    from longreel.methods import Method

# Those of one method; the others join any.
_RETAKE = ("chunk_frames", "keyframes", "select", "pivots", "squeeze", "scores", "by_layer", "by_time")
_VIDEO_XL = ("intervals", "ratios", "draw", "ratio_seed", "dense")
_OF_ONE = {"retake": _RETAKE, "video-xl": _VIDEO_XL}
# The model as it is, which nothing joins.
_BASE = "keep-all"
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class MethodParameters:
    """Values as the command line has them, before they are read; the defaults leave methods as they are."""

    target: str | None = None
    window: int | None = None
    ramp: str | None = None
    pool: str | None = None
    chunk_frames: int = 32
    keyframes: str = "1"
    select: str = "peaks"
    pivots: bool = True
    squeeze: bool = True
    scores: str = "attention"
    by_layer: bool = False
    by_time: bool = False
    intervals: str = "fixed"
    ratios: str | None = None
    draw: str | None = None
    ratio_seed: int = 0
    dense: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> MethodParameters:
        """From a file or another program, where a number may stand for its text and a list for its parts.

        Args:
            values: by the names of the options, such as "by_time".

        Raises:
            UsageError: a name that no method has, or a value of another kind.
        """
        kinds = get_type_hints(cls)
        unknown = sorted(set(values) - set(kinds))
        if unknown:
            raise UsageError(f"no method has {', '.join(unknown)}{nearest(unknown[0], kinds)}")
        return cls(**{name: as_given(name, value, kinds[name]) for name, value in values.items()})

    @property
    def long_films(self) -> LongFilms:
        """What joins any method."""
        return LongFilms(self.target, self.window, self.ramp, self.pool)

    def retake(self, method: str | None) -> Retake | None:
        """Settings of ReTaKe for `longreel.load`; None where all is left as it is.

        Args:
            method: None for the model's own.

        Raises:
            UsageError: one was given and the method is another, or a value cannot be read or is out of range.
        """
        if not self._sets("retake", method):
            return None
        from longreel.compress.retake import Retake

        retake = Retake(
            chunk_frames=self.chunk_frames,
            keyframes=parsed_fraction(self.keyframes, "--keyframes"),
            select=self.select,
            pivots=self.pivots,
            squeeze=self.squeeze,
            scored_by=self.scores,
            by_layer=self.by_layer,
            by_time=self.by_time,
        )
        retake.cache(0.5, None)
        retake.features()
        return retake

    def video_xl(self, method: str | None, keep: float | None, budget: int | None) -> VideoXL | None:
        """Settings of Video-XL for `longreel.load`; None where all is left as it is.

        Args:
            method: None for the model's own.

        Raises:
            UsageError: one was given and the method is another, or a value cannot be read or is out of range.
        """
        if not self._sets("video-xl", method or "video-xl"):
            return None
        from longreel.compress.video_xl import VideoXL

        ratios, dense = parsed_ratios(self.ratios), parsed_ratio(self.dense)
        settings = VideoXL(ratios, self.draw, self.ratio_seed, self.intervals, dense=dense)
        settings.cache(keep, budget)
        return settings

    def chosen(self) -> list[str]:
        """The names of the options that were given."""
        return [self._option(name) for name in self._given()]

    def words(self, method: str) -> str:
        """What was given for this method, as it is written in a command."""
        others = {name for one, names in _OF_ONE.items() if one != method for name in names}
        given = [name for name in self._given() if name not in others]
        return " ".join(_as_option(name, getattr(self, name)) for name in given)

    def sets_ratios(self, method: str) -> bool:
        """Whether the ratios of this method say how much it keeps, so that it takes no fraction."""
        given = self.ratios is not None or self.draw is not None
        return method == "video-xl" and given and self.intervals == "fixed"

    def check_for(self, methods: Sequence[str]) -> None:
        """Refuse what is for none of these methods, or would bind a memory to a single question.

        Raises:
            UsageError: such a parameter.
        """
        self.check_for_many_questions()
        for name in self._given():
            of = next((one for one, names in _OF_ONE.items() if name in names), None)
            if of is not None and of not in methods:
                raise self._is_for(name, of)
            if of is None and set(methods) <= {_BASE}:
                raise UsageError(
                    f"{self._option(name)} does not go with {_BASE}, the model as it is: name another "
                    "method, such as context-window"
                )

    def check_for_many_questions(self) -> None:
        """Refuse what makes a memory that knows a single question.

        Raises:
            UsageError: it is asked for.
        """
        if self.scores == "question":
            raise UsageError(
                "--scores question watches a film for one question, and here all are asked of one memory: "
                "choose attention or keys"
            )

    def method(self, name: str, keep: float | None = None, budget: int | None = None) -> Method:
        """`named_method` with what was given for it.

        Raises:
            UsageError: a value cannot be read or is out of range; see `named_method`.
        """
        from longreel.methods import named_method

        retake = self.retake(name) if name == "retake" else None
        video_xl = self.video_xl(name, keep, budget) if name == "video-xl" else None
        return self.long_films.joined_to(named_method(name, keep, budget, retake, video_xl))

    def _sets(self, of: str, method: str | None) -> bool:
        """Whether anything of one method was given, which has to be the chosen one."""
        given = [name for name in self._given() if name in _OF_ONE[of]]
        if given and method != of:
            raise self._is_for(given[0], of)
        return bool(given)

    def _is_for(self, name: str, of: str) -> UsageError:
        return UsageError(f"{self._option(name)} is for --method {of}: leave it out, or name that method")

    def _option(self, name: str) -> str:
        """As it was given, without its value."""
        return _as_option(name, getattr(self, name)).split()[0]

    def _given(self) -> list[str]:
        return [each.name for each in fields(self) if getattr(self, each.name) != each.default]


PLAIN = MethodParameters()


def as_given(name: str, value: Any, kind: Any) -> Any:
    """A value of a file as the command line would have it: a number where one is wanted, and else text.

    Args:
        kind: bool, int, float or str, or None beside one of these.

    Raises:
        UsageError: the value is of another kind.
    """
    kinds = set(get_args(kind) or (kind,))
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_number = is_whole or isinstance(value, float)
    if (bool in kinds and isinstance(value, bool)) or (int in kinds and is_whole):
        return value
    if float in kinds and is_number:
        return float(value)
    if str in kinds and (is_number or isinstance(value, str)):
        return str(value)
    if str in kinds and isinstance(value, list | tuple):
        return ",".join(map(str, value))
    wanted = next(words for one, words in _KINDS.items() if one in kinds)
    raise UsageError(f"{name} = {value!r} is of another kind: give {wanted}")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _as_option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _option(name) if value else _option(f"no_{name}")
    return f"{_option(name)} {value}"
