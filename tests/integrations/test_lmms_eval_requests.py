"""What requests of lmms-eval show and ask; lmms-eval itself is not needed for this."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from longreel.errors import UsageError
from longreel.integrations.lmms_eval_requests import by_film, decoding_of, method_parameters, shown_in
from longreel.method_parameters import MethodParameters

ROOT = Path(__file__).parents[2]


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def video(url: Any, **more: Any) -> dict[str, Any]:
    return {"type": "video", "url": url, **more}


def test_a_film_and_its_question() -> None:
    shown = shown_in([{"role": "system", "content": "be brief"}, *user(video("a.mp4"), text("what"))], "t")
    assert (shown.source, shown.question, shown.system) == ("a.mp4", "what", "be brief")
    assert (shown.start, shown.end, shown.seconds) == (None, None, None)


@pytest.mark.parametrize(
    "part",
    [
        video({"path": "a.mp4", "video_start": 2, "video_end": 5}),
        video({"type": "video", "url": "a.mp4", "video_start": 2.0, "video_end": 5.0}),
        video("a.mp4", start_time=2.0, end_time=5.0),
    ],
)
def test_a_part_of_a_film(part: dict[str, Any]) -> None:
    shown = shown_in(user(part, text("what")), "t")
    assert (shown.source, shown.start, shown.end) == ("a.mp4", 2.0, 5.0)


@pytest.mark.parametrize(
    "part", [{"type": "audio", "url": "a.WEBM"}, {"type": "image", "url": "a.gif"}], ids=["webm", "gif"]
)
def test_films_that_lmms_eval_takes_for_something_else(part: dict[str, Any]) -> None:
    assert shown_in(user(part, text("what")), "t").source == part["url"]


def test_pictures_are_a_film_and_the_words_between_them_the_question(tmp_path: Path) -> None:
    Image.new("L", (4, 3), 7).save(tmp_path / "a.png")
    red = Image.new("RGB", (4, 3), (255, 0, 0))
    pictures = [{"type": "image", "url": red}, {"type": "image", "url": str(tmp_path / "a.png")}]
    shown = shown_in(user(text("first"), pictures[0], text(""), pictures[1], text("what")), "t")
    assert shown.question == "first\nwhat"
    assert shown.seconds == (0.0, 1.0)
    assert [(array.shape, int(array[0, 0, 0]), time) for array, time in shown.source] == [
        ((3, 4, 3), 255, 0.0),
        ((3, 4, 3), 7, 1.0),
    ]
    assert all(array.dtype == np.uint8 for array, _ in shown.source)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (user(text("what")), "nothing"),
        (user(video("a.mp4"), video("b.mp4"), text("what")), "several films"),
        (user(video("a.mp4"), {"type": "audio", "url": "a.wav"}, text("what")), "sound"),
        (
            [*user(text("earlier")), {"role": "assistant", "content": "yes"}, *user(text("what"))],
            "earlier turns",
        ),
    ],
)
def test_what_cannot_be_answered_names_the_task(messages: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(UsageError, match=f"task t .*{said}"):
        shown_in(messages, "t")


def test_requests_about_one_film_come_together_in_order() -> None:
    names = ["a", "b", "a", "c", "b", "a"]
    shown = [shown_in(user(video(name), text("what")), "t") for name in names]
    assert by_film(shown) == [[0, 2, 5], [1, 4], [3]]
    parts = [shown_in(user(video("a", start_time=start), text("what")), "t") for start in (1.0, 2.0, 1.0)]
    assert by_film(parts) == [[0, 2], [1]]


@pytest.mark.parametrize(
    ("generation", "decoding"),
    [
        ({}, {"max_new_tokens": 128, "stop": ()}),
        ({"until": ["\n\n", ""], "max_new_tokens": 16}, {"max_new_tokens": 16, "stop": ("\n\n",)}),
        ({"until": "end", "temperature": 0, "top_p": None, "num_beams": 1}, {"stop": ("end",)}),
        ({"do_sample": False, "temperature": 0.7}, {}),
        ({"temperature": 0.7, "top_p": 0.9}, {"temperature": 0.7, "top_p": 0.9, "seed": 0}),
    ],
)
def test_generation_settings_become_ours(generation: dict[str, Any], decoding: dict[str, Any]) -> None:
    assert decoding_of(generation) == {"max_new_tokens": 128, "stop": ()} | decoding


def test_beams_are_refused() -> None:
    with pytest.raises(UsageError, match="num_beams"):
        decoding_of({"num_beams": 4})


def test_the_entry_point_imports_next_to_nothing() -> None:
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
        "lmms_eval.models"
    ]
    module, _, name = entry["longreel"].partition(":")
    asked = f"import sys, {module}; print('torch' in sys.modules, callable({module}.{name}))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_parameters_of_methods_are_among_the_model_arguments() -> None:
    """Values as lmms-eval hands them over: numbers and booleans converted, brackets and quotes left."""
    given = {"pool": "[4,2,8]", "ratios": "'2, 4'", "target": 9000, "by_time": True, "keyframes": 0.5}
    assert method_parameters(given) == MethodParameters(
        pool="4,2,8", ratios="2, 4", target="9000", by_time=True, keyframes="0.5"
    )
    assert method_parameters({}) == MethodParameters()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kepp": 1}, "--model_args has kepp, which longreel does not know"),
        ({"by_tim": True}, r"which longreel does not know \(did you mean 'by_time'\?\)"),
        ({"by_time": 3}, "by_time = 3 is of another kind"),
        ({"scores": "question"}, "--scores question watches a film for one question"),
    ],
)
def test_arguments_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        method_parameters(given)
