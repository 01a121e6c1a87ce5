"""Parameters of methods, as all commands have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
import typer

from longreel.cli.main import app
from longreel.errors import UsageError
from longreel.evaluate.settings import settings_to_compare
from longreel.method_parameters import PLAIN, MethodParameters
from tests.cli.conftest import Run

COMMANDS = ["watch", "ask", "compare", "evaluate films", "evaluate needle", "evaluate video-mme"]


def declared(words: str) -> dict[str, Any]:
    """The options of a command by the names of their values."""
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = command.get_command(click.Context(command), word)
    return {each.name: each for each in command.params}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_them_all(words: str) -> None:
    found, watch = declared(words), declared("watch")
    for name, default in vars(PLAIN).items():
        assert found[name].default == default
        assert (found[name].opts, found[name].secondary_opts) == (
            watch[name].opts,
            watch[name].secondary_opts,
        )
        assert found[name].help == watch[name].help


def labels(methods: list[str], keeps: list[float], **values: Any) -> list[str]:
    settings = settings_to_compare(methods, keeps, parameters=MethodParameters.of(values))
    return [setting.label for setting in settings]


def test_a_setting_is_named_by_what_was_set_of_its_method() -> None:
    assert labels(["retake", "video-xl", "uniform"], [1 / 4], by_time=True, dense=2) == [
        "retake 1/4 --by-time",
        "video-xl 1/4 --dense 2",
        "uniform 1/4",
    ]
    assert labels(["context-window", "random"], [1 / 2], pool=[4, 2, 8]) == [
        "context-window --pool 4,2,8",
        "random 1/2 --pool 4,2,8",
    ]
    assert labels(["retake"], [1 / 2], pivots=False, ratio_seed=0) == ["retake 1/2 --no-pivots"]


def test_ratios_of_their_own_are_compared_once_beside_fractions() -> None:
    assert labels(["video-xl", "uniform"], [1 / 2, 1 / 4], draw="interval", ratios="2,4") == [
        "video-xl --ratios 2,4 --draw interval",
        "uniform 1/2",
        "uniform 1/4",
    ]
    assert labels(["video-xl"], [1 / 2, 1 / 4], ratios=[2, 4], intervals="dynamic") == [
        "video-xl 1/2 --intervals dynamic --ratios 2,4",
        "video-xl 1/4 --intervals dynamic --ratios 2,4",
    ]


def test_the_base_model_stays_as_it_is() -> None:
    parameters = MethodParameters(target="auto")
    base, longer = settings_to_compare(["keep-all", "random"], [1 / 2], parameters=parameters)
    assert base.is_base
    assert base.method is not None
    assert base.method.positions is None
    assert longer.method is not None
    assert longer.method.positions is not None


@pytest.mark.parametrize(
    ("methods", "values", "said"),
    [
        (["uniform"], {"by_time": True}, "--by-time is for --method retake"),
        (["retake"], {"draw": "film"}, "--draw is for --method video-xl"),
        (["keep-all"], {"window": 9}, "--window does not go with keep-all"),
        (["retake"], {"scores": "question"}, "--scores question watches a film for one question"),
        (["retake"], {"keyframes": "some"}, "--keyframes 'some' is not a fraction"),
        (["retake"], {"keyframes": 2}, "--keyframes '2' is outside"),
        (["retake"], {"select": "best"}, "unknown select 'best'"),
        (["retake"], {"by_times": True}, r"no method has by_times \(did you mean 'by_time'\?\)"),
        (["retake"], {"by_time": "yes"}, "by_time = 'yes' is of another kind: give true or false"),
        (["retake"], {"chunk_frames": 1.5}, "chunk_frames = 1.5 is of another kind: give a whole number"),
        (["random"], {"ramp": True}, "ramp = True is of another kind: give text"),
    ],
)
def test_what_cannot_be_is_refused(methods: list[str], values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        labels(methods, [1 / 2], **values)


def test_compare_takes_them(run: Run, film: Path, model: Path) -> None:
    arguments = ["compare", film, "what is it", "--model", model, "--json", "-q"]
    settings = ["--methods", "video-xl,retake", "--draw", "film", "--by-layer", "--budget", "20"]
    shown = run(*arguments, *settings)
    assert shown.code == 0, shown.err
    assert [row["setting"] for row in shown.json["settings"]] == [
        "video-xl --draw film",
        "retake 20 tokens --by-layer",
    ]
    refused = run(*arguments, "--methods", "uniform", "--dense", "4x")
    assert refused.code == 2
    assert "--dense is for --method video-xl" in refused.error
