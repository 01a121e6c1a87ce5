"""Methods: named combinations of parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, is_dataclass
from fractions import Fraction
from typing import Any

from longreel.compress.base import (
    AttentionCompressor,
    Compressor,
    FeatureSelector,
    FrameSelector,
    IntervalCompressor,
    MarkingSelector,
    TokenShrinker,
    exact_fraction,
)
from longreel.compress.baselines import FramesWithin, KeepAll, RandomTokens, RecentWindow, UniformFrames
from longreel.compress.context_window import ContextWindow
from longreel.compress.dynamic_intervals import DynamicIntervals
from longreel.compress.interval_ratios import DrawnRatios, ListedRatios, RatioWithin
from longreel.compress.kinds import choosing
from longreel.compress.pivot_kv import PivotKV
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.compress.retake import Retake
from longreel.compress.summary_tokens import SummaryTokens, whole_ratio
from longreel.compress.video_xl import VideoXL
from longreel.errors import UsageError
from longreel.parsing import nearest

# Settings that came later count only where they are set, so that memories made before stay valid.
_LATER = (("by_time", False),)


@dataclass(frozen=True)
class Method:
    """A combination of parts, each a frozen dataclass.

    frames: which frames are encoded; None for all that are sampled.
    features: which of those are keyframes, told by what the language model would see of them; None for none.
    cache: which entries of each chunk stay in memory, and where summary tokens are inserted.
    tokens: what makes fewer tokens of each frame, before the language model sees them; None for nothing.
    positions: by which rotary table films longer than in training are read; None for the model's own.
    name: of the row in the table of methods, or what the user calls their own combination.
    """

    frames: FrameSelector | None = None
    cache: Compressor = field(default_factory=KeepAll)
    name: str = "custom"
    features: FeatureSelector | None = None
    tokens: TokenShrinker | None = None
    positions: ContextWindow | None = None

    def settings(self) -> dict[str, Any]:
        """Name and parts as plain values, for a memory's header; equal for equal methods only."""
        settings = {"name": self.name, "frames": _settings(self.frames), "cache": _settings(self.cache)}
        # Left out where there are none, as before there were any: memories made then stay valid.
        later = {"features": self.features, "tokens": self.tokens, "positions": self.positions}
        return settings | {stage: _settings(part) for stage, part in later.items() if part is not None}

    @property
    def needs_question(self) -> bool:
        """Whether what is kept depends on a question, which has to be known while watching."""
        return isinstance(self.cache, AttentionCompressor) and self.cache.needs_question

    @property
    def uses_keyframes(self) -> bool:
        """Whether what is kept depends on which frames are keyframes."""
        chooser = choosing(self.cache)
        return isinstance(self.features, MarkingSelector) and getattr(chooser, "pivots", False)

    @property
    def chosen_frames(self) -> Fraction:
        """The fraction of encoded frames that stay; below 1, when the last one of a film has been seen."""
        return Fraction(1) if self.features is None else exact_fraction(self.features.keep)

    def lookback(self, clip: int) -> int | None:
        """Frames before one that have to be encoded again to go on with it; None for all of the film.

        clip: frames that are encoded together.
        """
        if self.chosen_frames < 1:
            return None
        marked = self.features.lookback * clip if isinstance(self.features, MarkingSelector) else 0
        return max(marked, self.cache.lookback if isinstance(self.cache, IntervalCompressor) else 0)

    @property
    def target(self) -> str | None:
        """The setting that makes what is kept of a film depend on its length; None without one."""
        if isinstance(self.frames, FramesWithin):
            return f"budget={self.frames.tokens}"
        if isinstance(self.cache, RatioWithin):
            return f"budget={self.cache.tokens}"
        if isinstance(self.cache, ListedRatios):
            return "a ratio for each interval"
        if isinstance(self.cache, PivotKV | DynamicIntervals) and self.cache.budget is not None:
            return f"budget={self.cache.budget}"
        if isinstance(self.cache, PivotKV) and self.cache.by_time and self.cache.drops:
            return "by_time"
        return (
            None if self.features is None or self.chosen_frames == 1 else f"keyframes={self.features.keep:g}"
        )

    @property
    def seam(self) -> str | None:
        """Why adding a film to a memory is not watching the joined film; None where it may be."""
        if self.uses_keyframes:
            return "keyframes were chosen in each film by itself"
        if isinstance(self.cache, DynamicIntervals):
            return "intervals were found in each film by itself"
        if isinstance(self.cache, DrawnRatios) and self.cache.each == "film":
            return "each film has a ratio of its own"
        return None

    @property
    def needs_summary_tokens(self) -> bool:
        """Whether it works only with weights trained for summary tokens."""
        if isinstance(self.cache, IntervalCompressor):
            return True
        return isinstance(self.cache, SummaryTokens) and self.cache.ratio > 1


def _settings(part: Any) -> dict[str, Any] | None:
    if part is None:
        return None
    if not is_dataclass(part) or isinstance(part, type):
        raise UsageError(
            f"part {part!r} of the method is not a dataclass, so a memory cannot record its settings"
        )
    given = {key: value for key, value in asdict(part).items() if (key, value) not in _LATER}
    # As JSON has them: a header that was read equals the one that was written.
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {"part": type(part).__name__, **values}


@dataclass(frozen=True)
class _Row:
    """How a method is built from a fraction to keep, and from a number of visual tokens; None where it
    cannot be. The first of them has a default, and is the only one for a method that is `whole`.
    """

    build: Callable[[float], Method] | None = None
    default_keep: float = 1.0
    within: Callable[[int], Method] | None = None
    default_budget: int = 4096
    whole: bool = False


def _keep_all(keep: float) -> Method:
    return Method(name="keep-all")


def _context_window(keep: float) -> Method:
    return Method(tokens=ProgressivePooling(), positions=ContextWindow(), name="context-window")


def _uniform(keep: float) -> Method:
    return Method(frames=UniformFrames(keep), name="uniform")


def _uniform_within(budget: int) -> Method:
    return Method(frames=FramesWithin(budget), name="uniform")


def _recent_window(budget: int) -> Method:
    return Method(cache=RecentWindow(budget), name="recent-window")


def _random(keep: float) -> Method:
    return Method(cache=RandomTokens(keep), name="random")


def _retake(keep: float) -> Method:
    return _retaken(Retake(), keep, None)


def _retake_within(budget: int) -> Method:
    return _retaken(Retake(), None, budget)


def _retaken(settings: Retake, keep: float | None, budget: int | None) -> Method:
    return Method(features=settings.features(), cache=settings.cache(keep, budget), name="retake")


def _video_xl(keep: float) -> Method:
    return Method(cache=SummaryTokens(whole_ratio(keep)), name="video-xl")


def _video_xl_within(budget: int) -> Method:
    return Method(cache=RatioWithin(budget), name="video-xl")


_METHODS = {
    "video-xl": _Row(_video_xl, 1 / 16, _video_xl_within),
    "keep-all": _Row(_keep_all, 1.0, whole=True),
    "uniform": _Row(_uniform, 1 / 4, _uniform_within),
    "recent-window": _Row(within=_recent_window),
    "random": _Row(_random, 1 / 4),
    "retake": _Row(_retake, 1 / 4, _retake_within),
    "context-window": _Row(_context_window, 1.0, whole=True),
}


def method_names() -> tuple[str, ...]:
    """The names `named_method` knows."""
    return tuple(_METHODS)


def keeps_whole(name: str) -> bool:
    """Whether a method keeps everything, so that there is no fraction to choose."""
    return name in _METHODS and _METHODS[name].whole


def named_method(
    name: str,
    keep: float | None = None,
    budget: int | None = None,
    retake: Retake | None = None,
    video_xl: VideoXL | None = None,
) -> Method:
    """The method of this name, keeping the fraction `keep` or so many visual tokens of each film.

    With neither, the method's own default.

    Args:
        retake, video_xl: further settings of the methods "retake" and "video-xl".

    Raises:
        UsageError: unknown name, both or a value out of range, or one this method cannot do.
    """
    if retake is not None and retake != Retake():
        if name != "retake":
            raise UsageError(f"settings of ReTaKe are for the method retake, not {name}: leave them out")
        plain = named_method(name, keep, budget).cache
        assert isinstance(plain, PivotKV)
        return _retaken(retake, plain.keep, plain.budget)
    if video_xl is not None and video_xl != VideoXL():
        return _set_video_xl(name, keep, budget, video_xl)
    row = _METHODS.get(name)
    if row is None:
        raise UsageError(
            f"unknown method {name!r}{nearest(str(name), _METHODS)}: known are {', '.join(_METHODS)}"
        )
    if keep is not None:
        keep = checked_keep(keep)
    if row.whole and keep not in (None, 1):
        raise UsageError(
            f"keep={keep:g} does not fit the method {name}: leave keep out, or name another method"
        )
    if keep is not None and budget is not None:
        raise UsageError("keep= and budget= are two ways to say how much stays: give one of them")
    if budget is not None or row.build is None:
        if row.within is None:
            raise UsageError(f"{name} keeps a fraction: give keep= in place of budget=")
        if keep is not None:
            raise UsageError(f"{name} keeps a number of visual tokens: give budget= in place of keep=")
        return row.within(checked_budget(row.default_budget if budget is None else budget))
    return row.build(row.default_keep if keep is None else keep)


def _set_video_xl(name: str, keep: float | None, budget: int | None, settings: VideoXL) -> Method:
    if name != "video-xl":
        raise UsageError(f"settings of Video-XL are for the method video-xl, not {name}: leave them out")
    keep = None if keep is None else checked_keep(keep)
    budget = None if budget is None else checked_budget(budget)
    return Method(cache=settings.cache(keep, budget), name="video-xl")


def checked_budget(budget: int) -> int:
    """`budget` as a whole number from 1.

    Raises:
        UsageError: it is not.
    """
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
        raise UsageError(f"budget={budget} is no number of visual tokens: give a whole number, such as 4096")
    return budget


def checked_keep(keep: float) -> float:
    """`keep` as a float in (0, 1].

    Raises:
        UsageError: it is not.
    """
    try:
        number = float(keep)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number <= 1:
        raise UsageError(f"keep={keep} is outside (0, 1]: give the fraction to keep, such as 0.0625 for 16x")
    return number
