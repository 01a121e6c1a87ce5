"""Subtitles given to `watch`: in every form, for every film, and to models that cannot take them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.memory import VideoMemory
from longreel.methods import named_method
from longreel.model import Model
from longreel.models.video_xl.adapter import VideoXLAdapter
from tests.fakes import arrays, assert_same, broken_off, fake_model, interrupting, video_xl_model
from tests.families.checkpoints import write_checkpoint
from tests.video.subtitled import Track, write_subtitled

LINES = [(0.0, 0.5, "who is there"), (1.0, 2.0, "it is red")]
SRT = "1\n00:00:00,000 --> 00:00:00,500\nwho is there\n\n2\n00:00:01,000 --> 00:00:02,000\nit is red\n"
TRANSCRIPT = {"subtitles": LINES, "subtitle_placement": "transcript"}


class Ears:
    """Hears what it is told, and counts how often it listened."""

    def __init__(self, *heard: list[tuple[float, float, str]]) -> None:
        self.heard = list(heard)
        self.asked = 0

    def transcribe(self, sound: str | BinaryIO) -> Iterable[tuple[float, float, str]]:
        self.asked += 1
        return self.heard.pop(0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = write_checkpoint("qwen2_vl", tmp_path_factory.mktemp("model") / "qwen2_vl")
    model = longreel.load(folder)
    model.adapter.interval = 10  # type: ignore[misc]
    return model


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.mkv"
    return write_subtitled(path, Track("subrip", LINES, language="eng"), sound=0.0)


def texts(memory: VideoMemory) -> int:
    return int((memory.layers[0].token == TEXT).sum())


def test_every_form_gives_the_same_memory(model: Model, spoken: Path, tmp_path: Path) -> None:
    file = tmp_path / "film.srt"
    file.write_text(SRT)
    listed = model.watch(spoken, subtitles=LINES)
    forms: dict[str, Any] = {"file": file, "track": "track", "track:en": "track:en", "lines": iter(LINES)}
    for kind, given in forms.items():
        memory = model.watch(spoken, subtitles=given)
        record = memory.header.sources[0].subtitles
        assert record is not None
        assert record.source == kind
        assert all(
            torch.equal(one.keys, other.keys) for one, other in zip(memory.layers, listed.layers, strict=True)
        )


def test_what_is_heard_is_placed(model: Model, spoken: Path) -> None:
    heard = model.watch(spoken, subtitles=Ears([(1.0, 2.0, "it is red")]))
    assert texts(heard) > texts(model.watch(spoken))
    record = heard.header.sources[0].subtitles
    assert record is not None
    assert (record.source, record.lines) == ("transcriber", 1)


def test_only_the_film_to_go_on_with_is_heard_again(model: Model, spoken: Path, tmp_path: Path) -> None:
    later = [(0.5, 0.9, "and then"), (2.0, 2.5, "it is blue")]
    films = [spoken, write_subtitled(tmp_path / "b.mkv", sound=0.0)]
    whole = model.watch(films, subtitles=Ears(LINES, later))
    partial = broken_off(model, films, subtitles=Ears(LINES, later), progress=interrupting(2))
    assert partial.header.resume is not None
    first = partial.header.resume.source
    ears = Ears(*[LINES, later][first:])
    assert_same(whole, model.watch(films, subtitles=ears, resume=partial))
    assert ears.asked == 2 - first
    finished = Ears()
    assert model.watch(films, subtitles=finished, resume=whole) is whole
    with pytest.raises(UsageError, match="settings"):
        model.watch(films, subtitles=Ears(), subtitle_budget=7, resume=whole)


def test_a_film_without_lines_between_films_with(model: Model) -> None:
    films = [arrays(4), arrays(4, seed=1), arrays(4, seed=2)]
    memory = model.watch(films, subtitles=[LINES, None, LINES])
    assert [source.subtitles is None for source in memory.header.sources] == [False, True, False]
    one = texts(model.watch(films, subtitles=[LINES, None, None]))
    none = texts(model.watch(films))
    assert none < one < texts(memory)


def test_only_lines_of_the_watched_part_are_told(model: Model, spoken: Path) -> None:
    memory = model.watch(spoken, start=0.8, end=1.6, subtitles="track")
    record = memory.header.sources[0].subtitles
    assert record is not None
    assert record.lines == 1


@pytest.mark.parametrize(
    ("films", "settings", "named"),
    [
        (1, {"subtitle_budget": 5}, "subtitle_budget= is for subtitles"),
        (1, {"subtitle_placement": "transcript"}, "subtitle_placement= is for subtitles"),
        (1, {"subtitles": LINES, "subtitle_placement": "above"}, "'times' or 'transcript'"),
        (1, {"subtitles": LINES, "subtitle_budget": -1}, "budget of -1"),
        (1, {"subtitles": []}, "hold no lines"),
        (2, {"subtitles": LINES}, "2 films and one for all"),
        (2, {"subtitles": ["a.srt"]}, "2 films and 1 subtitles"),
        (2, {"subtitles": "a.srt"}, "2 films and one for all"),
        (1, {"subtitles": "nowhere.srt"}, "nowhere.srt"),
        (1, {"subtitles": "track"}, "needs a film file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    model: Model, films: int, settings: dict[str, Any], named: str
) -> None:
    sources = [arrays(2, seed=seed) for seed in range(films)]
    with pytest.raises(longreel.LongreelError, match=named) as caught:
        model.watch(sources if films > 1 else sources[0], **settings)
    assert len(str(caught.value).splitlines()) == 1


def test_a_closed_vocabulary_takes_none() -> None:
    model = video_xl_model()
    with pytest.raises(UsageError, match="knows only the words"):
        model.watch(arrays(8), **TRANSCRIPT)


def test_summary_tokens_take_a_transcript_only() -> None:
    model = fake_model()
    with pytest.raises(UsageError, match="subtitle_placement='transcript'"):
        model.watch(arrays(8), subtitles=LINES)
    memory = model.watch(
        [arrays(8), arrays(8, seed=1)], subtitles=[LINES, LINES], subtitle_placement="transcript"
    )
    assert memory.layers[0].token[: texts(memory)].eq(TEXT).all()
    with pytest.raises(UsageError, match="before the first film only"):
        model.append(memory, arrays(8), **TRANSCRIPT)


def test_summary_tokens_behind_a_transcript(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as if the transcript ended the text before the film."""
    closed = video_xl_model().adapter
    assert isinstance(closed, VideoXLAdapter)
    monkeypatch.setattr(closed.model.config, "closed_vocabulary", False)
    adapter = VideoXLAdapter("open", closed.model, closed._tokenizer)
    model = Model(adapter, named_method("video-xl", 0.25))
    memory = model.watch(arrays(30), **TRANSCRIPT)
    before = adapter.dialogue.before(None)
    rows = torch.cat([adapter.dialogue.words(f"0:0{line[0]:.0f} {line[2]}\n") for line in LINES])
    assert texts(memory) == len(before) + len(rows)
    monkeypatch.setattr(adapter.dialogue, "before", lambda system: torch.cat((before, rows)))
    for one, other in zip(memory.layers, model.watch(arrays(30)).layers, strict=True):
        assert torch.equal(one.token, other.token)
        assert torch.equal(one.positions, other.positions)
        assert torch.allclose(one.keys, other.keys, atol=1e-4)
        assert torch.allclose(one.values, other.values, atol=1e-4)
