"""The benchmark of watching, at tiny lengths: both ways see the same film, and a result has its page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from random_models import SMALL
from released_models import outlined
from results_page import section
from watch_checkpoint import measure, parsed, report
from watch_stages import HEIGHT, WIDTH, measure_stages


def test_a_result_holds_ratios_and_has_its_section_of_the_page(tmp_path: Path) -> None:
    settings = parsed(["--frames", "6", "--repeats", "1", "--chunk", "40"])
    result = report(settings, [], run=_with_some_peak)
    assert [row["model"] for row in result["rows"]] == [made.name for made in SMALL.values()]
    for row in result["rows"]:
        ratio = row["seconds_longreel"] / row["seconds_transformers"]
        assert row["time_ratio"] == pytest.approx(ratio, rel=0.1)
    (tmp_path / "watch-checkpoint.json").write_text(json.dumps(result))
    shown = section(tmp_path / "watch-checkpoint.json")
    assert f"| {SMALL['qwen2_5_vl'].name} | 6 | {result['rows'][0]['entries']} |" in shown


def _with_some_peak(*arguments: Any) -> dict[str, Any]:
    """The peak of a process does not grow where an earlier test has taken more."""
    row = measure(*arguments)
    return {**row, "peak_mib": max(row["peak_mib"], 1.0)}


@pytest.mark.parametrize(("kind", "more"), [("qwen2_5_vl", 0), ("llava_onevision", 1)])
def test_both_ways_hold_the_same_film(kind: str, more: int) -> None:
    """LLaVA's new line behind the film comes with the question in ours."""
    settings = parsed(["--chunk", "40"])
    ours, theirs = (measure(way, kind, 6, settings)["entries"] for way in ("longreel", "transformers"))
    assert theirs == ours + more


def test_stages_of_a_small_model_on_the_processor() -> None:
    row = measure_stages(SMALL["qwen2_5_vl"], 8, "cpu", torch.float32, peak_tflops=1.0, chunk=60)
    adapter, _ = outlined(SMALL["qwen2_5_vl"])
    height, width = adapter.frame_size(HEIGHT, WIDTH)
    assert row["tokens"] == 4 * (height // 28) * (width // 28)
    assert 0 < row["encode_share"] < 1
    assert 0 < row["prefill_share"] < 1
    assert row["peak_ratio"] > 0


def test_the_real_shape_is_for_a_gpu() -> None:
    with pytest.raises(SystemExit):
        parsed(["--shape", "7b"])
