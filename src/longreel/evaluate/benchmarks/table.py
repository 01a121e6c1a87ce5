"""The benchmarks by their words on the command line; nothing is imported before one is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from longreel.evaluate.benchmarks.base import Benchmark


class Entry(NamedTuple):
    """Where a benchmark is, and what it is about. example: options worth showing in the help."""

    module: str
    about: str
    example: str


BENCHMARKS = {
    "video-mme": Entry("video_mme", "Video-MME: 2,700 questions in three lengths.", "--subtitles sampled"),
    "video-mme-v2": Entry("video_mme_v2", "Video-MME-v2: groups of four questions.", "--subtitles all"),
    "mlvu": Entry("mlvu", "MLVU: choices, and free answers that a judge grades.", "--split test"),
    "lvbench": Entry("lvbench", "LVBench: hour-long videos, six abilities.", "--incomplete skip"),
    "longvideobench": Entry(
        "longvideobench", "LongVideoBench, validation: what is said and seen.", "--subtitles interleaved"
    ),
    "mvbench": Entry("mvbench", "MVBench: twenty tasks on short videos.", "--count 16"),
    "vnbench": Entry("vnbench", "VNBench: needles, right in all four orders of options.", "--fps 1"),
    "charades-sta": Entry("charades_sta", "Charades-STA: when something happens.", "--fps 2"),
    "egoschema": Entry("egoschema", "EgoSchema: the 500 questions with public answers.", "--count 32"),
}


def named_benchmark(name: str) -> Benchmark:
    """The benchmark of a name of BENCHMARKS."""
    module = import_module(f"longreel.evaluate.benchmarks.{BENCHMARKS[name].module}")
    benchmark: Benchmark = module.BENCHMARK
    return benchmark
