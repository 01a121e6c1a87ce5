"""A grown model begins by doing what the smaller one does, and can read the clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
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
from longreel.models.engine.entries import LayerEntries
from longreel.models.engine.passes import SequencePass
from longreel.models.prompt import Prompt
from longreel.models.reel_tiny.words import as_sentence
from longreel.models.video_xl import VideoXLModel
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.grouped import read_rows, watch_films
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.positions import RotaryTable
from longreel.train.features import ComposedFilm, FeatureBank, ideal_scenes
from longreel.train.growing import Growth, grown
from longreel.train.made_up import MadeUpNames
from longreel.train.telling_next import looks
from longreel.train.time_words import with_time_words

FOLDER = Path(reel_tiny.__file__).parent
LARGER = Growth(160, 384, (0, 1, 1, 2, 2, 3), clock=True, made_up=8)
TELLING_NEXT = Growth(184, 352, (0, 0, 1, 1, 2, 2, 3), clock=True, made_up=8, tells_next=True)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return with_time_words(PreTrainedTokenizerFast.from_pretrained(FOLDER))


@pytest.fixture(scope="module")
def small() -> VideoXLModel:
    return VideoXLAdapter.from_folder(FOLDER).model


@pytest.fixture(scope="module", params=[LARGER, TELLING_NEXT], ids=["plain", "telling next"])
def growth(request: pytest.FixtureRequest) -> Growth:
    chosen: Growth = request.param
    return chosen


@pytest.fixture(scope="module")
def larger(small: VideoXLModel, tokenizer: PreTrainedTokenizerFast, growth: Growth) -> VideoXLModel:
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    model = grown(small, tokenizer, growth, seed=1)
    assert all(torch.equal(tensor, small.state_dict()[name]) for name, tensor in before.items())
    return model


@pytest.fixture(scope="module")
def telling_next(small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> VideoXLModel:
    return grown(small, tokenizer, TELLING_NEXT, seed=1)


def composed(
    model: VideoXLModel, tokenizer: PreTrainedTokenizerFast, seed: int
) -> tuple[ComposedFilm, torch.Tensor]:
    """A film of 14 scenes and its tokens (F * 4, width)."""
    film = draw_film(seed, 120.0)
    scenes = ideal_scenes(film, torch.Generator().manual_seed(0))
    shown = FeatureBank(film, scenes).compose(np.random.default_rng(0), 14, None, begin=1500.0)
    embeddings, projector = model.language_model.model.embed_tokens.weight, model.projector.state_dict()
    names = MadeUpNames(tokenizer, embeddings, projector, model.clock).real
    return shown, names.look(shown.shares, shown.seconds)


def run_layers(decoder: SummaryTokenLM, layers: int, tokens: torch.Tensor) -> torch.Tensor:
    """Hidden states (n, width) behind the first layers."""
    hidden = tokens[None]
    for layer in decoder.model.layers[:layers]:
        empty = [LayerEntries.empty(shape, decoder.device, decoder.dtype) for shape in decoder.layer_shapes]
        there = SequencePass(empty, torch.arange(len(tokens)), decoder.rotation)
        hidden = layer(hidden, attention_pass=there)
    return hidden[0]


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
    prompt, decoder = Prompt(tokenizer), larger.language_model
    shown, tokens = composed(larger, tokenizer, 910_000_003)
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


@torch.no_grad()
def test_its_first_layer_tells_frames_what_was_before(
    telling_next: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    decoder, size = telling_next.language_model, 64
    first = decoder.model.layers[0].self_attn
    known = telling_next.projector.weight[:128]
    # How a thing is read off its word, and off what the first layer says.
    wanted = first.v_proj.weight[:size, :128] @ looks(known).turn.T
    said = first.o_proj.weight[:128, :size]
    right, starts, ends = [], [], []
    for seed in range(910_000_003, 910_000_006):
        shown, tokens = composed(telling_next, tokenizer, seed)
        before = Prompt(tokenizer).before(None)
        hidden = torch.cat((decoder.embed(before), tokens))
        told = (run_layers(decoder, 1, hidden) - hidden)[:, :128]
        # Words are told nothing.
        assert told[: len(before)].norm(dim=1).max() < 0.3
        told = told[len(before) :].unflatten(0, (-1, 4))
        things = sorted({scene.object for scene in shown.film.scenes})
        words = decoder.embed(torch.tensor(tokenizer.convert_tokens_to_ids(things)))[:, :128]
        for scene, after in pairwise(shown.film.scenes):
            frames = told[(shown.seconds >= after.start - 1e-6) & (shown.seconds < after.end - 1e-6)]
            scores = words @ wanted.T @ (frames[:2].mean(dim=(0, 1)) @ said)
            right.append(things[int(scores.argmax())] == scene.object)
            starts.append(float(frames[0].norm(dim=1).mean()))
            ends.append(float(frames[-1].norm(dim=1).mean()))
    # By chance one in thirteen.
    assert sum(right) >= 0.6 * len(right)
    assert np.median(starts) > 1.5 * np.median(ends)


@torch.no_grad()
def test_a_head_looks_at_what_came_next(
    telling_next: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    decoder, prompt = telling_next.language_model, Prompt(tokenizer)
    layer, before = decoder.model.layers[2], prompt.before(None)
    there, of_it = [], []
    for seed in range(910_000_003, 910_000_006):
        shown, tokens = composed(telling_next, tokenizer, seed)
        counts = Counter(scene.object for scene in shown.film.scenes)
        for scene, after in pairwise(shown.film.scenes):
            if counts[scene.object] > 1:
                continue
            asked = decoder.embed(prompt.words(f"next {scene.object}"))
            hidden = run_layers(decoder, 2, torch.cat((decoder.embed(before), tokens, asked)))
            normed = layer.input_layernorm(hidden)
            table = RotaryTable(torch.arange(len(normed)), decoder.rotation)
            query, key = (
                table.rotate(part(normed)[:, 64:])
                for part in (layer.self_attn.q_proj, layer.self_attn.k_proj)
            )
            shares = (query[-1] @ key.T / 8).softmax(dim=-1)[len(before) : len(before) + len(tokens)]
            shares = shares.unflatten(0, (-1, 4)).sum(dim=1)
            for each, found in ((after, there), (scene, of_it)):
                frames = (shown.seconds >= each.start - 1e-6) & (shown.seconds < each.end - 1e-6)
                found.append(float(shares[frames].sum()))
    # By chance one in fourteen.
    assert np.mean(there) >= 0.3
    assert np.mean(of_it) <= 0.5 * np.mean(there)


def test_it_tells_next_only_where_layers_add_nothing(
    small: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    for layers in ((0, 1, 1, 2, 2, 3), (0, 0, 1, 2, 3)):
        with pytest.raises(ValueError, match="do not begin with one that adds nothing"):
            grown(small, tokenizer, replace(TELLING_NEXT, layers=layers), seed=1)


def test_made_up_names_look_as_real_ones_do(small: VideoXLModel, tokenizer: PreTrainedTokenizerFast) -> None:
    things = torch.tensor(tokenizer.convert_tokens_to_ids(list(OBJECTS)))
    model = grown(small, tokenizer, replace(TELLING_NEXT, made_up=len(things)), seed=1)
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


def test_its_shape_is_the_one_asked_for(
    larger: VideoXLModel, growth: Growth, tokenizer: PreTrainedTokenizerFast
) -> None:
    text, layers = larger.config.text_config, len(growth.layers)
    asked_for = (growth.width, growth.inner, layers)
    assert (text.hidden_size, text.intermediate_size, text.num_hidden_layers) == asked_for
    assert text.vocab_size == len(tokenizer) + 8
    assert larger.clock is not None
    assert all(parameter.isfinite().all() for parameter in larger.parameters())


def test_sharper_attention_looks_more_closely_at_what_it_looked_at(
    small: VideoXLModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    """And the first layer, which reads what stands beside, looks as before."""
    plain, sharper = (grown(small, tokenizer, replace(LARGER, sharper=by), seed=1) for by in (1.0, 2.0))
    first, *others = zip(plain.language_model.model.layers, sharper.language_model.model.layers, strict=True)
    for part in ("q_proj", "summary_q_proj"):
        one, same = (getattr(layer.self_attn, part) for layer in first)
        assert torch.equal(one.weight, same.weight)
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
    small: VideoXLModel, larger: VideoXLModel, growth: Growth, tokenizer: PreTrainedTokenizerFast
) -> None:
    same, other = (grown(small, tokenizer, growth, seed=seed).state_dict() for seed in (1, 2))
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
