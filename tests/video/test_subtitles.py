"""Subtitles of all kinds become lines with text and times, or one line that says what is wrong."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles.subtitles import kept_lines
from tests.video.make import Recipe, read, write
from tests.video.subtitled import Line, Track, write_subtitled

from longreel.errors import LongreelError, SourceError, UsageError
from longreel.video.subtitle_budget import fit_to_budget, transcript, transcript_row
from longreel.video.subtitles import SubtitleLine, read_subtitles

FORMATS = ["srt", "vtt", "ass", "ssa"]
SPOKEN = [(0.5, 1.5, "Where is the letter?"), (2.0, 3.25, "On the table."), (3700.0, 3702.0, "Après midi…")]
# The ways in which films carry text: ending, codec, and what is in the packets of a raw track.
TRACKS = [("mkv", "subrip"), ("mkv", "ass"), ("mp4", "mov_text"), ("mov", "mov_text"), ("webm", "webvtt")]


def written(lines: list[Line], format: str) -> str:
    """A subtitle file, put together here so that no reader checks its own writer."""
    if format in ("ass", "ssa"):
        version = "v4.00+" if format == "ass" else "v4.00"
        styles = "V4+ Styles" if format == "ass" else "V4 Styles"
        first = "Layer" if format == "ass" else "Marked"
        head = (
            f"[Script Info]\nScriptType: {version}\n\n[{styles}]\n\n[Events]\n"
            f"Format: {first}, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        )
        zero = "0" if format == "ass" else "Marked=0"
        rows = [f"Dialogue: {zero},{ass(a)},{ass(b)},Default,,0,0,0,,{text}" for a, b, text in lines]
        return head + "\n".join(rows) + "\n"
    mark = "." if format == "vtt" else ","
    cues = [
        f"{number}\n{stamp(a, mark)} --> {stamp(b, mark)}\n{text}\n"
        for number, (a, b, text) in enumerate(lines, 1)
    ]
    return ("WEBVTT\n\n" if format == "vtt" else "") + "\n".join(cues)


def stamp(seconds: float, mark: str) -> str:
    ms = round(seconds * 1000)
    sign = "-" if ms < 0 else ""
    ms = abs(ms)
    return f"{sign}{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{mark}{ms % 1000:03d}"


def ass(seconds: float) -> str:
    sign = "-" if seconds < 0 else ""
    return sign + stamp(abs(seconds), ".")[1:-1]


def file_of(folder: Path, text: str | bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def as_tuples(lines: tuple[SubtitleLine, ...]) -> list[Line]:
    return [(line.start, line.end, line.text) for line in lines]


@pytest.mark.parametrize("kind", ["str", "path"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_gives_its_lines_with_their_times(tmp_path: Path, format: str, kind: str) -> None:
    path = file_of(tmp_path, written(SPOKEN, format), f"film.{format}")
    lines = read_subtitles(str(path) if kind == "str" else path)
    assert as_tuples(lines) == SPOKEN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("format", FORMATS)
def test_encodings_and_line_ends(tmp_path: Path, format: str, encoding: str) -> None:
    spoken = [(1.0, 2.0, "Où est la clé, Señor?")]
    for ends in ("\n", "\r\n", "\r"):
        content = written(spoken, format).replace("\n", ends).encode(encoding)
        assert as_tuples(read_subtitles(file_of(tmp_path, content, f"f.{format}"))) == spoken


def test_curly_quotes_of_windows(tmp_path: Path) -> None:
    content = written([(1.0, 2.0, "\u201cNo\u201d \u2013 he said")], "srt").encode("cp1252")
    assert read_subtitles(file_of(tmp_path, content, "f.srt"))[0].text == "\u201cNo\u201d \u2013 he said"


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("srt", "<i>Hello</i> <font color='red'>you</font>\nthere", "Hello you there"),
        ("srt", r"{\an8}<b>Up here", "Up here"),
        ("srt", "R&amp;B &lt;3", "R&B <3"),
        ("srt", "Call\n911", "Call 911"),
        ("srt", "two\n\nparts", "two parts"),
        ("srt", "42", "42"),
        ("vtt", "<v Roger Bingham>Good &amp; <c.yellow>bad</c>\nday", "Good & bad day"),
        ("vtt", "so<00:00:00.480><c> it</c><00:00:00.960><c> goes</c>", "so it goes"),
        ("vtt", "Call\n911", "Call 911"),
        ("vtt", "said\n\nNOTE not said", "said"),
        ("ass", r"{\i1}Hello{\i0}\Nyou\hthere\n{\pos(1,2)}now", "Hello you there now"),
        ("ass", r"{\p1}m 0 0 l 100 0 100 100{\p0}sign", "sign"),
        ("ass", r"commas, too, {hidden}stay", "commas, too, stay"),
        ("ass", "R&amp;B", "R&amp;B"),
        ("ssa", r"{\b1}Old\Nkind", "Old kind"),
    ],
)
def test_markup_goes_and_text_stays(tmp_path: Path, format: str, text: str, expected: str) -> None:
    path = file_of(tmp_path, written([(1.0, 2.0, text), (9.0, 10.0, "end\n7")], format), f"f.{format}")
    assert read_subtitles(path)[0] == SubtitleLine(1.0, 2.0, expected)
    # What pysubs2 would take for the number of a following cue.
    assert format in ("ass", "ssa") or read_subtitles(path)[1].text == "end 7"


@pytest.mark.parametrize(
    ("format", "empty"),
    [
        ("srt", ["", " ", "<i></i>", "&nbsp;"]),
        ("vtt", ["", " ", "<c> </c>", "&nbsp;"]),
        ("ass", ["", r"\N \h", r"{\p1}m 0 0 l 9 9", r"{\an5}"]),
    ],
)
def test_lines_without_text_are_left_out(tmp_path: Path, format: str, empty: list[str]) -> None:
    lines = [(10.0 * number, 10.0 * number + 1, text) for number, text in enumerate([*empty, "here", ""])]
    path = file_of(tmp_path, written(lines, format), f"f.{format}")
    assert [line.text for line in read_subtitles(path)] == ["here"]


def test_comments_of_ass_are_left_out(tmp_path: Path) -> None:
    text = written([(1.0, 2.0, "said"), (3.0, 4.0, "noted")], "ass")
    before, after = text.rsplit("Dialogue:", 1)
    path = file_of(tmp_path, f"{before}Comment:{after}", "f.ass")
    assert [line.text for line in read_subtitles(path)] == ["said"]


def test_names_styles_and_notes_of_vtt(tmp_path: Path) -> None:
    text = (
        "WEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE by hand\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start position:0%\nfirst\n\n"
        "empty one\n00:02.500 --> 00:02.900\n\n"
        "the end\n00:03.000 --> 00:04.000\nlast\n"
    )
    path = file_of(tmp_path, text, "f.vtt")
    assert as_tuples(read_subtitles(path)) == [(1.0, 2.0, "first"), (3.0, 4.0, "last")]


def test_rolling_captions_say_each_row_once(tmp_path: Path) -> None:
    """As YouTube makes them: the row before stays on screen, and between rows nothing new comes for 10 ms."""
    cues = [
        (0.0, 2.5, " \nhello<00:00:00.480><c> my</c><00:00:00.960><c> friends</c>"),
        (2.5, 2.51, "hello my friends\n "),
        (2.51, 5.0, "hello my friends\ntoday<00:00:03.000><c> we</c><00:00:03.500><c> cook</c>"),
        (5.0, 5.01, "today we cook\n "),
        (5.01, 7.0, "today we cook\nsoup"),
        (30.0, 31.0, "soup"),
    ]
    path = file_of(tmp_path, written(cues, "vtt"), "f.vtt")
    assert as_tuples(read_subtitles(path)) == [
        (0.0, 2.51, "hello my friends"),
        (2.51, 5.01, "today we cook"),
        (5.01, 7.0, "soup"),
        (30.0, 31.0, "soup"),
    ]


def test_layers_and_moving_signs_of_ass_count_once(tmp_path: Path) -> None:
    layers = [(1.0, 2.0, "sign"), (1.0, 2.0, "spoken"), (1.0, 2.0, r"{\blur3}sign"), (1.0, 2.0, "spoken")]
    moving = [(5.0 + step / 10, 5.1 + step / 10, rf"{{\pos({step},0)}}train") for step in range(10)]
    lines = read_subtitles(file_of(tmp_path, written(layers + moving, "ass"), "f.ass"))
    assert as_tuples(lines) == [(1.0, 2.0, "sign"), (1.0, 2.0, "spoken"), (5.0, 6.0, "train")]


@pytest.mark.parametrize("format", FORMATS)
def test_lines_are_sorted_by_start(tmp_path: Path, format: str) -> None:
    path = file_of(tmp_path, written(SPOKEN[::-1], format), f"f.{format}")
    assert as_tuples(read_subtitles(path)) == SPOKEN


def test_a_file_named_wrongly_is_read_by_what_it_says(tmp_path: Path) -> None:
    for name, format in (("f.srt", "vtt"), ("f.srt", "ass"), ("f.vtt", "ass"), ("f.SRT", "srt")):
        assert as_tuples(read_subtitles(file_of(tmp_path, written(SPOKEN, format), name))) == SPOKEN


@pytest.mark.parametrize("format", FORMATS)
def test_start_and_end_cut(tmp_path: Path, format: str) -> None:
    path = file_of(tmp_path, written(SPOKEN, format), f"f.{format}")
    assert as_tuples(read_subtitles(path, start=1.0, end=2.5)) == [
        (1.0, 1.5, SPOKEN[0][2]),
        (2.0, 2.5, SPOKEN[1][2]),
    ]
    assert as_tuples(read_subtitles(path, start=1.5, end=2.0)) == []
    assert as_tuples(read_subtitles(path, start=3.0)) == [(3.0, 3.25, SPOKEN[1][2]), SPOKEN[2]]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_what_is_cut_lies_inside_and_nothing_inside_is_lost(
    spans: list[tuple[float, float]], one: float, other: float
) -> None:
    start, end = sorted((one, other))
    lines = [(min(span), max(span), str(number)) for number, span in enumerate(spans)]
    cut = read_subtitles(lines, start=start, end=end)
    assert all(start <= line.start <= line.end <= end for line in cut)
    assert {line.text for line in cut} >= {text for a, b, text in lines if start < (a + b) / 2 < end}
    assert [line.start for line in cut] == sorted(line.start for line in cut)


class TestTracks:
    @pytest.mark.parametrize("begin", [0.0, 10.0])
    @pytest.mark.parametrize(("ending", "codec"), TRACKS)
    def test_lines_are_on_the_timeline_of_the_frames(
        self, tmp_path: Path, ending: str, codec: str, begin: float
    ) -> None:
        lines = [(begin + 0.5, begin + 1.5, r"Hello {\i1}there{\i0}\Nyou"), (begin + 2, begin + 3, "bye")]
        film = write_subtitled(tmp_path / f"film.{ending}", Track(codec, lines), begin=begin)
        assert read(film)[1][:2] == pytest.approx([0.0, 0.1], abs=0.002)
        found = read_subtitles("track", film)
        assert [line.text for line in found] == ["Hello there you", "bye"]
        times = [time for line in found for time in (line.start, line.end)]
        assert times == pytest.approx([0.5, 1.5, 2.0, 3.0], abs=0.002)
        assert [line.text for line in read_subtitles("track", film, start=1.8)] == ["bye"]

    def test_lines_before_the_first_picture(self, tmp_path: Path) -> None:
        lines = [(0.0, 1.0, "too early"), (4.0, 6.0, "partly"), (7.0, 8.0, "wholly")]
        film = write_subtitled(tmp_path / "film.mkv", Track("subrip", lines), begin=5.0)
        assert as_tuples(read_subtitles("track", film)) == [(0.0, 1.0, "partly"), (2.0, 3.0, "wholly")]

    @pytest.mark.parametrize(
        ("wanted", "text"),
        [
            ("track", "default"),
            ("track:", "default"),
            ("track:1", "forced"),
            ("track:2", "english"),
            ("track:en", "english"),
            ("track:eng", "english"),
            ("track:en-GB", "english"),
            ("track:de", "default"),
            ("track:deu", "default"),
            ("track:FR", "forced"),
        ],
    )
    def test_the_wanted_one(self, tmp_path: Path, wanted: str, text: str) -> None:
        film = write_subtitled(
            tmp_path / "film.mkv",
            Track("subrip", [(1.0, 2.0, "forced")], "fre", disposition=0x41),
            Track("subrip", [(1.0, 2.0, "english")], "eng"),
            Track("ass", [(1.0, 2.0, "default")], "ger", disposition=0x1),
        )
        assert [line.text for line in read_subtitles(wanted, film)] == [text]

    @pytest.mark.parametrize(
        ("wanted", "error", "said"),
        [
            ("track:0", UsageError, "stream '0': it has track:1 (no language), track:2 (ger)"),
            ("track:7", UsageError, "track:2 (ger)"),
            ("track:es", UsageError, "language 'es'"),
            ("track:1", SourceError, "pictures (dvdsub): give a subtitle file"),
        ],
    )
    def test_none_that_fits(self, tmp_path: Path, wanted: str, error: type[Exception], said: str) -> None:
        film = write_subtitled(
            tmp_path / "film.mkv",
            Track("dvdsub", [(1.0, 2.0, "not really a picture")], raw=True),
            Track("subrip", [(1.0, 2.0, "text")], "ger"),
        )
        with pytest.raises(error) as raised:
            read_subtitles(wanted, film)
        assert said in one_line(raised.value)
        assert "film.mkv" in str(raised.value)
        # Pictures do not stand in the way of text beside them.
        assert read_subtitles("track", film)[0].text == "text"

    @pytest.mark.parametrize("ending", ["mkv", "mp4"])
    def test_a_film_without_any(self, tmp_path: Path, ending: str) -> None:
        film = write(tmp_path / f"film.{ending}", Recipe("mpeg4", frames=5))
        with pytest.raises(SourceError, match=r"film\.\w+ has no subtitle track: give a subtitle file"):
            read_subtitles("track", film)

    def test_a_track_without_text(self, tmp_path: Path) -> None:
        track = Track("subrip", [(1.0, 2.0, "<i> </i>")], raw=True)
        film = write_subtitled(tmp_path / "film.mkv", track)
        with pytest.raises(SourceError, match="subtitle track 1 holds no lines"):
            read_subtitles("track", film)

    def test_lines_whose_end_is_not_told_stay_until_the_next(self, tmp_path: Path) -> None:
        lines = [(1.0, 1.0, "one"), (2.0, 2.0, "two"), (20.0, 20.0, "three")]
        film = write_subtitled(tmp_path / "film.mkv", Track("subrip", lines, raw=True))
        assert as_tuples(read_subtitles("track", film)) == [
            (1.0, 2.0, "one"),
            (2.0, 7.0, "two"),
            (20.0, 25.0, "three"),
        ]

    def test_rolling_rows_of_a_webm(self, tmp_path: Path) -> None:
        cues = [(0.0, 1.0, "one"), (1.0, 2.0, "one\ntwo"), (2.0, 3.0, "two\nthree &amp; four")]
        film = write_subtitled(tmp_path / "film.webm", Track("webvtt", cues, raw=True))
        assert [line.text for line in read_subtitles("track", film)] == ["one", "two", "three & four"]

    def test_a_film_in_memory_and_an_open_one(self, tmp_path: Path) -> None:
        path = write_subtitled(tmp_path / "film.mkv", Track("subrip", [(1.0, 2.0, "text")]))
        assert read_subtitles("track", path.read_bytes())[0].text == "text"
        with open(path, "rb") as file:
            file.seek(100)
            assert read_subtitles("track", file)[0].text == "text"
            assert file.tell() == 100

    def test_what_has_no_tracks(self, tmp_path: Path) -> None:
        reading, writing = os.pipe()
        os.close(writing)
        with open(reading, "rb") as pipe, pytest.raises(UsageError, match="cannot be read twice"):
            read_subtitles("track", pipe)
        with pytest.raises(UsageError, match="give film="):
            read_subtitles("track")
        with pytest.raises(UsageError, match="needs a film file"):
            read_subtitles("track", [(np.zeros((8, 8), np.uint8), 0.0)])
        with pytest.raises(SourceError, match="does not exist"):
            read_subtitles("track", tmp_path / "none.mp4")


def one_line(error: Exception) -> str:
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("f.srt", None, SourceError, "does not exist"),
        ("f.srt", "", SourceError, "is empty"),
        ("f.srt", " \n\r\n", SourceError, "is empty"),
        ("f.srt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", SourceError, "is no text"),
        ("f.vtt", bytes(range(256)) * 4, SourceError, "is no text"),
        ("f.txt", "1\n00:00:01,000 --> 00:00:02,000\nhi\n", UsageError, "ends with srt, vtt, ass, ssa"),
        ("film.mp4", b"\x00\x00\x00\x18ftypmp42", UsageError, "is no subtitle file"),
        ("f.srt", "a letter to a friend\n", SourceError, "holds no lines"),
        ("f.vtt", "WEBVTT\n\n", SourceError, "holds no lines"),
        ("f.ass", written([], "ass"), SourceError, "holds no lines"),
        (
            "f.ass",
            written([(1.0, 2.0, "hi")], "ass").replace("0:00:01.00", "soon"),
            SourceError,
            "is damaged",
        ),
        ("f.srt", written([(-1.0, 2.0, "hi")], "srt"), UsageError, "before 0"),
        ("f.vtt", written([(1.0, 2.0, "hi"), (3.0, -2.0, "hi")], "vtt"), UsageError, "before 0"),
        ("f.ass", written([(-1.0, 2.0, "hi")], "ass"), UsageError, "is no time"),
        *(
            (f"f.{format}", written([(1.0, 2.0, "a"), (5.0, 3.0, "b")], format), UsageError, "line 2 of")
            for format in FORMATS
        ),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, name: str, content: str | bytes | None, error: type[Exception], said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        file_of(tmp_path, content, name)
    with pytest.raises(error) as raised:
        read_subtitles(path)
    assert said in one_line(raised.value)
    assert name in str(raised.value)


def test_a_folder_is_no_subtitle_file(tmp_path: Path) -> None:
    (tmp_path / "subs.srt").mkdir()
    with pytest.raises(SourceError, match=r"subs\.srt is a folder: give a subtitle file"):
        read_subtitles(tmp_path / "subs.srt")


@given(content=st.binary(max_size=200), head=st.sampled_from(["", "WEBVTT\n\n", "[Script Info]\n[Events]\n"]))
def test_any_content_gives_lines_or_one_line_of_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    cue = b"\n1\n00:00:01,000 --> 00:00:02.000\nDialogue: 0,0:00:01.00,"
    for format, between in itertools.product(FORMATS, (b"", cue)):
        path = file_of(folder, head.encode() + content + between + content, f"f.{format}")
        try:
            assert all(line.text for line in read_subtitles(path))
        except LongreelError as error:
            one_line(error)


class TestGivenLines:
    def test_they_are_sorted_and_cleaned(self) -> None:
        given: list[Any] = [SubtitleLine(3, 4, "b\nc"), (1, 2.5, " a  a "), [0.0, 0.5, "\t"]]
        lines = read_subtitles(given)
        assert lines == (SubtitleLine(1.0, 2.5, "a a"), SubtitleLine(3.0, 4.0, "b c"))
        assert all(isinstance(line.start, float) for line in lines)

    def test_equal_texts_are_no_rolling_captions(self) -> None:
        assert len(read_subtitles([(1, 2, "no"), (2, 3, "no")])) == 2

    def test_they_may_be_made_while_they_are_read(self) -> None:
        def lines() -> Iterator[Line]:
            yield from SPOKEN

        assert as_tuples(read_subtitles(lines())) == SPOKEN

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ([], "no lines"),
            ([(1, 2, " ")], "no lines"),
            ([(1, 2, "a"), (3, 2, "b")], "line 2 of the given subtitles ends at 2 s, before it begins"),
            ([(-1, 2, "a")], "-1 is no time"),
            ([(0, float("nan"), "a")], "nan is no time"),
            ([(0, float("inf"), "a")], "inf is no time"),
            ([("0", 1, "a")], "'0' is no time"),
            ([(1, 2)], "line 1 of the given subtitles is no"),
            ([(1, 2, None)], "give two times in seconds and a text"),
            ([(1, 2, b"a")], "give two times in seconds and a text"),
            (["film.srt"], "line 1 of the given subtitles is no"),
            (None, "a NoneType is no subtitles"),
            (True, "a bool is no subtitles"),
            (b"1\n00:00", "a bytes is no subtitles"),
            (7, "a int is no subtitles"),
            ("", "name of the subtitles is empty"),
            ("https://example.org/film.srt", "download the subtitles"),
        ],
    )
    def test_what_is_no_list_of_lines(self, lines: Any, said: str) -> None:
        with pytest.raises(UsageError) as raised:
            read_subtitles(lines)
        assert said in one_line(raised.value)


@pytest.mark.parametrize("name", ["f.srt", "f.ass"])
def test_without_pysubs2_the_extra_is_named(tmp_path: Path, name: str) -> None:
    path = file_of(tmp_path, written(SPOKEN, name[-3:]), name)
    program = (
        "import sys; sys.modules['pysubs2'] = None\n"
        "from longreel.errors import UsageError\n"
        "from pathlib import Path\n"
        "from longreel.video.subtitle_files import read_subtitle_file\n"
        "try: read_subtitle_file(Path(sys.argv[1]))\n"
        "except UsageError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == 'subtitles need one more package: pip install "longreel[subs]"'


class TestBudget:
    """A word is a token here; `1:05 word` are two."""

    @staticmethod
    def words(text: str) -> int:
        return len(text.split())

    def test_all_stay_where_there_is_room(self) -> None:
        lines = read_subtitles(SPOKEN)
        kept = fit_to_budget(lines, self.words, self.words(transcript(lines)))
        assert kept == (lines, 0, self.words(transcript(lines)))

    def test_what_is_dropped_is_spread_over_the_film(self) -> None:
        lines = read_subtitles([(number, number + 1, "word") for number in range(100)])
        kept = fit_to_budget(lines, self.words, 50)
        assert [line.start for line in kept.lines] == [2 + 4 * number for number in range(25)]
        assert (kept.dropped, kept.tokens) == (75, 50)

    def test_a_line_longer_than_the_budget_gives_way_to_short_ones(self) -> None:
        lines = read_subtitles([(1, 2, "a"), (2, 3, "many " * 20), (3, 4, "b")])
        assert [line.text for line in fit_to_budget(lines, self.words, 4).lines] == ["a", "b"]
        assert fit_to_budget(lines, self.words, 1) == ((), 3, 0)
        assert fit_to_budget(lines, self.words, 0) == ((), 3, 0)
        assert fit_to_budget([], self.words, 0) == ((), 0, 0)

    def test_the_text_that_the_model_gets_is_counted(self) -> None:
        lines = read_subtitles(SPOKEN)
        assert transcript_row(lines[2]) == "61:40 Après midi…\n"
        # With their times, two of the lines are too long.
        assert [line.text for line in fit_to_budget(lines, len, 18).lines] == ["Après midi…"]
        assert len(fit_to_budget(lines, len, 31, as_text=lambda line: line.text).lines) == 2

    @given(st.lists(st.integers(0, 12), max_size=40), st.integers(0, 200))
    def test_the_rule_as_it_is_told(self, costs: list[int], budget: int) -> None:
        lines = [SubtitleLine(float(place), place + 1.0, str(cost)) for place, cost in enumerate(costs)]
        kept = fit_to_budget(lines, int, budget, as_text=lambda line: line.text)
        assert [int(line.start) for line in kept.lines] == kept_lines(costs, budget)
        assert kept.dropped == len(lines) - len(kept.lines)
        assert kept.tokens == sum(costs[int(line.start)] for line in kept.lines) <= budget

    @pytest.mark.parametrize("budget", [-1, 1.5, True, None, "9"])
    def test_a_budget_is_a_number_of_tokens(self, budget: Any) -> None:
        with pytest.raises(UsageError, match="no number of tokens"):
            fit_to_budget([], len, budget)


def test_an_empty_file_object_is_told_as_such() -> None:
    with pytest.raises(SourceError, match="is empty"):
        read_subtitles("track", io.BytesIO())
