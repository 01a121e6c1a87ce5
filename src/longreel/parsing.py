"""How values are written on the command line, in recipes and by other programs."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from longreel.errors import UsageError

if TYPE_CHECKING:
    from longreel.compress.progressive_pooling import ProgressivePooling


def nearest(word: str, known: Iterable[str]) -> str:
    """Which of the known words may have been meant, to be put behind an unknown one; "" for none."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parsed_keep(text: str | None) -> float | None:
    """`--keep`, if it was given; see `parsed_fraction`."""
    return None if text is None else parsed_fraction(text)


def parsed_fraction(text: str, option: str = "--keep") -> float:
    """The fraction in `1/16`, `0.0625` or `16x`.

    Raises:
        UsageError: it is none of these, or outside (0, 1].
    """
    try:
        keep = _fraction(text.strip().lower().replace("\N{MULTIPLICATION SIGN}", "x"))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{option} {text!r} is not a fraction: write 1/16, 0.0625 or 16x") from None
    if not 0 < keep <= 1:
        raise UsageError(
            f"{option} {text!r} is outside (0, 1]: write 1/16, 0.0625 or 16x to keep a sixteenth"
        )
    return keep


def parsed_fractions(text: str) -> list[float]:
    """The fractions in `1,1/4,16x`.

    Raises:
        UsageError: one of them is no fraction.
    """
    return [parsed_fraction(part) for part in parsed_words(text)]


def _fraction(text: str) -> float:
    if text.endswith("x"):
        return 1 / float(text.removesuffix("x"))
    if "/" in text:
        part, whole = text.split("/")
        return float(part) / float(whole)
    return float(text)


def parsed_ratios(text: str | None) -> tuple[int, ...] | None:
    """The ratios in `2,4,8` or `2x,4x,8x`.

    Raises:
        UsageError: one of them is no whole number.
    """
    if text is None:
        return None
    try:
        return tuple(int(part.removesuffix("x")) for part in parsed_words(text.lower()))
    except ValueError:
        raise UsageError(f"--ratios {text!r} is not a list of whole numbers: write 2,4,8") from None


def parsed_ratio(text: str | None, option: str = "--dense") -> int | None:
    """The ratio in `4` or `4x`.

    Raises:
        UsageError: it is no whole number.
    """
    if text is None:
        return None
    try:
        return int(text.strip().lower().removesuffix("x"))
    except ValueError:
        raise UsageError(f"{option} {text!r} is no ratio: write a whole number, such as 4x") from None


def parsed_budgets(text: str | None) -> list[int]:
    """The numbers in `4096,8192`.

    Raises:
        UsageError: one of them is none.
    """
    words = parsed_words(text or "")
    if not all(word.isdecimal() for word in words):
        raise UsageError(f"--budget {text!r} is no list of whole numbers: write 4096,8192")
    return [int(word) for word in words]


def parsed_words(text: str) -> tuple[str, ...]:
    """The parts between commas, without the blanks around them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parsed_seconds(text: str | None) -> tuple[float, ...] | None:
    """The times in `1,2.5,10`.

    Raises:
        UsageError: one of them is not a number.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--seconds {text!r} is not a list of numbers: write 1,2.5,10") from None


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


def parsed_pool(text: str) -> ProgressivePooling:
    """The pooling in `4,2,8`: group, fine and coarse stride.

    Raises:
        UsageError: it is something else, or such a pooling cannot be.
    """
    try:
        group, fine, coarse = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--pool {text!r} is not group, fine and coarse stride: write 4,2,8") from None
    from longreel.compress.progressive_pooling import ProgressivePooling

    return ProgressivePooling(group, (fine, coarse))
