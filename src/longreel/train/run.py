"""Run a recipe from the first frame to a loadable model; every stage resumes where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from longreel.errors import UsageError
from longreel.files import atomic_file
from longreel.films.scenes import Film, Scene, draw_film
from longreel.films.vocabulary import taught_words
from longreel.models import reel_tiny
from longreel.models.prompt import Prompt
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.glance_tower import GlanceTower, shares_of
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback
from longreel.train.borders import Borders
from longreel.train.celled import Grid, with_cells
from longreel.train.conversations.recipe import StageRecipe
from longreel.train.conversations.run import run_stage
from longreel.train.curriculum import Curriculum
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.eyes import train_eyes, train_following
from longreel.train.features import FeatureBank, ideal_boxes, ideal_scenes, seen_scenes
from longreel.train.film_views import PooledFilms
from longreel.train.folder import begin_run
from longreel.train.growing import Growth, grown
from longreel.train.language import train_decoder
from longreel.train.lessons import LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames
from longreel.train.recipe import Cells, DecoderStage, EyesStage, FilmsToSee, Grow, Recipe, load_recipe
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
        if recipe.cells is None:
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
            _lesson_plan(self._recipe, plan, self._model),
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
            return self._seen_bank(template, self._shots(films), doubt)
        generator = torch.Generator().manual_seed(self._recipe.seed)
        drawn = [draw_film(seed, films.seconds) for seed in _seeds(films)]
        boxes = [box for film in drawn for box in ideal_boxes(film)] if self._tower.config.cells else None
        scenes = [scene for film in drawn for scene in ideal_scenes(film, generator)]
        return FeatureBank(template, scenes, doubt, boxes)

    def _seen_bank(self, template: Film, shots: Sequence[Shots], doubt: float) -> FeatureBank:
        scenes: list[tuple[Scene, Tensor]] = []
        boxes: list[Tensor] | None = [] if self._tower.config.cells else None
        for film in shots:
            shares, where = self._encode(film)
            scenes += seen_scenes(film.film, film.seconds, shares)
            if boxes is not None:
                boxes += [box for _, box in seen_scenes(film.film, film.seconds, where)]
        return FeatureBank(template, scenes, doubt, boxes)

    @torch.no_grad()
    def _encode(self, shots: Shots) -> tuple[Tensor, Tensor]:
        """What the eyes make of frames: shares (F, all words) in half precision, boxes (F, 3)."""
        clipwise: Any = self._model.vision_tower
        sights = [self._tower.see(clips) for clips in clipwise.clips(shots.pixels)]
        sureness = self._tower.config.sureness
        shares = torch.cat([torch.cat(shares_of(sight, sureness), dim=-1).flatten(0, 1) for sight in sights])
        return shares.half().cpu(), torch.cat([sight.box.flatten(0, 1) for sight in sights]).cpu()


def _first(recipe: Recipe) -> tuple[VideoXLModel, PreTrainedTokenizerFast]:
    """The model before the first stage."""
    start = recipe.grow or recipe.cells
    if start is None:
        return untrained(recipe.seed, **recipe.shape.model_dump())
    built_in = start.model == reel_tiny.NAME
    folder = Path(reel_tiny.__file__).parent if built_in else Path(start.model)
    known = VideoXLAdapter.from_folder(folder).model
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    try:
        if isinstance(start, Cells):
            return with_cells(known, tokenizer, _grid(recipe, start), seed=recipe.seed), tokenizer
        if recipe.shape.clock:
            tokenizer = with_time_words(tokenizer)
        return grown(known, tokenizer, _growth(recipe, start), seed=recipe.seed), tokenizer
    except ValueError as error:
        raise UsageError(f"cannot begin with {start.model}: {error}") from error


def _grid(recipe: Recipe, cells: Cells) -> Grid:
    ratios = {ratio for stage in recipe.decoder for ratio in stage.ratios}
    return Grid((cells.rows, cells.columns), cells.pool, cells.frames, sorted(ratios), recipe.shape.made_up)


def _growth(recipe: Recipe, grow: Grow) -> Growth:
    shape, layers = recipe.shape, tuple(grow.layers)
    return Growth(
        grow.width,
        grow.inner,
        layers,
        shape.clock,
        shape.made_up,
        grow.sharper,
        grow.sureness,
        grow.tells_next,
    )


def _seeds(films: FilmsToSee) -> range:
    return range(films.first_seed, films.first_seed + films.count)


def _lesson_plan(recipe: Recipe, stage: DecoderStage, model: VideoXLModel) -> LessonPlan:
    interval, dynamic, pooled = recipe.shape.interval, None, None
    if stage.intervals == "dynamic":
        dynamic = DynamicFilms(stage.borders or Borders(), interval, model.tokens_per_frame)
        dynamic.check([stage.ratios])
    if stage.pools:
        pooled = PooledFilms(model.vision_tower.grid, model.vision_tower.image_size, stage.poolings)
    return lesson_plan(stage, stage.families or recipe.families, interval, dynamic, pooled)


def lesson_plan(
    stage: DecoderStage,
    families: Sequence[str],
    interval: int,
    dynamic: DynamicFilms | None = None,
    pooled: PooledFilms | None = None,
) -> LessonPlan:
    """What the batches of a stage consist of."""
    return LessonPlan(
        families=tuple(families),
        films=stage.films,
        tokens=stage.tokens,
        questions=stage.questions,
        ratios=tuple(stage.ratios),
        longest=stage.longest,
        made_up=stage.made_up,
        keyed=stage.keyed,
        options=stage.options,
        turns=stage.turns,
        spread=stage.spread,
        alike=stage.alike,
        crowded=stage.crowded,
        crowd=stage.crowd,
        crowd_longest=stage.crowd_longest,
        interval=interval,
        dynamic=dynamic,
        blind=stage.eyes == "shut",
        pooled=pooled,
    )


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the tied copy, which the file format refuses."""
    return {
        name: tensor.contiguous() for name, tensor in state.items() if not name.endswith("lm_head.weight")
    }
