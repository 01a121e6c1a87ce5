"""Stop strings: texts that an answer ends before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from longreel.errors import UsageError

MAX_STOP_STRINGS = 16
# Stands for bytes that are no character, or not yet.
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


def stop_strings(given: str | Sequence[str]) -> tuple[str, ...]:
    """One stop string or several, as a tuple.

    Raises:
        UsageError: there are too many, or one is empty or no text.
    """
    stop = (given,) if isinstance(given, str) else given
    if not isinstance(stop, list | tuple) or not all(isinstance(each, str) for each in stop):
        raise UsageError(f"stop={given!r} is no list of texts: give some such as ['\\n', 'Question:']")
    if len(stop) > MAX_STOP_STRINGS:
        raise UsageError(
            f"there are {len(stop)} stop strings and {MAX_STOP_STRINGS} are the most: give fewer"
        )
    if not all(stop):
        raise UsageError("a stop string is empty and would end every answer at once: leave it out")
    return tuple(stop)


@dataclass(frozen=True)
class Wording:
    """How the tokens of an answer become text that ends before the first stop string.

    The first is the one that is complete first, of those complete at once the longest: so an answer does
    not depend on how it is cut into tokens. Blanks around an answer are no part of it and stop nothing.

    Args:
        decode: the text of token ids, its last word perhaps unfinished; `Dialogue.decode`.
        stop: as `stop_strings` gives them.
    """

    decode: Callable[[Sequence[int]], str]
    stop: tuple[str, ...] = ()

    def until_stop(self, tokens: Iterator[int]) -> Iterator[int]:
        """The tokens as they come, up to the one that completes a stop string."""
        if not self.stop:
            yield from tokens
            return
        ids: list[int] = []
        for token in tokens:
            ids.append(token)
            yield token
            if self._end(_finished(self.decode(ids))) is not None:
                return

    def text(self, ids: Sequence[int]) -> str:
        """The answer that all its tokens make."""
        text = self.decode(ids)
        return text[: self._end(text)]

    def spoken(self, ids: Sequence[int]) -> Sequence[int]:
        """The tokens that the text is made of: all but those of the stop string."""
        if not self.stop:
            return ids
        said = self.text(ids).rstrip()
        while ids and self.decode(ids[:-1]).startswith(said):
            ids = ids[:-1]
        return ids

    def certain(self, ids: Sequence[int]) -> str:
        """The part of the text that stays whatever follows: whole words that no stop string cuts off."""
        text = _finished(self.decode(ids))
        text = text[: text.rfind(" ") + 1]
        end = self._end(text)
        return text[: len(text) - self._begun(text) if end is None else end]

    def _end(self, text: str) -> int | None:
        """Where the first stop string begins; None if there is none in the text."""
        begins = [(text.find(each), len(each)) for each in self.stop]
        found = [(begin + length, begin) for begin, length in begins if begin >= 0]
        return min(found)[1] if found else None

    def _begun(self, text: str) -> int:
        """Characters at the end of the text that may be the beginning of a stop string."""
        return max((_overlap(text, each) for each in self.stop), default=0)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with, `stop` itself excepted."""
    lengths = range(min(len(text), len(stop) - 1), 0, -1)
    return next((length for length in lengths if text.endswith(stop[:length])), 0)


def _finished(text: str) -> str:
    """The text without a character of which bytes may be missing, and blanks that may be trimmed with it."""
    return text.rstrip(_UNFINISHED).rstrip()
