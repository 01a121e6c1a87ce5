"""Speech recognition behind its protocol; no model is needed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import pytest
from tests.video.subtitled import write_subtitled

from longreel.errors import LongreelError, ModelError, SourceError, UsageError
from longreel.video.speech import FasterWhisper, Transcriber
from longreel.video.subtitles import SubtitleLine, read_subtitles


@dataclass
class FakeWhisper:
    """Has the face of faster_whisper.WhisperModel, hears what it is told, and keeps what it was asked."""

    heard: list[tuple[float, float, str]]
    failure: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def transcribe(
        self, audio: str | BinaryIO, *, language: str | None, vad_filter: bool
    ) -> tuple[Iterator[Any], Any]:
        content = audio.read() if hasattr(audio, "read") else Path(str(audio)).read_bytes()
        self.asked.append({"bytes": len(content), "language": language, "vad_filter": vad_filter})
        return self._segments(), SimpleNamespace(language="en", duration=2.0)

    def _segments(self) -> Iterator[Any]:
        for start, end, text in self.heard:
            yield SimpleNamespace(start=np.float64(start), end=np.float64(end), text=text)
        if self.failure:
            raise self.failure


class Echo:
    """A transcriber that gives what it was made with."""

    def __init__(self, lines: Any) -> None:
        self.lines = lines

    def transcribe(self, sound: str | BinaryIO) -> Iterable[Any]:
        return self.lines  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subtitled(tmp_path_factory.mktemp("film") / "film.mp4", sound=0.0)


def test_what_is_heard_comes_as_lines(film: Path) -> None:
    model = FakeWhisper([(0.0, 0.5, " Good\n morning."), (0.5, 0.6, " "), (0.75, 1.5, " Bye.")])
    lines = read_subtitles(FasterWhisper(language="en", model=model), film)
    assert [line.text for line in lines] == ["Good morning.", "Bye."]
    times = [time for line in lines for time in (line.start, line.end)]
    assert times == pytest.approx([0.0, 0.5, 0.75, 1.5], abs=0.002)
    assert model.asked == [{"bytes": film.stat().st_size, "language": "en", "vad_filter": True}]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize(("picture", "sound"), [(0.0, 0.0), (10.0, 12.0), (1.0, 0.0)])
def test_sound_and_picture_may_begin_apart(tmp_path: Path, ending: str, picture: float, sound: float) -> None:
    film = write_subtitled(tmp_path / f"film.{ending}", begin=picture, sound=sound)
    (line,) = read_subtitles(Echo([(1.5, 2.0, "hello")]), film)
    # A codec may put a few hundredths of a second of silence before the sound.
    assert (line.start, line.end) == pytest.approx((1.5 + sound - picture, 2.0 + sound - picture), abs=0.07)


def test_start_and_end_cut_what_is_heard(film: Path) -> None:
    model = FasterWhisper(model=FakeWhisper([(0.0, 0.5, "a"), (0.5, 1.0, "b"), (1.0, 1.5, "c")]))
    assert [line.text for line in read_subtitles(model, film, start=0.6, end=0.9)] == ["b"]


def test_a_silent_film_is_no_mistake(film: Path) -> None:
    assert read_subtitles(FasterWhisper(model=FakeWhisper([])), film) == ()


@pytest.mark.parametrize("kind", ["bytes", "BytesIO", "open"])
def test_a_film_that_is_no_path(film: Path, kind: str) -> None:
    model = FakeWhisper([(0.5, 1.0, "hello")])
    size = film.stat().st_size
    with open(film, "rb") as file:
        file.seek(3)
        source: Any = {"bytes": film.read_bytes(), "BytesIO": io.BytesIO(film.read_bytes()), "open": file}[
            kind
        ]
        (line,) = read_subtitles(FasterWhisper(model=model), source)
        assert line.text == "hello"
        assert file.tell() == 3
    assert model.asked[0]["bytes"] == size


def test_a_transcriber_may_close_the_film(film: Path) -> None:
    class Closing:
        def transcribe(self, sound: Any) -> list[SubtitleLine]:
            sound.close()
            return [SubtitleLine(0.5, 1.0, "hello")]

    assert [line.text for line in read_subtitles(Closing(), film.read_bytes())] == ["hello"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (None, "the transcriber gave a NoneType"),
        ([(2.0, 1.0, "a")], "line 1 of what the transcriber heard ends"),
        ([(-2.0, 1.0, "a")], "is no time"),
        (["hello"], "line 1 of what the transcriber heard is no (start, end, text)"),
    ],
)
def test_what_a_transcriber_gives_is_checked(film: Path, lines: Any, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_subtitles(Echo(lines), film)
    assert said in str(raised.value)


def test_films_that_cannot_be_heard(tmp_path: Path) -> None:
    silent = write_subtitled(tmp_path / "silent.mp4", frames=5)
    cases: list[tuple[Any, type[LongreelError], str]] = [
        (silent, SourceError, "silent.mp4 has no sound"),
        (tmp_path / "none.mp4", SourceError, "none.mp4 does not exist"),
        (None, UsageError, "a transcriber needs the film"),
        ("https://example.org/film.mp4", UsageError, "download the film"),
        ([(np.zeros((8, 8), np.uint8), 0.0)], UsageError, "needs a film file"),
    ]
    for source, error, said in cases:
        with pytest.raises(error) as raised:
            read_subtitles(Echo([]), source, allow_url=True)
        assert said in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("failure", [RuntimeError("CUDA\nout of memory"), ValueError("no such language")])
def test_a_model_that_fails_on_the_way(film: Path, failure: Exception) -> None:
    model = FakeWhisper([(0.0, 1.0, "lost")], failure)
    with pytest.raises(
        ModelError, match=r"speech recognition failed \((CUDA out of memory|no such)"
    ) as raised:
        read_subtitles(FasterWhisper(model=model), film)
    assert "\n" not in str(raised.value)


def test_a_class_is_no_transcriber_yet(film: Path) -> None:
    assert isinstance(FasterWhisper(), Transcriber)
    with pytest.raises(UsageError, match="is no subtitles"):
        read_subtitles(FasterWhisper, film)  # type: ignore[arg-type]


def run_with(package: str, folder: Path, film: Path) -> str:
    """What is said where `package` is the text of faster_whisper, or where "" there is none."""
    if package:
        (folder / "faster_whisper.py").write_text(package)
    program = (
        ("" if package else "import sys; sys.modules['faster_whisper'] = None\n")
        + "import sys\n"
        + "from longreel.errors import LongreelError\n"
        + "from longreel.video.speech import FasterWhisper\n"
        + "whisper = FasterWhisper('tiny', device='cpu', compute_type='int8')\n"
        + "try:\n"
        + "    for _ in range(2): print([line.text for line in whisper.transcribe(sys.argv[1])])\n"
        + "except LongreelError as error: print(type(error).__name__, error)\n"
    )
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", program, film],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    ).stdout.strip()


def test_without_faster_whisper_the_extra_is_named(tmp_path: Path, film: Path) -> None:
    said = 'UsageError speech recognition needs one more package: pip install "longreel[asr]"'
    assert run_with("", tmp_path, film) == said


def test_the_model_is_loaded_once_with_its_settings(tmp_path: Path, film: Path) -> None:
    package = (
        "from types import SimpleNamespace\n"
        "class WhisperModel:\n"
        "    def __init__(self, *args, **kwargs): print(args, kwargs)\n"
        "    def transcribe(self, audio, **kwargs):\n"
        "        return [SimpleNamespace(start=0.0, end=1.0, text='hi')], None\n"
    )
    assert run_with(package, tmp_path, film).splitlines() == [
        "('tiny',) {'device': 'cpu', 'compute_type': 'int8'}",
        "['hi']",
        "['hi']",
    ]


def test_a_model_that_cannot_be_loaded(tmp_path: Path, film: Path) -> None:
    package = "class WhisperModel:\n    def __init__(self, *_, **__): raise OSError('no\\nnetwork')\n"
    assert run_with(package, tmp_path, film) == (
        "ModelError the speech model 'tiny' cannot be loaded (no network): name another size, "
        "or the folder of a converted model"
    )
