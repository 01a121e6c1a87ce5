"""Watching: what a memory holds, whatever way the frames came."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from longreel.compress.base import ChunkwiseCompressor
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.methods import Method
from longreel.progress import Progress
from longreel.sources import listed_sources
from tests.fakes import GRIDLESS, FakeAdapter, arrays, assert_same, fake_model, halved


@pytest.mark.parametrize("method", GRIDLESS)
def test_kept_entries_know_their_tokens_and_times(method: str) -> None:
    memory = fake_model(halved(method)).watch(arrays(21))
    for number, layer in enumerate(memory.layers):
        visual = layer.token[layer.token != TEXT]
        assert (visual.diff() > 0).all()
        spans = memory.seconds(number)
        assert spans[layer.token == TEXT].isnan().all()
        shown = spans[layer.token != TEXT]
        assert (shown[:, 0] < shown[:, 1]).all()
        assert shown.min() >= 0
        assert shown.max() <= 10.5


def test_summary_spans_cover_the_film_without_holes() -> None:
    spans = fake_model("video-xl", 1.0).watch(arrays(10)).seconds()[4:]
    assert spans[:, 0].unique().tolist() == [i / 2 for i in range(10)]
    assert spans[:, 1].unique().tolist() == [(i + 1) / 2 for i in range(10)]
    halves = fake_model("video-xl", 1 / 5).watch(arrays(10)).seconds()[4:]
    assert halves[:2].tolist() == [[0.0, 1.0], [0.5, 2.0]]


def test_keep_is_the_fraction_of_entries() -> None:
    for ratio in (1, 2, 5, 10):
        memory = fake_model("video-xl", 1 / ratio).watch(arrays(20))
        assert memory.header.kept == (4 + 60 // ratio,) * 3


def test_uniform_keeps_frames_evenly_over_blocks_and_films() -> None:
    model = fake_model("uniform", 0.25)
    memory = model.watch(arrays(40))
    assert memory.timeline.frames.tolist() == [2.0 * i for i in range(10)]
    streamed = model.watch(iter(arrays(40)))
    assert torch.equal(streamed.layers[2].keys, memory.layers[2].keys)
    assert torch.equal(streamed.seconds().nan_to_num(), memory.seconds().nan_to_num())
    two = model.watch([arrays(18), arrays(22)])
    assert two.timeline.frames.tolist() == [2.0 * i for i in range(10)]
    assert [source.frames_encoded for source in two.header.sources] == [5, 5]


def test_random_is_the_same_each_time_and_differs_by_chunk() -> None:
    one, two = (fake_model("random", 0.5).watch(arrays(20)) for _ in range(2))
    assert_same(one, two)
    chosen = one.layers[0].token[4:].reshape(6, 5) - 10 * torch.arange(6)[:, None]
    assert len({tuple(row) for row in chosen.tolist()}) > 1


def test_several_films_lie_end_to_end() -> None:
    model = fake_model()
    joined = model.watch(arrays(37))
    first = arrays(37)[:20]
    second = [(picture, seconds - 10) for picture, seconds in arrays(37)[20:]]
    memory = model.watch([first, second])
    for mine, theirs in zip(memory.layers, joined.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
    assert torch.equal(memory.timeline.frames, joined.timeline.frames)
    assert [source.offset for source in memory.header.sources] == [0.0, 10.0]


def test_progress_counts_frames_and_ends_at_the_last() -> None:
    seen: list[Progress] = []
    fake_model().watch(arrays(37), progress=seen.append)
    assert [report.done for report in seen] == [16, 32, 37]
    assert all(report.elapsed >= 0 for report in seen)


def test_report_is_a_table_and_plain_values() -> None:
    memory = fake_model().watch(arrays(37))
    report = memory.report()
    assert "37 to 111 visual tokens" in str(report)
    assert "video-xl ratio=2" in str(report)
    values = report.to_dict()
    assert values["kept"] == [59, 59, 59]
    assert values["nbytes"] == memory.nbytes
    assert {stage["name"] for stage in values["stages"]} == {"read", "encode", "prefill"}


def test_system_prompt_changes_the_memory() -> None:
    model = fake_model()
    plain, other = model.watch(arrays(8)), model.watch(arrays(8), system="you see it all")
    assert plain.header.system != other.header.system
    assert not torch.equal(plain.layers[1].keys, other.layers[1].keys)


def test_threads_watch_alike() -> None:
    model = fake_model()
    films = [arrays(30, seed) for seed in range(4)]
    alone = [model.watch(film) for film in films]
    together = {}
    threads = [
        threading.Thread(target=lambda i=i: together.update({i: model.watch(films[i])})) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, memory in enumerate(alone):
        assert_same(memory, together[i])


@pytest.mark.parametrize("frames", [1, 2, 3, 15, 16, 17])
def test_short_films(frames: int) -> None:
    memory = fake_model("keep-all", None).watch(arrays(frames))
    assert memory.header.visual_tokens == 3 * frames
    assert memory.header.kept == (4 + 3 * frames,) * 3


def test_what_a_list_means() -> None:
    pairs = arrays(3)
    assert listed_sources(pairs) == [pairs]
    assert listed_sources(["a.png", "b.JPG"]) == [["a.png", "b.JPG"]]
    assert listed_sources([("a.png", 0.0), ("b.png", 1.5)]) == [[("a.png", 0.0), ("b.png", 1.5)]]
    assert listed_sources(["a.mp4", "b.mp4", "plan.png"]) == ["a.mp4", "b.mp4", "plan.png"]
    assert listed_sources("a.mp4") == ["a.mp4"]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(UsageError, match="no film in the list"):
        fake_model().watch([])


def test_a_method_of_ones_own() -> None:
    class EveryThird(ChunkwiseCompressor):
        def keep(self, chunk: object) -> torch.Tensor:
            return torch.arange(0, chunk.length, 3)  # type: ignore[attr-defined]

    from dataclasses import dataclass

    part = dataclass(frozen=True)(EveryThird)()
    memory = fake_model(Method(cache=part, name="thirds")).watch(arrays(20))
    assert memory.layers[0].token[4:8].tolist() == [0, 3, 6, 9]
    assert memory.header.method["cache"] == {"part": "EveryThird"}


def test_numbers_of_any_kind() -> None:
    model = fake_model()
    memory = model.watch(arrays(20), fps=np.float32(1), start=np.float64(0))
    assert memory.header.sources[0].sampling["fps"] == 1.0
    assert model.append(memory, arrays(4)).header.visual_tokens == 36
    for settings in ({"seconds": ["soon"]}, {"seconds": 5}, {"fps": "fast"}, {"count": 2.5}):
        with pytest.raises(UsageError):
            model.watch(arrays(4), **settings)  # type: ignore[arg-type]


def test_fewer_frames_per_second() -> None:
    memory = fake_model().watch(arrays(20), fps=1)
    assert memory.timeline.frames.tolist() == [float(i) for i in range(10)]
    assert FakeAdapter.default_fps == 2


def test_progress_ends_where_the_film_does() -> None:
    """Also where the last frames are not among those selected."""
    reports: list[Progress] = []
    fake_model("uniform", 0.3).watch(arrays(101), progress=reports.append)
    assert reports[-1].done == reports[-1].total == 101
