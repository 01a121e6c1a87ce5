"""Run a recipe from the first frame to a loadable model; every stage resumes where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from longreel.errors import UsageError
from longreel.files import atomic_file
from longreel.films.scenes import draw_film
from longreel.films.vocabulary import taught_words
from longreel.models import reel_tiny
from longreel.models.prompt import Prompt
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.glance_tower import GlanceTower
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback
from longreel.train.borders import Borders
from longreel.train.conversations.recipe import StageRecipe
from longreel.train.conversations.run import run_stage
from longreel.train.curriculum import Curriculum
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.eyes import train_eyes, train_following
from longreel.train.features import FeatureBank, ideal_scenes, seen_scenes
from longreel.train.folder import begin_run
from longreel.train.growing import Growth, grown
from longreel.train.language import train_decoder
from longreel.train.lessons import LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames
from longreel.train.recipe import DecoderStage, EyesStage, FilmsToSee, Recipe, load_recipe
from longreel.train.shots import Shots, film_shots
from longreel.train.start import untrained
from longreel.train.time_words import with_time_words
from longreel.train.trainer import Schedule, Stage


def run(
    recipe_path: str | Path,
    out: str | Path,
    *,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Train what a recipe describes, or go on with it; the finished model is `out`/model.

    Raises:
        UsageError: the recipe is wrong, or `out` is a file or holds a run of another recipe.
    """
    path, folder = Path(recipe_path), Path(out)
    recipe = load_recipe(path)
    if isinstance(recipe, StageRecipe):
        return run_stage(recipe, path, folder, progress)
    begin_run(folder, recipe)
    training = _Training(recipe, folder, progress)
    if recipe.eyes is not None:
        training.complete("eyes", partial(training.see, recipe.eyes))
    for plan in recipe.decoder:
        training.complete(plan.name, partial(training.read, plan))
    training.export(folder / "model")
    return {"model": str(folder / "model"), "recipe": str(recipe_path), "seed": recipe.seed}


# Lessons have at most this many turns before a question.
_REMEMBERED_TURNS = 1


class _Training:
    """The model being trained and what its stages share."""

    def __init__(self, recipe: Recipe, folder: Path, progress: ProgressCallback | None = None) -> None:
        self._recipe, self._folder, self._progress = recipe, folder, progress
        self._model: VideoXLModel
        self._tokenizer: PreTrainedTokenizerFast
        self._model, self._tokenizer = _first(recipe)
        self._model.config.trained_frames = round(recipe.films.seconds * self._model.config.default_fps)
        self._names = MadeUpNames(
            self._tokenizer,
            self._model.language_model.model.embed_tokens.weight,
            self._model.projector.state_dict(),
            self._model.clock,
        )
        self._tower: GlanceTower = self._model.vision_tower.vision_model

    def complete(self, name: str, train: Callable[[], None]) -> None:
        """Run a stage, or take over its weights if it was finished before."""
        weights = self._folder / f"{name}.safetensors"
        if not weights.exists():
            train()
            with atomic_file(weights) as file:
                file.write(save(_plain(self._model.state_dict())))
        self._model.load_state_dict(load_file(weights), strict=False)
        self._model.tie_weights()

    def see(self, plan: EyesStage) -> None:
        """Train the vision tower."""
        films, brief = self._shots(plan.films), self._shots(plan.brief)
        schedule = Schedule(plan.steps, plan.learning_rate)
        train_eyes(self._tower, films, brief, plan.batch, schedule, self._stage("eyes"))
        schedule = Schedule(plan.follow_steps, plan.learning_rate)
        train_following(self._tower, films, brief, 8 * plan.batch, schedule, self._stage("following"))

    def read(self, plan: DecoderStage) -> None:
        """Train the decoder."""
        decoder = self._model.language_model
        if plan.summaries:
            decoder.initialise_summary_tokens()
        curriculum = Curriculum(plan.scenes, plan.advance_below, plan.patience)
        prompt = Prompt(self._tokenizer)
        lessons = Lessons(
            self._bank(plan.eyes, plan.doubt),
            prompt,
            self._names,
            _lesson_plan(self._recipe, plan, self._model.tokens_per_frame),
            curriculum,
            plan.steps,
            self._recipe.seed,
        )
        train_decoder(
            decoder,
            lessons,
            curriculum,
            Schedule(plan.steps, plan.learning_rate, save_steps=plan.save_steps),
            prefix_ids=prompt.before(None),
            fixed_words=self._names.words,
            interval=self._recipe.shape.interval,
            stage=self._stage(plan.name),
            half=plan.half,
        )

    def _stage(self, name: str) -> Stage:
        return Stage(self._folder / name, self._recipe.seed, self._progress)

    def export(self, folder: Path) -> None:
        """Write the model in half precision, without the made-up words, with its tokenizer."""
        self._model.language_model.resize_token_embeddings(len(self._tokenizer))
        self._model.config.taught_words = taught_words(self._recipe.families)
        self._model.config.remembered_turns = _REMEMBERED_TURNS
        self._model.to(dtype=torch.float16)  # type: ignore[call-arg]
        self._model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
        (folder / "recipe.json").write_text(json.dumps(self._recipe.model_dump(), indent=1))

    def _shots(self, films: FilmsToSee) -> list[Shots]:
        height, width = self._tower.config.image_size
        return [
            film_shots(
                seed,
                films.seconds,
                (height, width),
                self._folder / "shots",
                longest_scene=films.longest_scene,
            )
            for seed in _seeds(films)
        ]

    def _bank(self, eyes: str, doubt: float) -> FeatureBank:
        films = self._recipe.films
        template = draw_film(films.first_seed, films.seconds)
        if eyes == "trained":
            self._model.eval()
            shots = self._shots(films)
            return FeatureBank(
                template,
                [
                    scene
                    for film in shots
                    for scene in seen_scenes(film.film, film.seconds, self._encode(film))
                ],
                doubt,
            )
        generator = torch.Generator().manual_seed(self._recipe.seed)
        drawn = [draw_film(seed, films.seconds) for seed in _seeds(films)]
        return FeatureBank(
            template,
            [scene for film in drawn for scene in ideal_scenes(film, generator)],
            doubt,
        )

    @torch.no_grad()
    def _encode(self, shots: Shots) -> Tensor:
        # The second half of any token is the whole frame's shares.
        tokens: Tensor = self._model.vision_tower(shots.pixels)
        return tokens[:, 0, tokens.shape[-1] // 2 :].half().cpu()


def _first(recipe: Recipe) -> tuple[VideoXLModel, PreTrainedTokenizerFast]:
    """The model before the first stage."""
    if recipe.grow is None:
        return untrained(recipe.seed, **recipe.shape.model_dump())
    built_in = recipe.grow.model == reel_tiny.NAME
    folder = Path(reel_tiny.__file__).parent if built_in else Path(recipe.grow.model)
    adapter = VideoXLAdapter.from_folder(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    plan, shape = recipe.grow, recipe.shape
    if shape.clock:
        tokenizer = with_time_words(tokenizer)
    layers = tuple(plan.layers)
    growth = Growth(plan.width, plan.inner, layers, shape.clock, shape.made_up, plan.sharper)
    try:
        return grown(adapter.model, tokenizer, growth, seed=recipe.seed), tokenizer
    except ValueError as error:
        raise UsageError(f"cannot grow {plan.model}: {error}") from error


def _seeds(films: FilmsToSee) -> range:
    return range(films.first_seed, films.first_seed + films.count)


def _lesson_plan(recipe: Recipe, stage: DecoderStage, frame_tokens: int) -> LessonPlan:
    interval, dynamic = recipe.shape.interval, None
    if stage.intervals == "dynamic":
        dynamic = DynamicFilms(stage.borders or Borders(), interval, frame_tokens)
        dynamic.check([stage.ratios])
    return LessonPlan(
        families=tuple(stage.families or recipe.families),
        films=stage.films,
        tokens=stage.tokens,
        questions=stage.questions,
        ratios=tuple(stage.ratios),
        longest=stage.longest,
        made_up=stage.made_up,
        keyed=stage.keyed,
        options=stage.options,
        turns=stage.turns,
        crowded=stage.crowded,
        crowd=stage.crowd,
        crowd_longest=stage.crowd_longest,
        interval=interval,
        dynamic=dynamic,
        blind=stage.eyes == "shut",
    )


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the tied copy, which the file format refuses."""
    return {
        name: tensor.contiguous() for name, tensor in state.items() if not name.endswith("lm_head.weight")
    }
