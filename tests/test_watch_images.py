"""Images beside films: their place in the stream, on the timeline and in evidence, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from longreel.errors import SourceError, UsageError
from longreel.evidence import evidence_of
from longreel.memory import VideoMemory
from tests.cli.conftest import run
from tests.fakes import arrays, assert_same, broken_off, fake_model, interrupting, video_xl_model

__all__ = ["run"]

METHODS = (("keep-all", None), ("video-xl", 0.5), ("uniform", 0.4), ("random", 0.5))


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
    """A file of noise."""
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return picture(tmp_path / "plan.png")


@pytest.fixture
def door(tmp_path: Path) -> Path:
    return picture(tmp_path / "door.jpg", 1)


def test_an_image_takes_no_time(plan: Path, door: Path) -> None:
    memory = fake_model("keep-all", None).watch([arrays(4), plan, arrays(3, seed=1), door])
    places = [(record.kind, record.offset, record.until) for record in memory.header.sources]
    assert places == [("arrays", 0.0, 2.0), ("image", 2.0, 2.0), ("arrays", 2.0, 3.5), ("image", 3.5, 3.5)]
    assert memory.timeline.frames.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0, 3.5]
    assert [record.visual_tokens for record in memory.header.sources] == [12, 5, 9, 5]
    # Behind the four words before a film.
    spans = memory.seconds()[4:].tolist()
    assert spans[12:17] == [[2.0, 2.0]] * 5
    assert spans[17:20] == [[2.0, 2.5]] * 3
    assert spans[26:] == [[3.5, 3.5]] * 5


def on_tokens(memory: VideoMemory, tokens: range) -> list[torch.Tensor]:
    """Attention to the entries of some visual tokens, the same in every layer."""
    chosen = torch.tensor(list(tokens))
    return [torch.isin(layer.token, chosen).float() for layer in memory.layers]


def test_evidence_tells_an_image_from_the_film_behind_it(plan: Path, door: Path) -> None:
    memory = fake_model("keep-all", None).watch([plan, door, arrays(6), plan, arrays(4)])
    for tokens, place in (
        (range(5), (0.0, 0.0, "plan.png")),
        (range(5, 10), (0.0, 0.0, "door.jpg")),
        (range(10, 13), (0.0, 0.5, None)),
        (range(25, 28), (2.5, 3.0, None)),
        (range(28, 33), (3.0, 3.0, "plan.png")),
        (range(33, 36), (3.0, 3.5, None)),
    ):
        (span,) = evidence_of(memory, on_tokens(memory, tokens))
        assert ((span.start, span.end, span.image), span.score) == (place, 1.0)
    both = evidence_of(memory, on_tokens(memory, range(25, 36)))
    assert {(span.start, span.end, span.image) for span in both} == {
        (2.5, 3.0, None),
        (3.0, 3.0, "plan.png"),
        (3.0, 3.5, None),
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("when", range(1, 7))
def test_going_on_among_images(method: tuple[str, float | None], when: int, plan: Path, door: Path) -> None:
    model = fake_model(*method)
    named = [plan, arrays(23), door, plan, arrays(9, seed=2), door]
    whole = model.watch(named)
    assert_same(model.watch(named, resume=broken_off(model, named, progress=interrupting(when))), whole)


def test_frames_are_selected_as_if_there_were_no_images(plan: Path) -> None:
    model = fake_model("uniform", 0.4)
    films = [arrays(7), arrays(8, seed=1)]
    alone = model.watch(films).timeline.frames.tolist()
    beside = model.watch([films[0], plan, films[1]])
    assert beside.header.sources[1].visual_tokens == 5
    times = beside.timeline.frames.tolist()
    times.remove(3.5)
    assert times == alone


def test_saved_reported_and_opened_again(plan: Path, tmp_path: Path) -> None:
    model = fake_model("keep-all", None)
    memory = model.watch([arrays(5), plan])
    memory.save(tmp_path / "film.memory")
    assert_same(model.open(tmp_path / "film.memory"), memory)
    assert "plan.png (8x8, at 2.5 s)" in str(memory.report())


def test_a_film_and_an_image_are_added(plan: Path, door: Path) -> None:
    model = fake_model("keep-all", None)
    model.adapter.interval = 1  # type: ignore[misc]
    longer = model.append(model.append(model.watch(arrays(5)), plan), [arrays(4, seed=1), door])
    assert_same(longer, model.watch([arrays(5), plan, arrays(4, seed=1), door]))
    closer = fake_model("keep-all", None, closer_alone=True)
    with pytest.raises(UsageError, match=r"plan\.png .*watch everything together"):
        closer.append(closer.watch(arrays(5)), plan)


def test_a_family_that_has_images_first(plan: Path, door: Path) -> None:
    model = fake_model("keep-all", None, come_first=True)
    named = [arrays(3), plan, arrays(4, seed=1), door]
    memory = model.watch(named)
    assert [record.name for record in memory.header.sources] == ["plan.png", "door.jpg", "arrays", "arrays"]
    assert memory.timeline.frames.tolist() == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    # A plan is told in the order of the call.
    assert [each.visual_tokens for each in model.plan(named)] == [9, 5, 12, 5]
    assert_same(memory, model.watch([plan, door, arrays(3), arrays(4, seed=1)]))


def test_subtitles_are_of_films(plan: Path) -> None:
    model = fake_model("keep-all", None, has_summary_tokens=False)
    lines = [(0.0, 1.0, "hello there")]
    for given in (lines, [None, lines], [lines]):
        memory = model.watch([plan, arrays(3)], subtitles=given)
        assert [record.subtitles is None for record in memory.header.sources] == [True, False]
    with pytest.raises(UsageError, match="an image has no subtitles"):
        model.watch([plan, arrays(3)], subtitles=[lines, None])


def test_pictures_alone_stay_a_film(plan: Path, door: Path) -> None:
    model = fake_model("keep-all", None)
    assert [record.kind for record in model.watch([plan, door], fps=1).header.sources] == ["images"]
    assert [record.kind for record in model.watch(plan).header.sources] == ["image"]


def refused(model: Any, named: list[Any], error: type[Exception], match: str) -> None:
    """In one line, before a frame is encoded."""

    def encode(*_: object, **__: object) -> None:
        raise AssertionError("a frame was encoded")

    model.adapter.encode = encode
    with pytest.raises(error, match=match) as caught:
        model.watch(named)
    assert len(str(caught.value).splitlines()) == 1


def test_a_model_of_films_only_says_so(plan: Path) -> None:
    assert [record.kind for record in video_xl_model().watch(plan).header.sources] == ["images"]
    refused(
        video_xl_model(), [arrays(4), plan], UsageError, r"plan\.png is an image and small knows films only"
    )


def test_pictures_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = picture(tmp_path / "whole.png", size=(64, 64)).read_bytes()
    broken = {
        "empty.png": b"",
        "text.jpg": b"no picture at all",
        "cut.png": whole[: len(whole) // 2],
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        refused(
            fake_model(), [arrays(4), tmp_path / name], SourceError, rf"{name} cannot be read as a picture"
        )
    refused(fake_model(), [arrays(4), tmp_path / "no.png"], SourceError, r"no\.png does not exist")
    (tmp_path / "folder.png").mkdir()
    refused(fake_model(), [arrays(4), tmp_path / "folder.png"], SourceError, "folder without pictures")
    refused(fake_model(), [arrays(4), "http://a.b/c.png"], UsageError, r"c\.png .*copy it to a file")
    monkeypatch.setattr("longreel.video.images.MAX_PIXELS", 1000)
    refused(fake_model(), [arrays(4), tmp_path / "whole.png"], SourceError, r"whole\.png has more than 1000")


def test_of_an_animation_the_first_picture_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    pictures = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], lossless=True)
    (_, record) = fake_model().watch([arrays(4), path]).header.sources
    assert "holds 2 pictures, of which the first is read" in record.warnings[0]


def test_the_default_model_refuses_images_at_the_command_line(run: Any, plan: Path, tmp_path: Path) -> None:
    from tests.cli import tiny

    stripes = tiny.write_film(tmp_path / "stripes.mp4")
    refused = run("watch", stripes, plan, "-o", tmp_path / "film.memory")
    assert refused.code == 2
    assert "plan.png is an image" in refused.error
    (tmp_path / "cut.png").write_bytes(plan.read_bytes()[:60])
    unread = run("watch", stripes, tmp_path / "cut.png", "-o", tmp_path / "film.memory")
    assert unread.code == 1
    assert "cut.png cannot be read" in unread.error
