"""Loading, the lazy package, exit codes: what goes wrong is said in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import longreel
from longreel.errors import (
    LongreelError,
    MemoryFileError,
    ModelError,
    SourceError,
    UsageError,
    WatchInterrupted,
)


def test_exit_codes() -> None:
    assert UsageError.exit_code == 2
    assert {SourceError.exit_code, MemoryFileError.exit_code, ModelError.exit_code} == {1}
    assert WatchInterrupted.exit_code == 130
    assert all(issubclass(error, LongreelError) for error in (UsageError, SourceError, WatchInterrupted))


def test_importing_brings_no_torch() -> None:
    code = "import sys, longreel; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_public_name_is_there() -> None:
    for name in longreel.__all__:
        assert getattr(longreel, name).__name__ == name
    assert callable(longreel.load)
    assert longreel.__version__
    with pytest.raises(AttributeError):
        longreel.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0}, r"keep=0 is outside \(0, 1\]"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"dtype": "float8"}, "unknown dtype 'float8': known are float32"),
        ({"device": "toaster"}, "unknown device 'toaster'"),
    ],
)
def test_settings_are_checked_before_anything_is_loaded(
    settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        longreel.load(_folder(tmp_path, "longreel_video_xl"), **settings)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 1


def _folder(path: Path, kind: str) -> Path:
    (path / "config.json").write_text(json.dumps({"model_type": kind}))
    return path


def test_what_is_not_a_model(tmp_path: Path) -> None:
    cases = {
        "no/such/folder": "is not a folder",
        "qwen2-vl7": r"is not a folder: .*; supported are .*qwen3_vl.* \('qwen2_vl' is the nearest\)$",
        tmp_path: r"config\.json is missing",
    }
    for name, message in cases.items():
        with pytest.raises(ModelError, match=message) as caught:
            longreel.load(name)
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ModelError, match=r"is a 'walrus' model.*: supported are longreel_video_xl"):
        longreel.load(_folder(tmp_path, "walrus"))
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="not a model's config"):
        longreel.load(tmp_path)
