"""Ordering questions about the films of a folder, whatever happens while they are made."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from longreel.data.captions import Caption
from longreel.data.clips import Clip
from longreel.data.clues import Clue
from longreel.data.endpoint_captioner import CaptioningEndpoint, EndpointCaptioner
from longreel.data.endpoint_writer import EndpointWriter, WritingEndpoint, clues_in, clues_prompt
from longreel.data.film_truth import TruthCaptioner, TruthWriter
from longreel.data.found_films import FoundFilm
from longreel.data.model_captioner import ModelCaptioner
from longreel.data.vico import VicoResult, VicoSettings, make_vico
from longreel.errors import EndpointError, LongreelError, SourceError, UsageError
from longreel.films.encode import make_film
from longreel.films.truth import load_truth
from longreel.identity import hash_text
from longreel.methods import Method
from longreel.model import Model
from longreel.progress import Progress
from longreel.train.conversations.files import ConversationFile
from longreel.train.conversations.samples import parse_sample
from tests.data.test_ordering import named
from tests.endpoint import Server
from tests.fakes import FakeAdapter


def caption_in(body: Any) -> str:
    """A caption that tells pictures apart."""
    shown = "".join(part["image_url"]["url"] for part in body["messages"][0]["content"][:-1])
    return f"a thing number {hash_text(shown)[:8]}"


def clues_of(body: Any) -> str:
    """Two clues for each part of a prompt, those of the last part first."""
    parts = re.findall(
        r"^Part (\d+) \([\d:]+ to [\d:]+\): (.*)$", body["messages"][0]["content"], re.MULTILINE
    )
    found = [
        {"part": int(number), "clue": f"{text}, {which}, {number}."}
        for number, text in reversed(parts)
        for which in ("here", "there")
    ]
    return f"Here they are:\n```json\n{json.dumps(found)}\n```"


def captioner_at(server: Server) -> EndpointCaptioner:
    return EndpointCaptioner(CaptioningEndpoint(server.url, "sees", wait=lambda _: None), "What is it?", 3)


def writer_at(server: Server) -> EndpointWriter:
    return EndpointWriter(WritingEndpoint(server.url, "writes", wait=lambda _: None))


def made(folder: Path, output: Path, captioner: Any = None, writer: Any = None, **more: Any) -> VicoResult:
    settings = VicoSettings(**{"clip_seconds": 10.0, **more})
    return make_vico(folder, output, captioner, writer or TruthWriter(), settings)


def samples_in(output: Path, folder: Path) -> list[Any]:
    """All lines, each of which training takes."""
    file = ConversationFile(output, folder)
    samples = [file[number] for number in range(len(file))]
    for sample in samples:
        parsed = parse_sample(sample, folder)
        assert [path.exists() for path in parsed.videos] == [True]
    return samples


def test_the_truth_of_drawn_films(drawn: Path, tmp_path: Path) -> None:
    output = tmp_path / "vico.jsonl"
    result = made(drawn, output)
    assert (result.films, result.clips, result.reasons()) == (3, 6, {"unreadable": 1})
    (bad,) = result.left_out
    assert bad.film == "bad.mp4"
    assert "bad.mp4" in bad.detail
    assert json.loads((tmp_path / "vico.jsonl.work" / "left_out.jsonl").read_text()) == bad._asdict()
    samples = samples_in(output, drawn)
    assert len(samples) == result.samples == 6
    for sample in samples:
        scenes = load_truth((drawn / sample["video"]).with_suffix(".json")).scenes
        starts = [
            [
                scene.start
                for scene in scenes
                if all(word in text for word in (f"{scene.colour} {scene.object} ", scene.place))
            ]
            for text in named(sample)
        ]
        assert [len(each) for each in starts] == [1] * len(starts)
        assert starts == sorted(starts)


def test_the_same_seed_writes_the_same_bytes(drawn: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for output, seed in zip(outputs, (1, 1, 2), strict=True):
        made(drawn, output, seed=seed)
    one, same, other = (output.read_bytes() for output in outputs)
    assert one == same != other


def test_captions_and_clues_by_endpoints(drawn: Path, tmp_path: Path, servers: list[Server]) -> None:
    sees, writes = Server(caption_in), Server(clues_of)
    servers += [sees, writes]
    output = tmp_path / "vico.jsonl"
    result = made(drawn, output, captioner_at(sees), writer_at(writes), clip_seconds=9.0)
    assert result.samples
    (caption_request, *_), (clue_request, *_) = (
        [body for _, _, body in server.requests] for server in servers
    )
    *pictures, text = caption_request["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert len(pictures) == 3
    coded = pictures[0]["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(BytesIO(base64.b64decode(coded))).size == (32, 32)
    assert "Part 1 (0:00 to 0:09): a thing number" in clue_request["messages"][0]["content"]
    assert [len(sees.requests), len(writes.requests)] == [8, 2]
    for sample in samples_in(output, drawn):
        parts = [int(text.rpartition(", ")[2]) for text in named(sample)]
        assert parts == sorted(set(parts)), "clues of one part have no order"
    assert made(drawn, output, captioner_at(sees), writer_at(writes), clip_seconds=9.0) == result
    assert [len(sees.requests), len(writes.requests)] == [8, 2], "nothing is asked twice"


class Counted:
    """Captions by number, or Ctrl-C in place of one."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.asked: list[tuple[str, int]] = []

    def plan(self) -> dict[str, Any]:
        return {"counted": True}

    def caption(self, film: FoundFilm, clip: Clip) -> str:
        self.interrupt()
        self.asked.append((film.name, clip.number))
        return f"{film.name} {clip.number}"

    def interrupt(self) -> None:
        if self.stop is not None:
            self.stop -= 1
            if self.stop < 0:
                raise KeyboardInterrupt


class Writing:
    """A clue for each caption, or Ctrl-C when its captioner's turn is over."""

    needs_captions = True

    def __init__(self, captioner: Counted) -> None:
        self._captioner = captioner

    def plan(self) -> dict[str, Any]:
        return {}

    def clues(self, film: FoundFilm, captions: Sequence[Caption]) -> list[Clue]:
        self._captioner.interrupt()
        return [Clue(text, clip.start) for clip, text in captions]


def test_a_run_stopped_anywhere_goes_on(drawn: Path, tmp_path: Path) -> None:
    whole = Counted()
    made(drawn, tmp_path / "whole.jsonl", whole, Writing(whole), clip_seconds=7.0)
    steps = len(whole.asked) + 2
    assert steps == 11
    for stop in range(steps):
        output = tmp_path / f"stopped-{stop}.jsonl"
        first, then = Counted(stop), Counted()
        with pytest.raises(KeyboardInterrupt):
            made(drawn, output, first, Writing(first), clip_seconds=7.0)
        assert not output.exists()
        made(drawn, output, then, Writing(then), clip_seconds=7.0)
        assert first.asked + then.asked == whole.asked
        assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_line_cut_short_is_made_again_and_a_damaged_one_named(drawn: Path, tmp_path: Path) -> None:
    output = tmp_path / "vico.jsonl"
    first, then = Counted(), Counted()
    made(drawn, output, first, Writing(first))
    whole = output.read_bytes()
    captions, clues = (
        output.with_name("vico.jsonl.work") / f"{name}.jsonl" for name in ("captions", "clues")
    )
    captions.write_bytes(captions.read_bytes()[:-9])
    clues.write_bytes(b"")
    made(drawn, output, then, Writing(then))
    assert then.asked == [first.asked[-1]]
    assert output.read_bytes() == whole
    captions.write_bytes(b'{"half": 1}\n' + captions.read_bytes())
    with pytest.raises(LongreelError, match=r"captions\.jsonl, line 1 is damaged"):
        made(drawn, output, then, Writing(then))


def test_a_killed_process_goes_on(drawn: Path, tmp_path: Path, servers: list[Server]) -> None:
    processes: list[subprocess.Popen[str]] = []

    def killing(body: Any) -> str:
        os.kill(processes[0].pid, signal.SIGKILL)
        return ""

    sees = Server(caption_in, caption_in, killing, caption_in)
    writes = Server(clues_of)
    servers += [sees, writes]
    output = tmp_path / "vico.jsonl"
    command = ["data", "vico", "--videos", str(drawn), "-o", str(output), "--clip-seconds", "10"]
    command += ["--captioner", sees.url, "--captioner-model", "sees", "--caption-prompt", "What is it?"]
    command += ["--frames", "3", "--writer", writes.url, "--writer-model", "writes"]
    processes.append(subprocess.Popen([sys.executable, "-m", "longreel", *command], text=True))
    assert processes[0].wait() == -signal.SIGKILL
    result = made(drawn, output, captioner_at(sees), writer_at(writes))
    assert len(sees.requests) == result.clips + 1, "the one that was lost is asked again, and no other"
    uninterrupted = tmp_path / "again.jsonl"
    made(drawn, uninterrupted, captioner_at(sees), writer_at(writes))
    assert output.read_bytes() == uninterrupted.read_bytes()


def test_other_values_are_refused(drawn: Path, tmp_path: Path, servers: list[Server]) -> None:
    output = tmp_path / "vico.jsonl"
    made(drawn, output)
    whole = output.read_bytes()
    with pytest.raises(UsageError, match=r"vico\.jsonl was begun with other values \(questions, seed\)"):
        made(drawn, output, seed=5, questions=1)
    with pytest.raises(UsageError, match=r"captioner\.truth"):
        made(drawn, output, TruthCaptioner())
    assert output.read_bytes() == whole
    (tmp_path / "mine.jsonl").write_text("mine")
    with pytest.raises(UsageError, match=r"mine\.jsonl is there"):
        made(drawn, tmp_path / "mine.jsonl")
    assert (tmp_path / "mine.jsonl").read_text() == "mine"


def test_a_film_that_is_mended_or_new_is_taken_up(tmp_path: Path) -> None:
    films, output = tmp_path / "films", tmp_path / "vico.jsonl"
    good = make_film(films, 30.0, 3, size=(32, 32))
    content = good.film.read_bytes()
    (films / "cut.mp4").write_bytes(content[: len(content) // 2])
    (films / "alone.mp4").write_bytes(content)
    (films / "cut.json").write_bytes(good.truth.read_bytes())
    assert made(films, output).reasons() == {"unreadable": 2}
    (films / "cut.mp4").write_bytes(content)
    assert [each.film for each in made(films, output).left_out] == ["alone.mp4"]
    assert {sample["video"] for sample in samples_in(output, films)} == {"cut.mp4", "film-3.mp4"}


def test_the_truth_of_another_film_is_refused(tmp_path: Path) -> None:
    films = tmp_path / "films"
    for seed, seconds in ((0, 30.0), (1, 20.0)):
        make_film(films, seconds, seed, size=(32, 32))
    os.replace(films / "film-1.json", films / "film-0.json")
    with pytest.raises(SourceError, match=r"no film of .* gives a question"):
        made(films, tmp_path / "vico.jsonl")


def test_a_film_with_little_to_order_is_counted(drawn: Path, tmp_path: Path) -> None:
    counted = Counted()
    result = made(drawn, tmp_path / "vico.jsonl", counted, Writing(counted), clip_seconds=14.0)
    assert result.reasons() == {"unreadable": 1, "too few clues": 1}


def test_nonsense_is_asked_about_again_and_then_counted(
    drawn: Path, tmp_path: Path, servers: list[Server]
) -> None:
    output = tmp_path / "vico.jsonl"
    writes = Server("I see.", '[{"part": 99, "clue": "x"}]', clues_of, "No.", "No!", "Never.", "Never.")
    servers.append(writes)
    result = made(drawn, output, TruthCaptioner(), writer_at(writes), clip_seconds=9.0)
    assert result.reasons() == {"unreadable": 1, "unusable reply": 1}
    assert "asked 3 times (there is no JSON list)" in result.left_out[1].detail
    asked = writes.requests[2][2]["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "user", "assistant", "user"]
    assert "there is no part 99" in asked[-1]["content"]
    assert len(writes.requests) == 6


def test_a_captioner_without_words_is_counted(drawn: Path, tmp_path: Path, servers: list[Server]) -> None:
    sees = Server(" ", " ", " ", "fine")
    servers.append(sees)
    result = made(drawn, tmp_path / "vico.jsonl", captioner_at(sees))
    assert [(each.film, each.reason) for each in result.left_out] == [
        ("bad.mp4", "unreadable"),
        ("below/film-1.mp4", "unusable reply"),
    ]
    assert made(drawn, tmp_path / "vico.jsonl", captioner_at(sees)).reasons() == {"unreadable": 1}


def test_an_endpoint_that_fails_once_costs_a_film_and_one_that_is_down_the_run(
    drawn: Path, tmp_path: Path, servers: list[Server]
) -> None:
    films, output = tmp_path / "films", tmp_path / "vico.jsonl"
    for seed in range(4):
        make_film(films, 30.0, seed, size=(32, 32))
    sees = Server(400, "fine")
    servers.append(sees)
    result = made(films, output, captioner_at(sees))
    assert [each[:2] for each in result.left_out] == [("film-0.mp4", "endpoint failed")]
    assert "400" in result.left_out[0].detail
    down = Server(503)
    servers.append(down)
    with pytest.raises(EndpointError, match=r"503 .*run the same command again"):
        made(films, tmp_path / "other.jsonl", captioner_at(down))
    assert len(down.requests) == 3 * 5, "five attempts for each of three films"
    assert not (tmp_path / "other.jsonl").exists()


def test_a_model_captions_what_its_clip_shows(drawn: Path, tmp_path: Path) -> None:
    output = tmp_path / "vico.jsonl"
    captioner = ModelCaptioner(Model(FakeAdapter(), Method()), "what is it", 4)
    made(drawn, output, captioner)
    lines = (output.with_name("vico.jsonl.work") / "captions.jsonl").read_text().splitlines()
    captions = [json.loads(line) for line in lines]
    assert len({line["caption"] for line in captions}) > 1
    first = captions[0]
    found = FoundFilm(drawn / first["film"], first["film"], 28.0, "")
    assert captioner.caption(found, Clip(0, first["start"], first["end"])) == first["caption"]
    with pytest.raises(UsageError, match="zzebra"):
        ModelCaptioner(Model(FakeAdapter(), Method()), "what is zzebra", 4)


def test_ctrl_c_while_a_clip_is_watched_is_ctrl_c(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(FakeAdapter(), Method())
    monkeypatch.setattr(model.adapter, "encode", _interrupted)
    found = FoundFilm(drawn / "film-0.mp4", "film-0.mp4", 30.0, "")
    with pytest.raises(KeyboardInterrupt):
        ModelCaptioner(model, "what is it", 4).caption(found, Clip(0, 0.0, 10.0))


def _interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_captions_of_the_truth_name_what_is_drawn(drawn: Path) -> None:
    film = FoundFilm(drawn / "film-0.mp4", "film-0.mp4", 30.0, "")
    scenes = load_truth(drawn / "film-0.json").scenes
    whole = TruthCaptioner().caption(film, Clip(0, 0.0, 30.0))
    places = [whole.index(f"{scene.colour} {scene.object} ") for scene in scenes]
    assert places == sorted(places)
    inside = scenes[2]
    middle = (inside.start + inside.end) / 2
    assert inside.object in TruthCaptioner().caption(film, Clip(1, middle, middle + 0.01))


def test_progress_counts_clips_that_are_left(drawn: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    stopped, then = Counted(4), Counted()
    settings = VicoSettings(10.0)
    with pytest.raises(KeyboardInterrupt):
        make_vico(drawn, tmp_path / "v.jsonl", stopped, Writing(stopped), settings)
    make_vico(drawn, tmp_path / "v.jsonl", then, Writing(then), settings, seen.append)
    clips = [(each.done, each.total) for each in seen if each.stage == "clips"]
    assert clips[0] == (3, 6)
    assert clips[-1] == (6, 6)
    assert clips == sorted(clips)
    assert seen[-2].remaining is not None


@pytest.mark.parametrize("part", ["true", '"1"', "0", "4", "1.0"])
def test_replies_that_cannot_be_used(part: str) -> None:
    captions = [Caption(Clip(number, number * 14.0, number * 14.0 + 14), "It is.") for number in range(3)]
    with pytest.raises(ValueError, match="part"):
        clues_in(f'[{{"part": {part}, "clue": "a fox"}}]', captions)
    with pytest.raises(ValueError, match="form"):
        clues_in('[{"part": 1}]', captions)
    with pytest.raises(ValueError, match="no JSON list"):
        clues_in("[" * 100_000 + "]" * 100_000, captions)
    assert clues_in("[]", captions) == []
    assert clues_in('[{"part": 2, "clue": "A {b}."}, {"part": 1, "clue": "<video>"}]', captions) == [
        Clue("A {b}", 14.0)
    ]
    assert "Part 3 (0:28 to 0:42): It is." in clues_prompt(captions)


@pytest.mark.parametrize("content", [None, "empty"])
def test_a_folder_without_films_is_named(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "films"
    if content is not None:
        (folder / ".hidden").mkdir(parents=True)
        (folder / "film.txt").touch()
        (folder / "._film.mp4").touch()
        (folder / ".hidden" / "film.mp4").touch()
    with pytest.raises(SourceError, match="films"):
        made(folder, tmp_path / "vico.jsonl")
    assert not (tmp_path / "vico.jsonl.work").exists()


@pytest.mark.parametrize("values", [{"clip_seconds": 1.0}, {"clip_seconds": float("nan")}, {"questions": 0}])
def test_settings_that_cannot_work(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        VicoSettings(**values)
