"""Methods and their parts."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longreel.compress.base import Chunk
from longreel.compress.baselines import KeepAll, RandomTokens, RecentWindow, UniformFrames
from longreel.compress.retake import Retake
from longreel.compress.summary_tokens import SummaryTokens
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.methods import Method, method_names, named_method
from tests.fakes import fake_model

COMPRESSORS = st.one_of(
    st.just(KeepAll()),
    st.builds(SummaryTokens, st.integers(1, 40)),
    st.builds(RandomTokens, st.floats(0.01, 1.0), st.integers(0, 5)),
)


@given(COMPRESSORS, st.integers(1, 200), st.integers(0, 10_000))
def test_compressors_return_ascending_indices_of_the_chunk(
    part: KeepAll | SummaryTokens | RandomTokens, tokens: int, first: int
) -> None:
    chunk = Chunk(tokens, first, part.slots(tokens))
    raw = chunk.raw_tokens()
    assert len(raw) == chunk.length
    assert raw.unique().tolist() == list(range(tokens))
    kept = part.keep(chunk)
    if kept is None:
        return
    assert (kept.diff() > 0).all()
    assert kept.numel() == 0 or 0 <= int(kept[0]) <= int(kept[-1]) < chunk.length


@given(st.integers(2, 30), st.integers(1, 200))
def test_summary_tokens_stand_after_every_ratio_raw_tokens(ratio: int, tokens: int) -> None:
    slots = SummaryTokens(ratio).slots(tokens)
    assert slots is not None
    length = tokens + tokens // ratio
    assert slots.tolist() == [i for i in range(length) if i % (ratio + 1) == ratio]
    followed = Chunk(tokens, 0, slots).raw_tokens()[slots]
    assert followed.tolist() == [ratio * (j + 1) - 1 for j in range(tokens // ratio)]


@given(st.floats(0.001, 1.0), st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_uniform_frames_do_not_depend_on_blocks(keep: float, blocks: list[int]) -> None:
    part = UniformFrames(keep)
    total = sum(blocks)
    whole = part.select(torch.zeros(total), 0).tolist()
    pieces, first = [], 0
    for block in blocks:
        pieces += [first + i for i in part.select(torch.zeros(block), first).tolist()]
        first += block
    assert pieces == whole
    assert whole[0] == 0
    assert abs(len(whole) - keep * total) <= 1


@given(st.integers(1, 20), st.lists(st.integers(1, 15), min_size=1, max_size=8), st.integers(0, 3))
def test_a_recent_window_keeps_the_last_tokens_and_all_text(
    window: int, chunks: list[int], text: int
) -> None:
    part = RecentWindow(window)
    held, first = torch.full((text,), TEXT), 0
    for tokens in chunks:
        kept = part.keep(Chunk(tokens, first))
        stays = torch.arange(tokens) if kept is None else kept
        held = torch.cat((held, first + stays, torch.full((text,), TEXT)))
        left = part.remember(held)
        held = held if left is None else held[left]
        first += tokens
    assert held[held != TEXT].tolist() == list(range(max(0, first - window), first))
    assert int((held == TEXT).sum()) == text * (1 + len(chunks))


@given(st.integers(1, 300), st.floats(0.001, 1.0))
def test_random_keeps_the_floor_but_at_least_one(tokens: int, keep: float) -> None:
    kept = RandomTokens(keep).keep(Chunk(tokens))
    assert kept is not None
    meant = Fraction(keep).limit_denominator(1_000_000)
    assert len(kept) == max(1, math.floor(meant * tokens))


@pytest.mark.parametrize(
    ("keep", "ratio"), [(1, 1), (0.5, 2), (0.25, 4), (1 / 12, 12), (0.0625, 16), (0.3333, 3)]
)
def test_video_xl_keeps_one_in_a_whole_number(keep: float, ratio: int) -> None:
    assert named_method("video-xl", keep).cache == SummaryTokens(ratio)


def test_methods_say_what_they_are() -> None:
    assert named_method("video-xl") == named_method("video-xl", 1 / 16)
    assert named_method("video-xl", 0.5).settings() == {
        "name": "video-xl",
        "frames": None,
        "cache": {"part": "SummaryTokens", "ratio": 2},
    }
    names = {"video-xl", "keep-all", "uniform", "recent-window", "random", "retake", "context-window"}
    assert set(method_names()) == names
    assert Method().settings()["name"] == "custom"
    with pytest.raises(UsageError, match="is not a dataclass"):
        Method(cache=object()).settings()  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", [0, -0.1, 1.0001, 2, math.nan, math.inf, -math.inf, "much"])
@pytest.mark.parametrize("method", method_names())
def test_keep_outside_its_range(method: str, keep: float) -> None:
    with pytest.raises(UsageError, match=r"outside \(0, 1\]"):
        named_method(method, keep)


@pytest.mark.parametrize(
    ("name", "keep", "message"),
    [
        ("video-xl", 0.3, r"nearest are 0\.25 \(4x\) and 0\.3333 \(3x\)"),
        ("video-xl", 0.9, r"nearest are 0\.5 \(2x\) and 1 \(1x\)"),
        ("keep-all", 0.5, "keep-all: leave keep out"),
        ("context-window", 0.5, "context-window: leave keep out"),
        ("video_xl", None, r"did you mean 'video-xl'\?"),
        ("magic", None, "unknown method 'magic': known are video-xl"),
    ],
)
def test_what_a_method_cannot_do(name: str, keep: float | None, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        named_method(name, keep)
    assert len(str(caught.value).splitlines()) == 1


def test_methods_a_model_cannot_do() -> None:
    with pytest.raises(UsageError, match="fake has none: use 'keep-all'"):
        fake_model("video-xl", 0.5, has_summary_tokens=False)
    assert fake_model("video-xl", 1.0, has_summary_tokens=False)
    with pytest.raises(UsageError, match="fake has none: leave pooling out"):
        fake_model("context-window", None)
    with pytest.raises(UsageError, match="keep at least 1/10"):
        fake_model("video-xl", 1 / 11)
    with pytest.raises(UsageError, match="ratio 0 is below 1"):
        SummaryTokens(0)


def test_a_setting_that_came_later_counts_only_where_it_is_set() -> None:
    """Memories made before there was one would otherwise be of another method."""
    plain, shared = (named_method("retake", 0.5, retake=Retake(by_time=each)) for each in (False, True))
    assert "by_time" not in plain.settings()["cache"]
    assert shared.settings()["cache"]["by_time"] is True
    assert shared.target == "by_time"
    assert named_method("retake", 1.0, retake=Retake(by_time=True)).target is None
