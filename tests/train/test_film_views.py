"""Films as cells: in training the tokens are those of watching, and a run ends in a model that pools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

import longreel
from longreel.compress.context_window import ContextWindow
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.errors import UsageError
from longreel.films.encode import make_film
from longreel.films.scenes import Film, draw_film
from longreel.methods import Method
from longreel.models import reel_tiny
from longreel.models.base import FilmPart
from longreel.models.prompt import Prompt
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.glance_tower import shares_of
from longreel.token_shrinking import shrunk
from longreel.train import run
from longreel.train.celled import Grid, with_cells
from longreel.train.curriculum import Curriculum
from longreel.train.features import ComposedFilm, FeatureBank, ideal_boxes, ideal_scenes
from longreel.train.film_views import PooledFilms, PooledView
from longreel.train.language import answer_loss
from longreel.train.lessons import LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames
from longreel.train.recipe import load_recipe
from longreel.train.shots import film_shots
from longreel.video.frames import Frames

FOLDER = Path(reel_tiny.__file__).parent
RECIPES = Path(__file__).parents[2] / "recipes"
CELLS, SIZE = (8, 12), (64, 96)
POOLS = (ProgressivePooling(0, (2, 2)), ProgressivePooling(4, (2, 8)), ProgressivePooling(0, (8, 8)))
RECIPE = """
seed = 3
families = ["colour", "existence"]

[shape]
made_up = 300

[cells]
rows = 8
columns = 12
pool = 2
frames = 30

[films]
first_seed = 900_000_000
count = 1
seconds = 20.0

[[decoder]]
name = "cells"
eyes = "ideal"
steps = 2
learning_rate = 1e-4
scenes = [3]
advance_below = 0.0
questions = 3
tokens = 600
pools = [[4, 2, 4]]
keyed = 0.5
options = 0.5

[[decoder]]
name = "seen"
eyes = "trained"
steps = 2
learning_rate = 1e-4
scenes = [3]
advance_below = 0.0
questions = 3
tokens = 600
pools = [[0, 2, 2], [4, 2, 8]]
made_up = 1.0
"""


@pytest.fixture(scope="module")
def known() -> VideoXLAdapter:
    return VideoXLAdapter.from_folder(FOLDER)


@pytest.fixture(scope="module")
def adapter(known: VideoXLAdapter) -> VideoXLAdapter:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(FOLDER)
    grid = Grid(CELLS, pool=2, frames=40, made_up=300)
    return VideoXLAdapter("cells", with_cells(known.model, tokenizer, grid, seed=1), tokenizer)


@pytest.fixture(scope="module")
def film() -> Film:
    return draw_film(910_000_000, 120.0)


def names(adapter: VideoXLAdapter) -> MadeUpNames:
    network: Any = adapter.model
    words = network.language_model.model.embed_tokens.weight
    return MadeUpNames(adapter.dialogue.tokenizer, words, network.projector.state_dict(), network.clock)


def bank(film: Film) -> FeatureBank:
    scenes = ideal_scenes(film, torch.Generator().manual_seed(0))
    return FeatureBank(film, scenes, boxes=ideal_boxes(film))


def lessons(adapter: VideoXLAdapter, film: Film, scenes: int = 6, **plan: Any) -> Lessons:
    pooled = PooledFilms(CELLS, SIZE, POOLS)
    told = LessonPlan(families=("colour", "existence"), questions=3, pooled=pooled, **plan)
    prompt = Prompt(adapter.dialogue.tokenizer)
    return Lessons(bank(film), prompt, names(adapter), told, Curriculum([scenes], 0.0), 40, 5)


@pytest.mark.parametrize("pooling", [*POOLS, ProgressivePooling(3, (1, 4))])
def test_tokens_are_those_of_watching(
    adapter: VideoXLAdapter, pooling: ProgressivePooling, tmp_path: Path
) -> None:
    shots = film_shots(910_000_001, 12.0, SIZE, tmp_path)
    frames = Frames(shots.pixels, shots.seconds)
    watched = shrunk(adapter.encode(frames, FilmPart(0, 0.0), unpooled=True), pooling, 0)
    tower = adapter.model.vision_tower
    with torch.no_grad():
        sights = [tower.vision_model.see(clips) for clips in tower.clips(shots.pixels)]
    sureness = tower.vision_model.config.sureness
    shares = torch.cat([torch.cat(shares_of(sight, sureness), dim=-1).flatten(0, 1) for sight in sights])
    boxes = torch.cat([sight.box.flatten(0, 1) for sight in sights])
    seen = ComposedFilm(shares, shots.seconds, shots.film, boxes)
    trained = PooledView(CELLS, SIZE, pooling, 16).tokens(names(adapter).real, seen)
    torch.testing.assert_close(trained, watched.embeddings, rtol=1e-3, atol=1e-3)


def test_without_pooling_frames_are_watched_as_by_the_stride_of_the_config(
    adapter: VideoXLAdapter, tmp_path: Path
) -> None:
    shots = film_shots(910_000_001, 12.0, SIZE, tmp_path)
    frames, part = Frames(shots.pixels, shots.seconds), FilmPart(0, 0.0)
    pooled = shrunk(adapter.encode(frames, part, unpooled=True), POOLS[0], 0)
    plain = adapter.encode(frames, part)
    torch.testing.assert_close(plain.embeddings, pooled.embeddings, rtol=1e-3, atol=1e-3)


def test_a_boxs_frames_stay_beside_what_is_seen_in_them(film: Film) -> None:
    scenes, boxes = ideal_scenes(film, torch.Generator().manual_seed(0)), ideal_boxes(film)
    assert [len(shares) for _, shares in scenes] == [len(box) for box in boxes]
    # So that a frame's box can be told from its shares.
    numbered = [(scene, torch.full_like(shares, number)) for number, (scene, shares) in enumerate(scenes)]
    marked = [torch.full_like(box, number) for number, box in enumerate(boxes)]
    composed = FeatureBank(film, numbered, boxes=marked).compose(np.random.default_rng(0), 9, 2)
    assert composed.boxes is not None
    assert torch.equal(composed.shares[:, :3], composed.boxes)
    assert composed.unseen().boxes is not None
    assert len(composed.unseen().shares) == len(composed.unseen().boxes) == 0  # type: ignore[arg-type]


def test_films_stay_within_the_tokens_of_a_batch(adapter: VideoXLAdapter, film: Film) -> None:
    data = lessons(adapter, film, tokens=900)
    for number in range(20):
        lengths = data[number]["lengths"]
        assert int(lengths.sum()) <= 900
        assert 2 <= len(lengths) <= 16
    assert len({int(data[number]["lengths"].max()) for number in range(20)}) > 10
    assert all(torch.equal(one, data[3][name]) for name, one in data[3].items())


def test_where_nothing_is_shown_there_are_no_cells(adapter: VideoXLAdapter, film: Film) -> None:
    batch = lessons(adapter, film, tokens=900, blind=True)[0]
    assert not batch["lengths"].any()
    loss = answer_loss(adapter.model.language_model, adapter.dialogue.before(None), batch, 64)
    assert loss.isfinite()


def test_made_up_names_are_seen_in_cells(adapter: VideoXLAdapter, film: Film) -> None:
    shown, view = bank(film).compose(np.random.default_rng(0), 5, 4), PooledView(CELLS, SIZE, POOLS[0], 4)
    drawn = names(adapter)
    real, other = (view.tokens(each, shown) for each in (drawn.real, drawn.draw(np.random.default_rng(1))))
    assert real.shape == other.shape
    covered = (real - other).norm(dim=-1) > 0.01
    assert 0.02 < covered.float().mean() < 0.9


def test_a_decoder_that_knows_attributes_reads_cells(adapter: VideoXLAdapter, film: Film) -> None:
    data = lessons(adapter, film, tokens=900)
    decoder, before = adapter.model.language_model, adapter.dialogue.before(None)
    with torch.no_grad():
        shown, hidden = (
            [float(answer_loss(decoder, before, each[number], 64)) for number in range(6)]
            for each in (data, lessons(adapter, film, tokens=900, blind=True))
        )
    assert np.mean(shown) < 0.5 * np.mean(hidden)


def test_a_model_with_cells_knows_all_that_the_other_knew(known: VideoXLAdapter) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(FOLDER)
    before = {name: tensor.clone() for name, tensor in known.model.state_dict().items()}
    model = with_cells(known.model, tokenizer, Grid(CELLS, pool=2, frames=40, made_up=300), seed=1)
    after = model.state_dict()
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(after[name][tuple(map(slice, tensor.shape))], tensor), name
        assert torch.equal(known.model.state_dict()[name], tensor), name
    assert len(model.language_model.model.embed_tokens.weight) == len(tokenizer) + 300
    assert "cells" not in known.model.config.vision_config
    adapter = VideoXLAdapter("cells", model, tokenizer)
    assert adapter.has_token_grid
    assert (adapter.tokens_per_frame, adapter.trained_window) == (24, 960)


def test_a_small_run_ends_in_a_model_that_watches_with_pooling(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(RECIPE)
    trained = run(path, tmp_path / "out")["model"]
    film = make_film(tmp_path, 8.0, 5).film
    plain = longreel.load(trained, method="keep-all").watch(film)
    assert plain.header.visual_tokens == 16 * 24
    pooled = Method(tokens=ProgressivePooling(4, (2, 4)), positions=ContextWindow(), name="context-window")
    model = longreel.load(trained, method=pooled)
    memory = model.watch(film)
    assert memory.header.visual_tokens == 4 * (24 + 3 * 6)
    assert model.ask(memory, "Was there a fox?").usage.memory_tokens > 0
    assert model.adapter.trained_window == 30 * 24
    assert tuple(model.adapter.summary_ratios) == (1,)


def test_the_recipe_for_a_grid_can_be_read() -> None:
    recipe: Any = load_recipe(RECIPES / "reel_tiny_grid.toml")
    assert (recipe.cells.rows, recipe.cells.columns) == CELLS
    assert all(stage.poolings for stage in recipe.decoder)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("pools = [[4, 2, 4]]\n", ""), "stage cells.*pools go together"),
        (("[cells]\nrows = 8\ncolumns = 12\npool = 2\nframes = 30\n", ""), "stage cells.*go together"),
        (("[[4, 2, 4]]", "[[4, 2, 16]]"), "stride 16 is larger than the 8x12"),
        (("[[4, 2, 4]]", "[[4, 2]]"), r"decoder\.0\.pools"),
        (("[[4, 2, 4]]", '[[4, 2, 4]]\nintervals = "dynamic"'), "pools make frames unlike"),
        (("[cells]", "[grow]\nwidth = 144\ninner = 352\nlayers = [0]\n[cells]"), "leave one of them out"),
        (("pool = 2", "pool = 9"), "cannot begin with reel_tiny: a pool of 9"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RECIPE.replace(*change))
    with pytest.raises(UsageError, match=word):
        run(path, tmp_path / "out")
