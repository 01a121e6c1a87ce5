"""Files of conversations: what is read, what is left out and named, in which order samples come."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longreel.errors import SourceError
from longreel.train.conversations.files import ConversationFile
from longreel.train.conversations.mixture import Mixture
from longreel.train.conversations.ratios import RatioPlan, Widening
from longreel.train.conversations.samples import BadSample, Turn, parse_sample
from tests.train.conversations.make import sample, write_lines

HERE = Path("data")


def test_lines_and_lists_hold_the_same_samples(tmp_path: Path) -> None:
    samples = [sample(f"{n}?", "ä" * n) for n in range(5)]
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"\n".join(json.dumps(each).encode() + b"\r" for each in samples[:3]) + b"\n\n")
    with open(lines, "ab") as file:
        file.write(b"\n".join(json.dumps(each, ensure_ascii=False).encode() for each in samples[3:]))
    listed = tmp_path / "list.json"
    listed.write_text(" \n" + json.dumps(samples, indent=1))
    for path in (lines, listed):
        read = ConversationFile(path)
        assert [read[number] for number in range(len(read))] == samples
        assert read.where(2) == f"{path}:3"


@pytest.mark.parametrize("content", [None, "", "\n\n", "[]", "[1, 2"])
def test_files_without_samples_are_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "none.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SourceError, match=r"none\.jsonl"):
        ConversationFile(path)


def test_a_line_that_is_not_json_is_only_found_when_it_comes_up(tmp_path: Path) -> None:
    file = ConversationFile(write_lines(tmp_path / "some.jsonl", ["{not json", sample("?", "!")]))
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        file[0]
    assert file[1] == sample("?", "!")


def test_a_lone_placeholder_stands_before_its_question() -> None:
    for written in ("<image>\nWhat?", "What?\n<image>", " What? <image>", "<image>What?"):
        parsed = parse_sample(sample(written, " Yes. ", image="a.png"), HERE)
        assert parsed.turns == (Turn(("<image>",), "What?", "Yes."),)
        assert parsed.images == (HERE / "a.png",)


def test_of_several_placeholders_those_in_the_text_stay() -> None:
    raw = sample("<image> <video>\nFirst <image> or <image>?", "It.", image=["a", "b", "c"], video="d")
    (turn,) = parse_sample(raw, HERE).turns
    assert turn == Turn(("<image>", "<video>"), "First <image> or <image>?", "It.")


def test_a_video_may_have_the_placeholder_of_an_image() -> None:
    assert parse_sample(sample("<image>\nWho?", "I.", video="v.mp4"), HERE).turns[0].leading == ("<video>",)


def test_a_system_text_comes_first() -> None:
    raw = sample("Hello", "Hi")
    raw["conversations"].insert(0, {"from": "system", "value": "Be short."})
    assert parse_sample(raw, HERE).system == "Be short."


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("text", "not a conversation"),
        ({}, "not a conversation"),
        ({"conversations": []}, "not a conversation"),
        ({"conversations": [{"from": "human"}]}, "not a conversation"),
        (
            {"conversations": [{"from": "gpt", "value": "!"}, {"from": "human", "value": "?"}]},
            "not a conversation",
        ),
        ({"conversations": [{"from": "system", "value": "!"}]}, "no answer"),
        ({"conversations": [{"from": "human", "value": "?"}]}, "no answer"),
        (sample("?", "  "), "no answer"),
        (sample("<image>?", "!"), "placeholders"),
        (sample("?", "!", image="a.png"), "placeholders"),
        (sample("<image>?", "!", image=["a.png", "b.png"]), "placeholders"),
        (sample("<video><video>?", "!", video="a.mp4"), "placeholders"),
        (sample("<image>?", "<image>", image="a.png"), "placeholders"),
        (sample("<image>?", "!", image=[3]), "not a conversation"),
    ],
)
def test_bad_samples_and_why(raw: Any, reason: str) -> None:
    with pytest.raises(BadSample) as bad:
        parse_sample(raw, HERE)
    assert bad.value.reason == reason


@given(
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_without_weights_an_epoch_shows_every_sample_once(sizes: list[int], epochs: int, seed: int) -> None:
    mixture = Mixture(sizes, [None] * len(sizes), epochs * sum(sizes), seed)
    shown = Counter(mixture.pick(place) for place in range(len(mixture)))
    assert len(shown) == sum(sizes)
    assert set(shown.values()) == {epochs}


@given(
    files=st.lists(st.tuples(st.integers(1, 9), st.floats(0.1, 9)), min_size=1, max_size=4),
    draws=st.integers(1, 60),
    seed=st.integers(0, 99),
)
def test_weights_are_shares_to_the_nearest_draw(
    files: list[tuple[int, float]], draws: int, seed: int
) -> None:
    sizes, weights = zip(*files, strict=True)
    mixture = Mixture(sizes, weights, draws, seed)
    picks = [mixture.pick(place) for place in range(draws)]
    counts = Counter(pick.file for pick in picks)
    for number, weight in enumerate(weights):
        assert abs(counts[number] - draws * weight / sum(weights)) < 1
        own = [pick.number for pick in picks if pick.file == number]
        # A round is over before a sample comes again.
        assert len(set(own[: sizes[number]])) == min(len(own), sizes[number])


def test_the_order_is_that_of_the_seed_and_no_other() -> None:
    first, again, other = (Mixture([50, 9], [1, 1], 80, seed) for seed in (3, 3, 4))
    order = [first.pick(place) for place in range(80)]
    assert order == [again.pick(place) for place in reversed(range(80))][::-1]
    assert order != [other.pick(place) for place in range(80)]


def test_in_place_of_a_bad_sample_come_the_others_of_its_file() -> None:
    mixture = Mixture([5, 3], [None, None], 8, 0)
    for place in range(8):
        tried = [mixture.pick(place, attempt) for attempt in range(5)]
        size = 5 if tried[0].file == 0 else 3
        assert {pick.file for pick in tried} == {tried[0].file}
        assert {pick.number for pick in tried[:size]} == set(range(size))


def test_ratios_widen_as_the_run_goes_on() -> None:
    plan = RatioPlan((Widening(0.5, (2, 4)), Widening(1.0, (2, 4, 8, 16))), 1000, 7)
    early = {ratio for place in range(500) for ratio in plan.draw(place, [160, 160])}
    late = {ratio for place in range(500, 1000) for ratio in plan.draw(place, [160, 160])}
    assert early == {2, 4}
    assert late == {2, 4, 8, 16}


def test_ratios_are_decided_by_seed_and_place() -> None:
    plan = RatioPlan((Widening(1.0, (2, 4, 8)),), 100, 7)
    lengths = [96] * 6
    assert plan.draw(3, lengths) == plan.draw(3, lengths)
    assert len({tuple(plan.draw(place, lengths)) for place in range(20)}) > 10
    assert any(len(set(plan.draw(place, lengths))) > 1 for place in range(20))
    of_film = RatioPlan((Widening(1.0, (2, 4, 8)),), 100, 7, "film")
    assert all(len(set(of_film.draw(place, lengths))) == 1 for place in range(20))


def test_only_ratios_that_divide_an_interval_are_drawn_if_there_are_any() -> None:
    plan = RatioPlan((Widening(1.0, (2, 4, 8)),), 100, 7)
    assert {plan.draw(place, [12])[0] for place in range(50)} == {2, 4}
    assert {plan.draw(place, [7])[0] for place in range(50)} == {2, 4, 8}
    of_film = RatioPlan((Widening(1.0, (2, 4, 8)),), 100, 7, "film")
    assert {tuple(of_film.draw(place, [16, 12])) for place in range(50)} == {(2, 2), (4, 4)}
