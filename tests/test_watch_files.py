"""Watching real files: digests, reading ahead, several films, Ctrl-C of a process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from longreel.errors import LongreelError, SourceError, UsageError, WatchInterrupted
from longreel.memory import VideoMemory
from tests.fakes import arrays, assert_same, broken_off, fake_model, interrupting


def film_file(path: Path, pictures: int, *, fps: int = 10, seed: int = 0) -> Path:
    """A lossless film of noise."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=fps)
        stream.width = stream.height = 16
        stream.pix_fmt = "bgr0"
        for picture, _ in arrays(pictures, seed):
            frame = av.VideoFrame.from_ndarray(picture.repeat(2, 0).repeat(2, 1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_file(tmp_path_factory.mktemp("films") / "film.mkv", 205)


def test_the_header_knows_its_film(film: Path) -> None:
    memory = fake_model().watch(film)
    (source,) = memory.header.sources
    assert source.name == "film.mkv"
    assert source.digest is not None
    assert len(source.digest) == 64
    assert source.duration == pytest.approx(20.5)
    assert source.frames_encoded == 41
    assert memory.timeline.frames.tolist() == pytest.approx([i / 2 for i in range(41)])
    assert memory.seconds().nan_to_num().max() == pytest.approx(20.5)
    assert source.reader["policy"] in {"sequential", "seek"}


def test_bytes_and_open_files_are_the_same_film(film: Path) -> None:
    model = fake_model()
    memory = model.watch(str(film))
    assert torch.equal(model.watch(film.read_bytes()).layers[2].keys, memory.layers[2].keys)
    with open(film, "rb") as file:
        opened = model.watch(file)
    assert torch.equal(opened.layers[2].keys, memory.layers[2].keys)
    assert opened.header.sources[0].digest == memory.header.sources[0].digest


def test_start_and_end_keep_the_times_of_the_film(film: Path) -> None:
    memory = fake_model().watch(film, start=5.0, end=9.0)
    assert memory.timeline.frames.tolist() == pytest.approx([5 + i / 2 for i in range(8)])
    assert memory.seconds().nan_to_num().max() == pytest.approx(9.0)


@pytest.mark.parametrize(
    "settings", [{"count": 37}, {"max_frames": 30}, {"fps": 3}, {"seconds": [1.0, 4.0, 9.5]}]
)
def test_resuming_any_sampling(settings: dict[str, Any], film: Path) -> None:
    model = fake_model()
    with pytest.raises(WatchInterrupted) as caught:
        model.watch(film, progress=interrupting(1), **settings)
    resumed = model.watch(film, resume=caught.value.memory, **settings)
    assert_same(resumed, model.watch(film, **settings))


def test_two_files_and_append_continue_the_times(film: Path, tmp_path: Path) -> None:
    other = film_file(tmp_path / "other.mkv", 73, seed=1)
    model = fake_model()
    both = model.watch([film, other])
    assert both.header.sources[1].offset == pytest.approx(20.5)
    times = both.timeline.frames
    assert times[41:].tolist() == pytest.approx([20.5 + i / 2 for i in range(15)])
    appended = model.append(model.watch(film), other)
    assert torch.equal(appended.timeline.frames, times)
    assert appended.header.sources[1].digest == both.header.sources[1].digest
    again = model.append(appended, other)
    assert again.header.sources[2].offset == pytest.approx(27.8)
    # 27.8 s are not on the grid of half seconds: the joined film's next frame is at 28.0.
    assert float(again.timeline.frames[56]) == pytest.approx(28.0)


@pytest.mark.parametrize("when", [1, 3, 4])
def test_resuming_two_files(when: int, film: Path, tmp_path: Path) -> None:
    other = film_file(tmp_path / "other.mkv", 73, seed=1)
    model = fake_model()
    with pytest.raises(WatchInterrupted) as caught:
        model.watch([film, other], progress=interrupting(when))
    memory = caught.value.memory
    assert_same(model.watch([film, other], resume=memory), model.watch([film, other]))
    with pytest.raises(UsageError, match=r"holds film\.mkv and .*other\.mkv has other content"):
        model.watch([other, other], resume=memory)


def test_asking_needs_no_film(film: Path, tmp_path: Path) -> None:
    copy = tmp_path / "film.mkv"
    copy.write_bytes(film.read_bytes())
    model = fake_model()
    memory = model.watch(copy)
    memory.save(tmp_path / "film.memory")
    answer = model.ask(memory, "what is it").text
    copy.unlink()
    assert model.ask(model.open(tmp_path / "film.memory"), "what is it").text == answer


def test_an_unreadable_second_film_is_found_before_the_first_is_watched(film: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a film\n" * 100)
    seen: list[object] = []
    for bad in (text, tmp_path / "missing.mp4"):
        with pytest.raises(LongreelError) as caught:
            fake_model().watch([film, bad], progress=seen.append)
        assert bad.name in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert seen == []
    with pytest.raises(SourceError):
        fake_model().watch(text)


ENDLESS = """
import itertools, sys
import numpy as np
from longreel.errors import WatchInterrupted
from tests.fakes import fake_model

def pictures():
    for number in itertools.count():
        yield np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8), number / 2

try:
    fake_model().watch(pictures(), progress=lambda report: print(report.done, flush=True))
except WatchInterrupted as stopped:
    stopped.memory.save(sys.argv[1])
"""


def test_ctrl_c_from_outside_at_whatever_point_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "part.memory"
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(timeout=60) == 0
    model = fake_model()
    memory = VideoMemory.open(path)
    assert memory.header.resume is not None
    film = [
        (np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8), number / 2)
        for number in range(memory.header.resume.frame + 50)
    ]
    assert_same(model.watch(film, resume=memory), model.watch(film))


def test_pictures_are_films_too(tmp_path: Path) -> None:
    paths = []
    for number, (picture, _) in enumerate(arrays(5)):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(picture.repeat(2, 0).repeat(2, 1)).save(paths[-1])
    model = fake_model("keep-all", None)
    folder = model.watch(tmp_path, fps=1)
    listed = model.watch(paths, fps=1)
    timed = model.watch([(path, 3.0 * number) for number, path in enumerate(paths)], fps=1)
    assert folder.timeline.frames.tolist() == listed.timeline.frames.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert timed.timeline.frames.tolist() == [0.0, 3.0, 6.0, 9.0, 12.0]
    assert (
        folder.header.sources[0].digest == listed.header.sources[0].digest != timed.header.sources[0].digest
    )


def test_a_film_and_a_plan_in_one_memory(film: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    Image.fromarray(arrays(1)[0][0].repeat(2, 0).repeat(2, 1)).save(plan)
    memory = fake_model().watch([film, plan])
    assert [source.kind for source in memory.header.sources] == ["film", "image"]
    assert float(memory.timeline.frames[-1]) == pytest.approx(20.5)
    assert memory.header.sources[1].frames_encoded == 1


@pytest.mark.parametrize("method", [("video-xl", 0.5), ("uniform", 0.4)])
def test_going_on_reads_only_the_rest(tmp_path: Path, method: tuple[str, float]) -> None:
    path = film_file(tmp_path / "film.mkv", 800)
    model = fake_model(*method)
    memory = broken_off(model, path, progress=interrupting(10 if method[0] == "video-xl" else 4))
    memory.save(tmp_path / "part.memory")
    resumed = model.watch(path, resume=model.open(tmp_path / "part.memory"))
    whole = model.watch(path)
    assert_same(resumed, whole)
    once, again = (each.header.sources[0].reader for each in (whole, resumed))
    assert (again["asked"], again["got"]) == (once["asked"], once["got"])
    point = memory.header.resume
    assert point is not None
    assert 0 < point.read_from_seconds < 80
    assert again["decoded"] < once["decoded"] - 5 * point.read_from_seconds
