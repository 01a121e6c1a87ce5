"""Files with something wrong in them: edits that hypothesis draws, and how they change bytes."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

_SCALE = 1 << 16
# Lengths and counts that a reader may believe.
_NUMBERS = (0, 1, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
# Containers keep what matters most at their ends.
_EDGE = 4096


@dataclass(frozen=True)
class Edit:
    """One change.

    kind: of the functions below. place: 0 to 65535, a share of `part` ("all", "head" or "tail" of the file).
    length: bytes concerned. value: what is written, or which bit is flipped.
    """

    kind: str
    part: str
    place: int
    length: int
    value: int

    def apply(self, content: bytes) -> bytes:
        """The changed content; an empty file stays empty."""
        if not content:
            return content
        at = self._offset(len(content))
        end = min(len(content), at + self.length)
        before, inside, after = content[:at], content[at:end], content[end:]
        if self.kind == "cut":
            return before
        if self.kind == "drop":
            return before + after
        if self.kind == "repeat":
            return before + inside + inside + after
        if self.kind == "blank":
            return before + bytes([self.value % 256]) * len(inside) + after
        if self.kind == "flip":
            return before + bytes([inside[0] ^ (1 << self.value % 8)]) + inside[1:] + after
        if self.kind == "move":
            return before + after[: self.length] + inside + after[self.length :]
        width = (2, 4, 8)[self.value % 3]
        number = _NUMBERS[self.value % len(_NUMBERS)] % (1 << 8 * width)
        order = "big" if self.value % 2 else "little"
        return (before + number.to_bytes(width, order) + content[at + width :])[: len(content)]

    def _offset(self, size: int) -> int:
        edge = min(_EDGE, size)
        begin, room = {"all": (0, size), "head": (0, edge), "tail": (size - edge, edge)}[self.part]
        return min(size - 1, begin + room * self.place // _SCALE)


KINDS = (*["flip"] * 6, *["number"] * 3, "blank", "blank", "drop", "repeat", "move", "cut")


def edits() -> st.SearchStrategy[list[Edit]]:
    """One to four changes, mostly of a few bytes, so that many a mutant still opens."""
    one = st.builds(
        Edit,
        kind=st.sampled_from(KINDS),
        part=st.sampled_from(["all", "all", "all", "all", "head", "tail"]),
        place=st.integers(0, _SCALE - 1),
        length=st.one_of(st.integers(1, 16), st.integers(1, 16), st.integers(1, 3000)),
        value=st.integers(0, 1000),
    )
    return st.lists(one, min_size=1, max_size=4)


def mutant(content: bytes, changes: list[Edit]) -> bytes:
    """The content after all changes."""
    for change in changes:
        content = change.apply(content)
    return content
