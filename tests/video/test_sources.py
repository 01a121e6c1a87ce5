"""What can be opened, and what cannot, with one line that names it."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from tests.video.make import Recipe, numbered, read, write

from longreel.errors import LongreelError, SourceError, UsageError
from longreel.video.reader import digest, open_film, probe
from longreel.video.sampling import Sampling


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write(path, Recipe(frames=40))
    return path


class Pipe(io.RawIOBase):
    """A file that cannot seek."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation("seek")


@pytest.mark.parametrize("kind", ["str", "path", "bytes", "BytesIO", "pipe", "file://", "bytearray"])
def test_ways_to_name_the_same_film(film: Path, kind: str) -> None:
    content = film.read_bytes()
    source: Any = {
        "str": str(film),
        "path": film,
        "bytes": content,
        "BytesIO": io.BytesIO(content),
        "pipe": Pipe(content),
        "file://": film.as_uri(),
        "bytearray": bytearray(content),
    }[kind]
    numbers, _, stream = read(source, fps=2.0)
    assert numbers == list(range(0, 40, 5))
    assert stream.info.name == ("film.mp4" if kind in ("str", "path", "file://") else stream.info.name)


def test_an_open_file_is_read_from_its_beginning_and_stays_open(film: Path) -> None:
    with open(film, "rb") as file:
        file.seek(100)
        assert read(file, fps=1.0)[0] == [0, 10, 20, 30]
        assert not file.closed
        assert read(file, fps=1.0)[0] == [0, 10, 20, 30]


def pictures(folder: Path, numbers: list[int], ending: str = "png") -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number in numbers:
        paths.append(folder / f"{number}.{ending}")
        Image.fromarray(numbered(number)).save(paths[-1], quality=95)
    return paths


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "webp", "tiff"])
def test_a_folder_is_read_in_natural_order_one_picture_per_second(tmp_path: Path, ending: str) -> None:
    pictures(tmp_path / "slides", [2, 10, 1, 0, 11], ending)
    (tmp_path / "slides" / "notes.txt").write_text("not a picture")
    numbers, times, stream = read(tmp_path / "slides", fps=2.0)
    assert numbers == [0, 1, 2, 10, 11]
    assert times == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (stream.info.kind, stream.info.name, stream.info.duration) == ("images", "slides", 5.0)
    assert stream.expected == stream.report.got == stream.report.asked == 5
    assert read(tmp_path / "slides", fps=0.5)[0] == [0, 2, 11]
    assert read(tmp_path / "slides", count=2)[0] == [1, 10]
    assert read(tmp_path / "slides", start=2.0, end=4.0)[0] == [2, 10]
    assert read(tmp_path / "slides", fps=1.0, max_frames=2)[0] == [1, 10]


def test_lists_of_pictures_keep_their_order_and_times(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "slides", [3, 1, 2])
    assert read(paths)[:2] == ([3, 1, 2], [0.0, 1.0, 2.0])
    timed = list(zip(paths, (0.5, 4.0, 60.0), strict=True))
    assert read(timed)[:2] == ([3, 1, 2], [0.5, 4.0, 60.0])
    assert read(timed, seconds=(1.0, 59.9, 61.0))[0] == [3, 1, 2]
    assert probe(timed).duration == pytest.approx(116.0)
    assert read(paths[1])[0] == [1]
    with pytest.raises(UsageError, match="sort by time"):
        open_film(timed[::-1])


def test_photos_are_turned_and_transparency_is_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(numbered(5)).save(tmp_path / "turned.jpg", exif=exif)
    info = probe(tmp_path / "turned.jpg")
    assert (info.height, info.width, info.rotation, info.coded_size) == (64, 48, 90, (64, 48))
    with open_film(tmp_path / "turned.jpg") as stream:
        (block,) = stream
    assert block.pixels.shape == (1, 3, 64, 48)
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    with open_film(tmp_path / "clear.png") as stream:
        (block,) = stream
    assert int(block.pixels.min()) == 255
    Image.fromarray(np.full((8, 8), 128 * 257, np.uint16)).save(tmp_path / "deep.png")
    with open_film(tmp_path / "deep.png") as stream:
        (block,) = stream
    assert block.pixels.unique().tolist() == [128]


def test_a_damaged_picture_among_others(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "slides", [0, 1, 2])
    paths[1].write_bytes(paths[1].read_bytes()[:60])
    numbers, _, stream = read(tmp_path / "slides")
    assert numbers == [0, 2]
    assert stream.report.asked == 3
    assert "1.png" in stream.report.warnings[0]
    with pytest.raises(SourceError, match=r"1\.png"):
        read(tmp_path / "slides", strict=True)


@pytest.mark.parametrize("ending", ["webp", "png", "tiff"])
def test_a_moving_picture_is_not_taken_for_a_film(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"moving.{ending}"
    first, *others = [Image.fromarray(numbered(number)) for number in (5, 6, 7)]
    first.save(path, save_all=True, append_images=others)
    numbers, _, stream = read(path)
    assert numbers == [5]
    assert any("moving" in warning and "3 pictures" in warning for warning in stream.report.warnings)


def test_a_picture_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (8, 8)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = (50_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"bomb\.png has more than .* pixels"):
        read(path)


def test_arrays_are_taken_one_by_one() -> None:
    made: list[int] = []

    def arrays() -> Iterator[tuple[np.ndarray, float]]:
        shared = np.empty((48, 64, 3), np.uint8)
        for number in range(1000):
            made.append(number)
            shared[:] = numbered(number % 256)
            yield shared, number / 4

    with open_film(arrays(), sampling=Sampling(fps=2.0), block=5) as stream:
        blocks = iter(stream)
        first = next(blocks)
        assert len(made) <= 11
        assert first.seconds.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
        assert stream.info.duration is None
        assert stream.expected is None
    assert read(((numbered(n), n / 4) for n in range(9)), fps=1.0)[0] == [0, 4, 8]
    assert read([(numbered(n), float(n)) for n in range(9)], count=3)[0] == [1, 4, 7]
    assert read([(torch.from_numpy(numbered(n)), float(n)) for n in range(3)])[0] == [0, 1, 2]
    grey = np.full((4, 4), 7, np.uint8)
    with open_film([(grey, 0.0), (grey[:, :, None], 1.0)]) as stream:
        (block,) = stream
    assert block.pixels.unique().tolist() == [7]


@pytest.mark.parametrize(
    "items",
    [
        [(np.zeros((4, 4, 3), np.float32), 0.0)],
        [(np.zeros((4, 4, 4), np.uint8), 0.0)],
        [(np.zeros((0, 4, 3), np.uint8), 0.0)],
        [(np.zeros((4, 4, 3), np.uint8), float("nan"))],
        [(np.zeros((4, 4, 3), np.uint8), -1.0)],
        [(np.zeros((4, 4, 3), np.uint8), 1.0), (np.zeros((4, 4, 3), np.uint8), 1.0)],
        [(np.zeros((4, 4, 3), np.uint8), 0.0, 1)],
        iter([5]),
        iter([]),
        [],
        [1, 2],
        [("a.png", 0.0), (np.zeros((4, 4, 3), np.uint8), 1.0)],
    ],
)
def test_arrays_that_cannot_be_read(items: Any) -> None:
    with pytest.raises(LongreelError) as caught:
        read(items, fps=1.0)
    assert "\n" not in str(caught.value)


def test_a_count_of_arrays_without_end_needs_an_end() -> None:
    def arrays() -> Iterator[tuple[np.ndarray, float]]:
        yield from ((numbered(number), float(number)) for number in range(8))

    with pytest.raises(UsageError, match="end="):
        read(arrays(), count=2)
    assert read(arrays(), count=2, end=8.0)[0] == [2, 6]


ENDINGS = ("mp4", "txt", "mkv", "png", "m3u8")


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("This is no film.\n" * 99)


def folder(path: Path) -> None:
    path.mkdir()


def header_only(path: Path) -> None:
    write(path.with_name("whole.mp4"), Recipe(frames=5))
    path.write_bytes(path.with_name("whole.mp4").read_bytes()[:40])


def sound(path: Path) -> None:
    from tests.cli.tiny import write_sound

    write_sound(path)


def frameless(path: Path) -> None:
    from tests.cli.tiny import write_frameless

    write_frameless(path)


def missing(path: Path) -> None:
    pass


def fifo(path: Path) -> None:
    os.mkfifo(path)


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")


def cover_of_music(path: Path) -> None:
    """Sound with a picture of its sleeve, which is no film."""
    from av.stream import Disposition

    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(numbered(0), format="rgb24")))
        container.mux(cover.encode(None))
        for number in range(4):
            samples = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, number * 1024, Fraction(1, 16_000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


NO_FILMS = [
    *[
        (make, ending)
        for make in (empty, text, folder, header_only, missing, fifo, playlist)
        for ending in ENDINGS
    ],
    *[(make, ending) for make in (sound, frameless) for ending in ("mp4", "mkv")],
]


@pytest.mark.parametrize(("make", "ending"), NO_FILMS)
def test_what_is_no_film(tmp_path: Path, make: Callable[[Path], None], ending: str) -> None:
    path = tmp_path / f"thing.{ending}"
    make(path)
    for act in (lambda: read(path), lambda: probe(path)):
        with pytest.raises(SourceError, match=rf"thing\.{ending}") as caught:
            act()
        assert "\n" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_music_with_a_cover_is_no_film(tmp_path: Path) -> None:
    try:
        cover_of_music(tmp_path / "song.m4a")
    except (AttributeError, TypeError) as error:
        pytest.skip(f"this PyAV cannot mark a picture as a cover: {error}")
    with pytest.raises(SourceError, match=r"song\.m4a has no video track"):
        probe(tmp_path / "song.m4a")


@pytest.mark.parametrize("content", [b"", b"short", bytes(5000), b"\xff" * 5000])
def test_bytes_that_are_no_film(content: bytes) -> None:
    for source in (content, io.BytesIO(content), Pipe(content)):
        with pytest.raises(SourceError) as caught:
            read(source)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [None, 5, "", "a\0b", "rtsp://host/film", "s3://bucket/film", object()])
def test_what_cannot_name_a_film(source: Any) -> None:
    with pytest.raises(UsageError) as caught:
        open_film(source)
    assert "\n" not in str(caught.value)


def test_text_files_and_closed_files(film: Path) -> None:
    with open(film, encoding="latin-1") as file, pytest.raises(UsageError, match="'rb'"):
        open_film(file)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'rb'"):
        open_film(io.StringIO("text"))  # type: ignore[arg-type]
    with open(film, "rb") as closed:
        pass
    with pytest.raises(UsageError, match="closed"):
        open_film(closed)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"start": 100.0}, "start=100"),
        ({"seconds": (1.0, 50.0)}, "seconds=50"),
        ({"block": 0}, "block=0"),
        ({"size": (0, 5)}, r"size=\(0, 5\)"),
        ({"size": (100_000, 100_000)}, "size="),
        ({"policy": "fast"}, "policy='fast'"),
    ],
)
def test_settings_that_cannot_work(film: Path, settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        read(film, **settings)


@pytest.fixture
def server(film: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/film.mp4":
                self.send_error(404)
                return
            content = film.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_addresses_must_be_allowed(server: str) -> None:
    with pytest.raises(UsageError, match="allow_url"):
        open_film(f"{server}/film.mp4")
    numbers, _, stream = read(f"{server}/film.mp4", allow_url=True, fps=2.0)
    assert numbers == list(range(0, 40, 5))
    assert stream.info.name == "film.mp4"
    with pytest.raises(SourceError, match=r"none\.mp4 cannot be downloaded"):
        open_film(f"{server}/none.mp4", allow_url=True)
    with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        open_film("http://127.0.0.1:9/film.mp4", allow_url=True)


def test_digests(film: Path, tmp_path: Path) -> None:
    import hashlib

    expected = hashlib.sha256(film.read_bytes()).hexdigest()
    assert digest(film) == digest(str(film)) == digest(film.read_bytes()) == expected
    with open(film, "rb") as file:
        file.seek(7)
        assert digest(file) == expected
        assert file.tell() == 7
    paths = pictures(tmp_path / "slides", [0, 1, 2])
    whole = digest(tmp_path / "slides")
    assert whole == digest(paths) == digest([(path, float(i)) for i, path in enumerate(paths)])
    assert whole != digest(paths[::-1])
    assert whole != digest([(path, 2.0 * i) for i, path in enumerate(paths)])
    sources: list[Any] = [iter([]), Pipe(b"x"), "http://host/film.mp4"]
    for source in sources:
        with pytest.raises(UsageError):
            digest(source)
    with pytest.raises(SourceError, match="does not exist"):
        digest(tmp_path / "none.mp4")
