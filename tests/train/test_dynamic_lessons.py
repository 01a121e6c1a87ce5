"""Dynamic intervals in the training of the default model: those of watching, and so is the loss."""

from __future__ import annotations

from fractions import Fraction
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
from longreel.films.scenes import draw_film
from longreel.interval_fit import film_facts, fitted_to_film
from longreel.methods import named_method
from longreel.models.base import VisualTokens
from longreel.models.prompt import Prompt
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.train import run
from longreel.train.borders import Borders
from longreel.train.curriculum import Curriculum
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.features import FeatureBank, ideal_scenes
from longreel.train.language import answer_loss
from longreel.train.lessons import IGNORE, LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames
from longreel.train.recipe import load_recipe
from longreel.train.start import untrained

# Four tokens a frame, intervals of twelve frames.
INTERVAL, RATIOS = 48, (2, 4, 8)
RECIPE = """
seed = 3
families = ["colour", "existence"]

[shape]
width = 32
layers = 2
interval = 48

[films]
first_seed = 900_000_000
count = 2
seconds = 60.0

[[decoder]]
name = "summaries"
eyes = "ideal"
summaries = true
steps = 3
learning_rate = 1e-3
scenes = [4]
advance_below = 0.0
ratios = [1, 2, 4, 8]
questions = 3
keyed = 0.3
options = 0.5
intervals = "dynamic"
"""


def adapter() -> VideoXLAdapter:
    torch.manual_seed(0)
    shape = {"width": 32, "layers": 2, "heads": 2, "head_dim": 16, "rope_theta": 1e6}
    model, tokenizer = untrained(3, **shape, interval=INTERVAL, made_up=60)  # type: ignore[arg-type]
    model.language_model.initialise_summary_tokens()
    return VideoXLAdapter("untrained", model, tokenizer)


def lessons(given: VideoXLAdapter, **plan: Any) -> Lessons:
    network: Any = given.model
    film = draw_film(900_000_000, 120.0)
    names = MadeUpNames(
        given.dialogue.tokenizer,
        network.language_model.model.embed_tokens.weight,
        network.projector.state_dict(),
        network.clock,
    )
    bank = FeatureBank(film, ideal_scenes(film, torch.Generator().manual_seed(0)))
    dynamic = DynamicFilms(Borders(history=20), INTERVAL, given.tokens_per_frame)
    told = LessonPlan(
        families=("colour", "existence"), ratios=RATIOS, questions=3, interval=INTERVAL, dynamic=dynamic
    )
    told = LessonPlan(**{**vars(told), **plan})
    return Lessons(bank, Prompt(given.dialogue.tokenizer), names, told, Curriculum([6], 0.0), 8, 5)


def watched(given: VideoXLAdapter, film: Tensor, keep: Fraction) -> Any:
    """The memory of a film's visual tokens, which come in blocks of five frames."""
    settings = VideoXL(intervals="dynamic", ratios=RATIOS, history=20)
    method = named_method("video-xl", float(keep), video_xl=settings)
    facts = film_facts(given, method, "film", 0, len(film), is_film=True)
    watcher = given.watcher(given.dialogue.before(None), method.cache)
    watcher.begin_film(fitted_to_film(given, method, facts, None))
    for block in film.split(5 * given.tokens_per_frame):
        never = torch.zeros(len(block), dtype=torch.float64)
        watcher.push(VisualTokens(block, never, never, torch.arange(len(block)) // given.tokens_per_frame))
    watcher.end_film()
    return watcher.finish()


def test_intervals_and_loss_are_those_of_watching() -> None:
    given = adapter()
    network: Any = given.model
    data = lessons(given)
    ratios = set()
    for number in range(4):
        batch = data[number]
        said, wanted = [], []
        for film, length, cut, ids, labels in zip(
            *(batch[part] for part in ("visual", "lengths", "cuts", "ids", "labels")), strict=True
        ):
            memory = watched(given, film[:length], Fraction(1, int(batch["ratio"])))
            assert [tuple(each) for each in cut.tolist() if each[0]] == list(memory.intervals)
            for row, label in zip(ids, labels, strict=True):
                said.append(network.language_model.logits(memory, row)[label != IGNORE])
                wanted.append(label[label != IGNORE])
        ratios |= set(batch["cuts"][..., 1].flatten().tolist())
        expected = cross_entropy(torch.cat(said), torch.cat(wanted))
        found = answer_loss(network.language_model, given.dialogue.before(None), batch, INTERVAL)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert ratios == {0, *RATIOS}


def test_the_recipe_differs_from_that_of_fixed_intervals_in_them_alone() -> None:
    fixed, dynamic = (
        load_recipe(Path(__file__).parents[2] / "recipes" / f"{name}.toml").model_dump()
        for name in ("reel_tiny", "reel_tiny_dynamic")
    )
    assert [stage.pop("intervals") for stage in dynamic["decoder"]] == ["fixed"] * 2 + ["dynamic"] * 2
    assert {stage.pop("intervals") for stage in fixed["decoder"]} == {"fixed"}
    assert dynamic == fixed


def test_the_loss_reaches_the_summary_tokens() -> None:
    given = adapter()
    decoder: Any = given.model.language_model
    answer_loss(decoder, given.dialogue.before(None), lessons(given)[0], INTERVAL).backward()
    assert decoder.summary_embedding.grad.any()
    assert decoder.model.layers[0].self_attn.summary_k_proj.weight.grad.any()


def test_products_in_half_precision_change_little() -> None:
    given = adapter()
    batch = lessons(given)[0]
    with torch.no_grad():
        whole = answer_loss(given.model.language_model, given.dialogue.before(None), batch, INTERVAL)
        with torch.autocast("cpu", torch.bfloat16):
            half = answer_loss(given.model.language_model, given.dialogue.before(None), batch, INTERVAL)
    torch.testing.assert_close(half, whole, rtol=0.03, atol=0.03)
    assert half != whole


def test_where_nothing_is_shown_nothing_is_cut() -> None:
    given = adapter()
    batch = lessons(given, blind=True)[0]
    assert batch["cuts"].shape[1:] == (0, 2)
    assert answer_loss(given.model.language_model, given.dialogue.before(None), batch, INTERVAL) > 0


def test_a_stage_with_dynamic_intervals_ends_in_a_model_that_watches_so(tmp_path: Path) -> None:
    path = tmp_path / "dynamic.toml"
    path.write_text(RECIPE)
    trained = run(path, tmp_path / "out")["model"]
    settings = VideoXL(intervals="dynamic", ratios=(1, 2, 4, 8))
    memory = longreel.load(trained, keep=1 / 4, video_xl=settings).watch(make_film(tmp_path, 30.0, 5).film)
    assert 0 < memory.header.kept[0] <= memory.header.visual_tokens // 4


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('intervals = "dynamic"', 'intervals = "moving"'), r"decoder\.0\.intervals"),
        (('intervals = "dynamic"', "[decoder.borders]"), 'borders are .* give intervals = "dynamic"'),
        (
            ('"dynamic"', '"dynamic"\n[decoder.borders]\nlook_ahead = -1'),
            r"decoder\.0\.borders.*look_ahead=-1",
        ),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RECIPE.replace(*change))
    with pytest.raises(UsageError, match=rf"wrong\.toml.*{word}"):
        run(path, tmp_path / "out")
