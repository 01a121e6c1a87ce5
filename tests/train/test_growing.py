"""A grown model begins by doing what the smaller one does, and can read the clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

import longreel
from longreel.films.encode import write_film
from longreel.films.questions import draw_questions, is_right
from longreel.films.scenes import draw_film
from longreel.films.vocabulary import OBJECTS, counted
from longreel.methods import named_method
from longreel.model import Model
from longreel.models import reel_tiny
from longreel.models.prompt import Prompt
from longreel.models.reel_tiny.words import as_sentence
from longreel.models.video_xl import VideoXLModel
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.grouped import read_rows, watch_films
from longreel.train.features import FeatureBank, ideal_scenes
from longreel.train.growing import Growth, grown
from longreel.train.made_up import MadeUpNames
from longreel.train.time_words import with_time_words

FOLDER = Path(reel_tiny.__file__).parent
LARGER = Growth(160, 384, (0, 1, 1, 2, 2, 3), clock=True, made_up=8)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return with_time_words(PreTrainedTokenizerFast.from_pretrained(FOLDER))


@pytest.fixture(scope="module")
def small() -> VideoXLModel:
    return VideoXLAdapter.from_folder(FOLDER).model


@pytest.fixture(scope="module")
def larger(small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> VideoXLModel:
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    model = grown(small, tokenizer, LARGER, seed=1)
    assert all(torch.equal(tensor, small.state_dict()[name]) for name, tensor in before.items())
    return model


def test_its_eyes_may_be_surer(small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> None:
    before = small.vision_tower.vision_model.config.sureness
    surer = grown(small, tokenizer, replace(LARGER, sureness=before + 1), seed=1)
    assert surer.vision_tower.vision_model.config.sureness == before + 1
    assert small.vision_tower.vision_model.config.sureness == before


def test_it_answers_as_before(
    small: VideoXLModel, larger: VideoXLModel, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    film = draw_film(910_000_003, 40.0)
    path = write_film(film, tmp_path / "film.mp4").film
    questions = draw_questions(film, ["colour", "place", "action"], 6, seed=1, min_event=1.0)
    right = []
    for model in (small, larger):
        adapter = VideoXLAdapter("model", model, tokenizer)
        of = Model(adapter, named_method("video-xl", 0.25))
        answers = of.ask(of.watch(path), [question.text for question in questions])
        right.append(sum(is_right(q, a.text) for q, a in zip(questions, answers, strict=True)))
    assert right[0] >= 0.8 * len(questions)
    assert right[1] >= right[0] - 0.1 * len(questions)


@pytest.mark.parametrize("ratio", [1, 4])
def test_it_has_the_time_of_what_it_is_asked_for(
    larger: VideoXLModel, tokenizer: PreTrainedTokenizerFast, ratio: int
) -> None:
    """Not yet said, as other words are louder: but of the minutes or seconds it would say the right ones."""
    film, prompt, decoder = draw_film(910_000_003, 120.0), Prompt(tokenizer), larger.language_model
    scenes = ideal_scenes(film, torch.Generator().manual_seed(0))
    shown = FeatureBank(film, scenes).compose(np.random.default_rng(0), 14, None, begin=1500.0)
    embeddings, projector = decoder.model.embed_tokens.weight, larger.projector.state_dict()
    tokens = MadeUpNames(tokenizer, embeddings, projector, larger.clock).real.look(
        shown.shares, shown.seconds
    )
    visual = torch.nn.functional.pad(tokens, (0, 0, 0, -len(tokens) % 64))[None]
    lengths = torch.tensor([len(tokens)])
    with torch.no_grad():
        memory = watch_films(decoder, prompt.before(None), visual, lengths, interval=64, ratio=ratio)
    counts = Counter(scene.object for scene in shown.film.scenes)
    for unit in ("minute", "second"):
        words = tokenizer.convert_tokens_to_ids([counted(number, unit) for number in range(60)])
        right = []
        for scene in shown.film.scenes:
            if counts[scene.object] > 1 or scene.seconds < 2:
                continue
            asked = prompt.words(f"{unit} {scene.object}")[None, None]
            with torch.no_grad():
                hidden = read_rows(decoder, memory, asked)[0, 0, -1]
            said = int(decoder.lm_head(hidden)[words].argmax())
            shown_at = range(int(scene.start), int(scene.end) + 1)
            right.append(said in {time // 60 if unit == "minute" else time % 60 for time in shown_at})
        assert len(right) >= 5
        # By chance about one in ten.
        assert sum(right) >= 0.5 * len(right)


def test_made_up_names_look_as_real_ones_do(small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> None:
    things = torch.tensor(tokenizer.convert_tokens_to_ids(list(OBJECTS)))
    model = grown(small, tokenizer, replace(LARGER, made_up=len(things)), seed=1)
    projector = {name: tensor.detach() for name, tensor in model.projector.state_dict().items()}
    words = model.language_model.model.embed_tokens.weight.detach().clone()
    # Made-up words that are what the real things look like: in disguise, each must look like one of them.
    words[len(tokenizer) :] = projector["weight"].T[: len(things)]
    shown = torch.eye(len(things), projector["weight"].shape[1] // 2)
    now = torch.zeros(len(things), dtype=torch.float64)
    # Several times: a solver that is not for matrices of less than full rank is right at times.
    for seed in range(20):
        names = MadeUpNames(tokenizer, words, projector)
        disguised = names.draw(np.random.default_rng(seed))
        stands_for = disguised.say(things) - len(tokenizer)
        looks = disguised.look(shown, now).unflatten(0, (len(things), -1))
        real = names.real.look(shown[stands_for], now).unflatten(0, (len(things), -1))
        torch.testing.assert_close(looks, real, atol=1e-2, rtol=0)


def test_its_shape_is_the_one_asked_for(larger: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> None:
    text = larger.config.text_config
    assert (text.hidden_size, text.intermediate_size, text.num_hidden_layers) == (160, 384, 6)
    assert text.vocab_size == len(tokenizer) + 8
    assert larger.clock is not None
    assert all(parameter.isfinite().all() for parameter in larger.parameters())


def test_sharper_attention_looks_more_closely_at_what_it_looked_at(
    small: VideoXLModel, larger: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    """And the first layer, which reads what stands beside, looks as before."""
    sharper = grown(small, tokenizer, replace(LARGER, sharper=2.0), seed=1)
    first, *others = zip(larger.language_model.model.layers, sharper.language_model.model.layers, strict=True)
    for part in ("q_proj", "summary_q_proj"):
        plain, same = (getattr(layer.self_attn, part) for layer in first)
        assert torch.equal(plain.weight, same.weight)
        for before, after in others:
            one, other = getattr(before.self_attn, part), getattr(after.self_attn, part)
            assert torch.equal(2 * one.weight, other.weight)
            assert torch.equal(2 * one.bias, other.bias)


def test_minutes_and_seconds_are_words_of_their_own(tokenizer: PreTrainedTokenizerFast) -> None:
    plain = PreTrainedTokenizerFast.from_pretrained(FOLDER)
    said = "The fox was there at 14 minutes 1 second."
    words = tokenizer.convert_ids_to_tokens(tokenizer(said).input_ids)
    assert words == ["the", "fox", "was", "there", "at", "14 minutes", "1 second", "."]
    assert as_sentence(words) == said
    # All else is the words it was, and so are numbers of other things.
    for text in ("Did the fox blink?", "4 foxes", "114 minutes", "1 minutes", "4 minutesque"):
        assert tokenizer(text).input_ids == plain(text).input_ids
    assert [len(plain), len(tokenizer)] == [len(plain), len(plain) + 120]


def test_seconds_resemble_those_near_them_and_minutes_no_other(larger: VideoXLModel) -> None:
    assert larger.clock is not None
    minutes, seconds = (
        torch.nn.functional.normalize(table.weight.detach(), dim=1)
        for table in (larger.clock.minute, larger.clock.second)
    )
    assert float((minutes @ seconds.T).abs().max()) < 1e-5
    near, far = ((seconds * seconds.roll(by, 0)).sum(1) for by in (1, 15))
    assert float(near.min()) > 0.5 > float(far.mean())
    assert float((minutes * minutes.roll(1, 0)).sum(1).mean()) < 0.3


def test_growing_is_determined_by_its_seed(
    small: VideoXLModel, larger: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    same, other = (grown(small, tokenizer, LARGER, seed=seed).state_dict() for seed in (1, 2))
    assert all(torch.equal(tensor, same[name]) for name, tensor in larger.state_dict().items())
    name = "language_model.model.embed_tokens.weight"
    assert not torch.equal(same[name], other[name])


@pytest.mark.parametrize(
    "growth",
    [
        Growth(128, 384, (0, 1), clock=False),
        Growth(160, 100, (0, 1), clock=False),
        Growth(160, 384, (0, 4), clock=False),
        Growth(160, 384, (), clock=False),
    ],
)
def test_what_is_no_growth_is_refused(
    growth: Growth, small: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(ValueError, match=r"shrink|not all among"):
        grown(small, tokenizer, growth, seed=0)


def test_a_recipe_can_begin_with_a_grown_model(tmp_path: Path) -> None:
    recipe = tmp_path / "grow.toml"
    recipe.write_text(
        """
seed = 1
families = ["colour", "when"]
[shape]
clock = true
made_up = 600
[grow]
width = 144
inner = 352
layers = [0, 1, 1, 2]
[films]
first_seed = 900_000_000
count = 2
seconds = 20.0
[[decoder]]
name = "practice"
eyes = "ideal"
steps = 1
learning_rate = 1e-4
scenes = [4]
advance_below = 0.0
ratios = [2]
films = 2
questions = 3
crowded = 0.5
doubt = 0.5
half = true
"""
    )
    made = longreel.train.run(recipe, tmp_path / "out")["model"]
    assert longreel.load(made).watch(_still(tmp_path)).header.kept


def _still(folder: Path) -> Path:
    return write_film(draw_film(910_000_004, 10.0), folder / "film.mp4").film
