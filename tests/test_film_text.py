"""Where the lines of a film stand among its frames."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longreel.film_text import FilmText
from longreel.header import SubtitleRecord
from longreel.models.base import VisualTokens
from tests.fakes import FakeDialogue

RECORD = SubtitleRecord(
    source="lines", digest="", placement="times", budget=None, lines=0, dropped=0, tokens=0
)
EACH = 3
TIMES = st.lists(st.integers(0, 12).map(lambda half: half / 2), max_size=8).map(sorted)


def tokens(frames: int, words: tuple[tuple[int, Tensor], ...]) -> VisualTokens:
    frame = torch.arange(frames).repeat_interleave(EACH)
    return VisualTokens(torch.zeros(len(frame), 1), frame.double(), frame.double(), frame, words)


def woven(text: FilmText, times: list[float], cuts: list[int]) -> list[tuple[int, list[int]]]:
    """The film pushed in blocks that begin at `cuts`: (token, ids before it), and what stands behind."""
    found: list[tuple[int, list[int]]] = []
    for begin, end in pairwise(cuts):
        placed = text.placed(times[:begin]) if begin else 0
        marks = () if begin else ((0, torch.tensor([-7])),)
        block = text.woven(
            tokens(end - begin, marks),
            torch.tensor(times[begin:end], dtype=torch.float64),
            placed,
            FakeDialogue(),
        )
        found += [(EACH * begin + before, ids.tolist()) for before, ids in block.words]
    return [*found, (EACH * len(times), text.behind(text.placed(times), FakeDialogue()).tolist())]


@given(
    lines=TIMES,
    times=st.lists(st.integers(0, 12).map(lambda half: half / 2), min_size=1, max_size=9, unique=True),
    clip=st.integers(1, 3),
    cut=st.integers(1, 3),
)
def test_each_line_stands_once_before_the_first_clip_that_begins_then_or_later(
    lines: list[float], times: list[float], clip: int, cut: int
) -> None:
    times = sorted(times)
    ids = tuple(torch.tensor([number]) for number in range(len(lines)))
    text = FilmText(tuple(lines), ids, clip, RECORD)
    expected: dict[int, list[int]] = {0: [-7], EACH * len(times): []}
    for number in reversed(range(len(lines))):
        later = [place for place in range(0, len(times), clip) if times[place] >= lines[number]]
        place = EACH * (later[0] if later else len(times))
        expected[place] = [number, *expected.get(place, [])]
    whole = woven(text, times, [0, len(times)])
    assert whole == sorted(expected.items())
    borders = [*range(0, len(times), clip * cut), len(times)]
    assert woven(text, times, borders) == whole
