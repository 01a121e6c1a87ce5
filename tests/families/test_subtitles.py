"""Subtitles on every family: text among frames, where the unmodified model would see it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.models.prompt import Prompt
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.stock import Stock
from tests.families.test_parity import QUESTIONS, film, logits, seen

# Before the first frame, on a frame, between two of a pair, at once with another, and behind the last.
LINES = [
    (0.0, 0.4, "A fox."),
    (1.0, 1.5, "Ça va ?"),
    (2.6, 3.0, "It is raining, and"),
    (2.7, 4.0, "nobody knows why."),
    (9.0, 9.5, "The end."),
]
OTHERS = [(0.2, 1.0, "Later,"), (1.4, 1.5, "elsewhere.")]
TURNS: list[tuple[str, str | None]] = [(QUESTIONS[0], None)]
EACH_WITH_MARKS = pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])


def starts(lines: list[tuple[float, float, str]]) -> list[tuple[float, str]]:
    return [(start, text) for start, _, text in lines]


@pytest.mark.parametrize("chunk", [7, 10_000])
def test_lines_at_their_times_are_what_the_unmodified_model_sees(
    family: str, folder: Path, chunk: int
) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    model.adapter.interval = chunk  # type: ignore[misc]
    source = film(11)
    memory = model.watch(source, subtitles=LINES)
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], TURNS, 2.0, [starts(LINES)])
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, TURNS)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    assert memory.header.kept[0] + len(found) == len(expected)
    text = memory.layers[0].token == TEXT
    assert torch.equal(memory.seconds()[:, 0].isnan(), text)


def test_a_transcript_stands_before_the_film(family: str, folder: Path) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    source = film(5)
    memory = model.watch(source, subtitles=[(65.0, 66.0, "A fox."), *LINES], subtitle_placement="transcript")
    rows = "0:00 A fox.\n0:01 Ça va ?\n0:02 It is raining, and\n0:02 nobody knows why.\n0:09 The end.\n"
    rows += "1:05 A fox.\n"
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], TURNS, 2.0, transcript=rows)
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, TURNS)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    assert memory.header.kept[0] + len(found) == len(expected)


@EACH_WITH_MARKS
def test_two_films_with_lines_of_their_own(family: str, checkpoints: dict[str, Path]) -> None:
    folder = checkpoints[family]
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    model.adapter.interval = 9  # type: ignore[misc]
    sources = [film(5, seed=1), film(4, seed=2)]
    memory = model.watch(sources, subtitles=[LINES, OTHERS])
    given = stock.inputs(
        [seen(model, source) for source in sources],
        [[t for _, t in source] for source in sources],
        TURNS,
        2.0,
        [starts(LINES), starts(OTHERS)],
    )
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, TURNS)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4


@pytest.mark.parametrize(("placement", "method"), [("times", "random"), ("transcript", "keep-all")])
@pytest.mark.parametrize("when", [1, 2, 3])
def test_no_line_is_placed_twice_or_lost_by_an_interruption(
    family: str, folder: Path, method: str, placement: str, when: int, tmp_path: Path
) -> None:
    """The first film ends inside a chunk or on its border, so its last lines wait or do not."""
    model = longreel.load(folder, method=method)
    told = {"subtitles": [LINES, OTHERS], "subtitle_placement": placement}
    sources = [film(40, seed=1), film(4, seed=2)]
    border = model.watch(sources[0]).header.visual_tokens
    for interval in (11, border):
        model.adapter.interval = interval  # type: ignore[misc]
        whole = model.watch(sources, **told)  # type: ignore[arg-type]
        partial = broken_off(model, sources, progress=interrupting(when), **told)
        partial.save(tmp_path / "film.memory")
        assert_same(whole, model.watch(sources, resume=model.open(tmp_path / "film.memory"), **told))  # type: ignore[arg-type]


def test_adding_a_film_places_its_lines_alike(family: str, folder: Path) -> None:
    model = longreel.load(folder, method="keep-all")
    first, second = film(6, seed=1), film(4, seed=2)
    model.adapter.interval = model.watch(first).header.visual_tokens  # type: ignore[misc]
    together = model.watch([first, second], subtitles=[LINES, OTHERS])
    added = model.append(model.watch(first, subtitles=LINES), second, subtitles=OTHERS)
    assert_same(together, added)


@pytest.mark.parametrize("placement", ["times", "transcript"])
@pytest.mark.parametrize("budget", [0, 60, 1000])
def test_lines_stay_within_their_budget(family: str, folder: Path, placement: str, budget: int) -> None:
    model = longreel.load(folder)
    plain = model.watch(film(4))
    memory = model.watch(film(4), subtitles=LINES, subtitle_placement=placement, subtitle_budget=budget)
    source = memory.header.sources[0]
    record = source.subtitles
    assert record is not None
    assert record.lines + record.dropped == len(LINES)
    assert 0 <= memory.header.kept[0] - plain.header.kept[0] <= record.tokens <= budget
    assert any("subtitles were dropped" in warning for warning in source.warnings) == bool(record.dropped)
    assert (record.dropped == 0) == (budget == 1000)
    assert f"{record.lines} lines" in str(memory.report())


def test_a_mark_in_a_line_is_no_mark(family: str, folder: Path) -> None:
    prompt = longreel.load(folder).adapter.dialogue
    assert isinstance(prompt, Prompt)
    for mark, number in prompt.tokenizer.get_added_vocab().items():
        said = f"a{mark}b{mark[0]}{mark} {mark}"
        ids = prompt.quoted(said)
        assert number in prompt.words(said)
        assert number not in ids
        assert prompt.tokenizer.decode(ids) == said


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({}, "other subtitles"),
        ({"subtitles": LINES[:-1]}, "other subtitles"),
        ({"subtitles": LINES, "subtitle_budget": 500}, "settings"),
        ({"subtitles": LINES, "subtitle_placement": "transcript"}, "settings"),
    ],
)
def test_going_on_with_other_subtitles_is_refused(
    other: dict[str, object], named: str, checkpoints: dict[str, Path]
) -> None:
    model = longreel.load(checkpoints["qwen2_vl"])
    model.adapter.interval = 11  # type: ignore[misc]
    source = film(20)
    partial = broken_off(model, source, progress=interrupting(1), subtitles=LINES)
    with pytest.raises(UsageError, match=named) as caught:
        model.watch(source, resume=partial, **other)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 1


def test_subtitles_for_a_film_watched_without_are_refused(checkpoints: dict[str, Path]) -> None:
    model = longreel.load(checkpoints["qwen2_vl"])
    memory = model.watch(film(4))
    with pytest.raises(UsageError, match="no subtitles"):
        model.watch(film(4), subtitles=LINES, resume=memory)
