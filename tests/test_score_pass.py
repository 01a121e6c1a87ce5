"""The benchmark of the score pass, at a tiny shape: all ways keep the same and give the same scores."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from score_pass import WAYS, measure, parsed, report


def test_a_result_holds_shares_and_equal_scores() -> None:
    settings = parsed(["--shape", "tiny", "--tokens", "60", "--repeats", "1"])
    (row,) = report(settings, [], run=measure)["rows"]
    assert row["entries"] == 120
    assert row["largest_difference"] < 1e-4
    assert {"share_on", "share_twin", "peak_mib_on", "peak_mib_twin"} <= row.keys()


def test_every_way_keeps_everything() -> None:
    settings = parsed(["--shape", "tiny", "--tokens", "31", "--chunks", "3"])
    assert {measure(way, settings)["entries"] for way in WAYS} == {93}
