"""Dynamic intervals in training are those that the same film has when it is watched, and so is the loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import longreel
from longreel import VideoXL
from longreel.errors import UsageError
from longreel.films.encode import make_film
from longreel.key_values import Interval
from longreel.models.video_xl.released.convert import convert
from longreel.train import run
from longreel.train.borders import Borders
from longreel.train.conversations.cuts import DynamicCuts
from longreel.train.conversations.dataset import Shown
from longreel.train.conversations.ratios import RatioPlan, Widening
from longreel.train.conversations.recipe import StageRecipe
from longreel.train.conversations.seeing import VideoXLSight
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.folder import begin_run
from longreel.video.sampling import Sampling
from tests.released import write_released
from tests.train.conversations.make import sample, write_lines, write_picture

# The little model: 4 tokens a frame, intervals of ten frames.
FRAME, INTERVAL = 4, 40
QUESTION, ANSWER = "What is it?", "A model."
RECIPE = """
model = "{folder}/ours"
train = ["vision_tower", "projector", "language_model", "summary_tokens"]
[[data]]
file = "{folder}/data.jsonl"
[summaries]
intervals = "dynamic"
{summaries}
[learning]
learning_rate = 1e-6
batch = 1
steps = 1
half = false
recompute = {recompute}
log_steps = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a film with scenes, a picture, and a conversation about the film."""
    made = tmp_path_factory.mktemp("dynamic")
    write_released(made / "theirs", dtype=torch.float32)
    convert(made / "theirs", made / "ours")
    make_film(made, 60.0, 5).film.rename(made / "film.mp4")
    write_picture(made / "a.png")
    write_lines(made / "data.jsonl", [sample(f"<video>\n{QUESTION}", ANSWER, video="film.mp4")])
    return made


def watched(folder: Path, keep: float, *shown: str, **settings: Any) -> Any:
    """The model and its memory of what is in the folder."""
    model = longreel.load(folder / "ours", keep=keep, video_xl=VideoXL(intervals="dynamic", **settings))
    return model, model.watch([folder / name for name in shown], fps=1.0)


def answer_loss(model: longreel.Model, memory: longreel.VideoMemory) -> float:
    """Of the answer and its end, asked behind a memory."""
    adapter: Any = model.adapter
    asked = adapter.dialogue.after([(QUESTION, None)])
    answer = adapter.dialogue.words(ANSWER + adapter.dialogue.tokenizer.eos_token)
    logits = adapter.model.language_model.logits(memory.key_values, torch.cat((asked, answer)))
    return float(cross_entropy(logits[len(asked) - 1 : -1], answer))


def first_loss(folder: Path, out: Path, summaries: str, *, recompute: bool = True) -> float:
    out.mkdir()
    text = RECIPE.replace("{folder}", str(folder)).replace("{summaries}", summaries)
    (out / "recipe.toml").write_text(text.replace("{recompute}", str(recompute).lower()))
    run(out / "recipe.toml", out / "run")
    curve = json.loads((out / "run" / "checkpoints" / "curve.json").read_text())
    loss: float = curve[0]["loss"]
    return loss


@pytest.mark.parametrize("recompute", [True, False])
@pytest.mark.parametrize(
    ("summaries", "keep", "settings"),
    [
        ("ratios = [8]", 1 / 8, {"ratios": (8,)}),
        (
            'per = "fraction"\n[[summaries.schedule]]\nuntil = 1.0\nratios = [2, 4, 8, 4]\n'
            "[summaries.borders]\nhistory = 20\nlook_ahead = 3\nsharpness = 1.0\nlongest = 8",
            1 / 4,
            {"ratios": (2, 4, 8), "history": 20, "look_ahead": 3, "sharpness": 1.0, "longest": 8},
        ),
    ],
)
def test_the_loss_is_that_of_watching_and_being_asked(
    folder: Path, tmp_path: Path, summaries: str, keep: float, settings: dict[str, Any], recompute: bool
) -> None:
    model, memory = watched(folder, keep, "film.mp4", **settings)
    assert len(set(memory.header.intervals)) > 3
    expected = answer_loss(model, memory)
    assert first_loss(folder, tmp_path / "one", summaries, recompute=recompute) == pytest.approx(
        expected, abs=2e-4
    )
    fixed = longreel.load(folder / "ours", keep=keep)
    assert abs(answer_loss(fixed, fixed.watch(folder / "film.mp4", fps=1.0)) - expected) > 1e-3


def cuts(*schedule: tuple[int, ...], per: Any = "fraction", seed: int = 0, **borders: Any) -> DynamicCuts:
    """A plan of 100 samples, whose schedule has steps of equal length."""
    steps = tuple(Widening((n + 1) / len(schedule), ratios) for n, ratios in enumerate(schedule))
    films = DynamicFilms(Borders(**borders), INTERVAL, FRAME)
    return DynamicCuts(films, RatioPlan(steps, 100, seed, per))


def seen(folder: Path, *names: str) -> tuple[list[Shown], list[list[Tensor]]]:
    """What is shown in one place, and its visual tokens."""
    adapter: Any = longreel.load(folder / "ours").adapter
    sight = VideoXLSight(adapter, Sampling(fps=1.0), in_tiles=True, recompute=False)
    read = [
        sight.film(folder / name) if name.endswith("mp4") else sight.image(folder / name, alone=True)
        for name in names
    ]
    return [Shown(before=0, seen=read)], [[sight.embeddings(each) for each in read]]


def drawn(plan: DynamicCuts, place: int) -> float:
    return 1 / plan.ratios.draw_one(place)


def test_ends_and_ratios_are_those_of_watching_at_the_fraction_drawn(folder: Path) -> None:
    names = ("film.mp4", "film.mp4", "a.png")
    shown, visual = seen(folder, *names)
    plan = cuts((2, 4, 8), history=20)
    fractions = set()
    for place in range(4):
        fractions.add(drawn(plan, place))
        _, memory = watched(folder, drawn(plan, place), *names, ratios=(2, 4, 8), history=20)
        assert plan.of(place, shown, visual) == [list(memory.header.intervals)]
    assert len(fractions) > 1


def test_a_schedule_cuts_as_watching_does_with_its_ratios_of_the_moment(folder: Path) -> None:
    shown, visual = seen(folder, "film.mp4")
    plan = cuts((2,), (2, 8))
    for place, ratios in ((49, (2,)), (50, (2, 8))):
        _, memory = watched(folder, drawn(plan, place), "film.mp4", ratios=ratios)
        assert plan.of(place, shown, visual) == [list(memory.header.intervals)]


@pytest.mark.parametrize("per", ["interval", "film"])
def test_ratios_are_drawn_for_the_intervals_of_watching(folder: Path, per: str) -> None:
    shown, visual = seen(folder, "film.mp4")
    _, memory = watched(folder, 1 / 8, "film.mp4", ratios=(2, 8))
    lengths = [tokens for tokens, _ in memory.header.intervals]
    ratios = []
    for place in range(6):
        (found,) = cuts((2, 8), per=per).of(place, shown, visual)
        assert [interval.tokens for interval in found] == lengths
        ratios.append({interval.ratio for interval in found})
    together = set.union(*ratios)
    assert together <= {2, 8}
    assert any(len(each) == 2 for each in ratios) == (per == "interval")


def test_what_is_kept_whole_is_not_cut_by_change(folder: Path) -> None:
    shown, visual = seen(folder, "film.mp4")
    count = len(visual[0][0])
    full, rest = divmod(count, INTERVAL)
    whole = [Interval(INTERVAL, 1)] * full + [Interval(rest, 1)] * bool(rest)
    assert cuts((1,)).of(0, shown, visual) == [whole]


def test_a_text_without_pictures_has_no_intervals() -> None:
    assert cuts((2, 4)).of(0, [], []) == []


@pytest.mark.parametrize(
    ("summaries", "word"),
    [
        ('intervals = "sometimes"', "summaries.intervals"),
        ("[summaries.borders]\nhistory = 9", 'borders are .* give intervals = "dynamic"'),
        ('per = "fraction"', 'per = "fraction" is for dynamic .* give intervals = "dynamic"'),
        ('intervals = "dynamic"\n[summaries.borders]\nhistory = 1', "summaries.borders.*history=1"),
        ('intervals = "dynamic"\n[summaries.borders]\nshortest = 5\nlongest = 4', "shortest=5, longest=4"),
        ('intervals = "dynamic"\n[summaries.borders]\nshorter = 5', "summaries.borders.shorter"),
    ],
)
def test_a_wrong_setting_is_named(folder: Path, tmp_path: Path, summaries: str, word: str) -> None:
    path = tmp_path / "wrong.toml"
    text = RECIPE.replace('intervals = "dynamic"\n', "ratios = [2]\n").replace("{recompute}", "true")
    path.write_text(text.replace("{folder}", str(folder)).replace("{summaries}", summaries))
    with pytest.raises(UsageError, match=rf"wrong\.toml.*{word}"):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_borders_that_the_model_cannot_have_are_refused_before_a_film_is_read(
    folder: Path, tmp_path: Path
) -> None:
    """Ten frames fill an interval."""
    with pytest.raises(UsageError, match="shortest=11, longest=10"):
        first_loss(folder, tmp_path / "one", "ratios = [2]\n[summaries.borders]\nshortest = 11")


def test_a_run_begun_before_a_setting_came_is_gone_on_with(tmp_path: Path) -> None:
    table = {
        "model": "some",
        "train": ["projector"],
        "data": [{"file": "a"}],
        "learning": {"learning_rate": 1, "batch": 1, "steps": 1},
        "summaries": {"ratios": [2]},
    }
    recipe = StageRecipe.model_validate(table)
    begin_run(tmp_path, recipe)
    noted = json.loads((tmp_path / "recipe.json").read_text())
    del noted["summaries"]["intervals"], noted["summaries"]["borders"]
    (tmp_path / "recipe.json").write_text(json.dumps(noted))
    begin_run(tmp_path, recipe)
    dynamic = StageRecipe.model_validate({**table, "summaries": {"ratios": [2], "intervals": "dynamic"}})
    for other in (b'{"model": 1}', b"\xff", b"{"):
        with pytest.raises(UsageError, match="another recipe"):
            begin_run(tmp_path, dynamic)
        (tmp_path / "recipe.json").write_bytes(other)
    with pytest.raises(UsageError, match="another recipe"):
        begin_run(tmp_path, recipe)
