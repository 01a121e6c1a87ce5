"""Train one stage of a model of released size, from its recipe to a folder that can be loaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from transformers import set_seed

from longreel.compress.context_window import ContextWindow
from longreel.errors import ModelError, UsageError
from longreel.files import atomic_folder
from longreel.loading import load, local_folder
from longreel.models.folders import model_folder
from longreel.models.llava_onevision import LlavaOnevisionAdapter
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.progress import ProgressCallback
from longreel.train.borders import Borders
from longreel.train.conversations.assembly import assembled
from longreel.train.conversations.chat import ChatWriter
from longreel.train.conversations.cuts import Cuts, DynamicCuts, EqualCuts
from longreel.train.conversations.dataset import ConversationData
from longreel.train.conversations.files import ConversationFile
from longreel.train.conversations.mixture import Mixture
from longreel.train.conversations.model import ConversationModel, recompute_activations
from longreel.train.conversations.parts import let_learn, with_adapters
from longreel.train.conversations.ratios import RatioPlan, Widening
from longreel.train.conversations.recipe import StageRecipe
from longreel.train.conversations.seeing import LlavaSight, Sight, VideoXLSight
from longreel.train.conversations.skipped import SkippedSamples
from longreel.train.conversations.trainer import ConversationTrainer
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.folder import begin_run
from longreel.train.trainer import Schedule, Stage, arguments_for, is_first_process, train_to_the_end
from longreel.video.sampling import Sampling

Trainee = VideoXLAdapter | LlavaOnevisionAdapter
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_WEIGHTS = (".safetensors", ".bin", ".safetensors.index.json", ".bin.index.json")


def run_stage(
    recipe: StageRecipe, recipe_path: Path, folder: Path, progress: ProgressCallback | None = None
) -> dict[str, Any]:
    """Train what a recipe describes, or go on with it; the finished model is `folder`/model.

    Every process of a run on several calls this; the first one writes the result.

    Raises:
        UsageError: the recipe asks for what the model cannot do, or `folder` is taken.
        SourceError: a file of samples cannot be used.
        ModelError: the model cannot be loaded.
    """
    files = [
        ConversationFile(Path(each.file), None if each.folder is None else Path(each.folder))
        for each in recipe.data
    ]
    plan = _planned(recipe, files)
    _check_launch()
    begin_run(folder, recipe)
    told: dict[str, Any] = {
        "model": str(folder / "model"),
        "recipe": str(recipe_path),
        "seed": recipe.seed,
        "steps": plan.steps,
        "samples": plan.steps * recipe.learning.batch,
    }
    skipped = SkippedSamples(folder / "skipped.jsonl")
    if not (folder / "model").exists():
        pupil = _Pupil(recipe, plan)
        stage = Stage(folder / "checkpoints", recipe.seed, progress)
        trainer = pupil.trainer(files, skipped, stage)
        if trainer.is_fsdp_enabled and recipe.lora is not None:
            raise UsageError("adapters are not trained with weights shared out (FSDP): launch without it")
        train_to_the_end(trainer, stage)
        shared_out = whole_state(trainer.model_wrapped) if trainer.is_fsdp_enabled else None
        if is_first_process():
            pupil.export(folder, shared_out)
        trainer.accelerator.wait_for_everyone()
    if recipe.lora is not None:
        told["adapters"] = str(folder / "adapters")
    return {**told, "skipped": skipped.counts()}


def whole_state(model: nn.Module) -> dict[str, Tensor]:
    """All weights of a model that processes share out (FSDP), in the first of them; all have to call this."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state: dict[str, Any] = get_model_state_dict(model, options=options)
    return state


class _Plan(NamedTuple):
    """steps: of the optimiser. passes: samples that each process adds up for one."""

    steps: int
    passes: int


def _processes() -> int:
    """Of this run, as their launcher tells."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _planned(recipe: StageRecipe, files: list[ConversationFile]) -> _Plan:
    learning, processes = recipe.learning, _processes()
    if learning.batch % processes:
        raise UsageError(
            f"a batch of {learning.batch} samples does not divide among {processes} processes: change batch"
        )
    steps = learning.steps or round((learning.epochs or 1) * sum(map(len, files)) / learning.batch)
    return _Plan(max(1, steps), learning.batch // processes)


class _Pupil:
    """The model of a run, with what of it learns."""

    def __init__(self, recipe: StageRecipe, plan: _Plan) -> None:
        self._recipe, self._plan = recipe, plan
        set_seed(recipe.seed)
        self._adapter = _loaded(recipe)
        self._network: Any = self._adapter.model
        _check_able(recipe, self._adapter)
        let_learn(self._network, recipe.train)
        self._adapted = None if recipe.lora is None else with_adapters(self._network, recipe.lora)
        if recipe.learning.recompute:
            recompute_activations(self._decoder_layers())

    def trainer(
        self, files: list[ConversationFile], skipped: SkippedSamples, stage: Stage
    ) -> ConversationTrainer:
        """What trains it."""
        recipe, learning = self._recipe, self._recipe.learning
        places = self._plan.steps * learning.batch
        sight = self._sight()
        data = ConversationData(
            files,
            Mixture(
                [len(file) for file in files], [each.weight for each in recipe.data], places, recipe.seed
            ),
            ChatWriter(self._adapter.dialogue, plain=recipe.template == "plain"),
            sight,
            skipped,
            longest=recipe.longest,
        )
        schedule = Schedule(
            self._plan.steps,
            learning.learning_rate,
            warmup=round(learning.warmup * self._plan.steps),
            save_steps=learning.save_steps,
        )
        arguments = arguments_for(
            schedule,
            stage,
            gradient_accumulation_steps=self._plan.passes,
            lr_scheduler_type=learning.schedule,
            weight_decay=learning.weight_decay,
            max_grad_norm=learning.clip,
            bf16=learning.half,
            logging_steps=learning.log_steps,
            dataloader_num_workers=recipe.workers,
            average_tokens_across_devices=True,
            # Of a tower that is read at an earlier layer, the last ones have no gradient.
            ddp_find_unused_parameters=True,
        )
        return ConversationTrainer(self._conversation_model(sight, places), data, arguments, skipped=skipped)

    def export(self, folder: Path, state: dict[str, Tensor] | None = None) -> None:
        """Write the trained model, with adapters merged into it, and the adapters by themselves.

        Args:
            state: all weights, where processes share them out.
        """
        if self._adapted is not None:
            with _anew(folder / "adapters") as part:
                self._adapted.save_pretrained(part, save_embedding_layers=False)
            self._network = self._adapted.merge_and_unload()
        dtype = torch.bfloat16 if self._recipe.learning.half else torch.float32
        if state is None:
            self._network.to(dtype)
        else:
            state = {name.removeprefix("network."): tensor.to(dtype) for name, tensor in state.items()}
        if isinstance(self._adapter, VideoXLAdapter):
            self._note_training()
        with atomic_folder(folder / "model") as part:
            self._network.save_pretrained(part, state_dict=state)
            self._adapter.dialogue.tokenizer.save_pretrained(part)
            if isinstance(self._adapter, LlavaOnevisionAdapter):
                _copy_settings(model_folder(local_folder(self._recipe.model or "")), part)

    def _conversation_model(self, sight: Sight, places: int) -> ConversationModel:
        recipe, adapter = self._recipe, self._adapter
        rotation = None
        if recipe.window is not None:
            told = recipe.window
            window = ContextWindow(told.ramp, told.window, told.target)
            rotation = window.fitted(adapter.rotation, adapter.trained_window, 0).rotation(adapter.rotation)
        decoder = adapter.model.language_model if isinstance(adapter, VideoXLAdapter) else adapter.decoder
        return ConversationModel(
            self._network,
            decoder,
            sight,
            cuts=_cuts(recipe, adapter, places),
            rotation=rotation,
            truncate=None if recipe.summaries is None else recipe.summaries.truncate,
            blank=sight.blank() if _processes() > 1 else None,
        )

    def _sight(self) -> Sight:
        recipe, adapter = self._recipe, self._adapter
        sampling = Sampling(fps=recipe.frames.fps, cap=recipe.frames.most)
        in_tiles = recipe.images == "tiles"
        if isinstance(adapter, VideoXLAdapter):
            recompute = recipe.learning.recompute
            return VideoXLSight(adapter, sampling, in_tiles=in_tiles, recompute=recompute)
        return LlavaSight(adapter, sampling, in_tiles=in_tiles)

    def _decoder_layers(self) -> Any:
        network = self._adapter.model
        if isinstance(self._adapter, VideoXLAdapter):
            return network.language_model.model
        return network.model.language_model

    def _note_training(self) -> None:
        """Let the config tell what the weights were trained for."""
        recipe, config = self._recipe, self._network.config
        if recipe.summaries is not None:
            every = {ratio for step in recipe.summaries.steps for ratio in step.ratios}
            config.text_config.summary_ratios = sorted(every)
            config.trained_frames = recipe.frames.most


def _loaded(recipe: StageRecipe) -> Trainee:
    dtype = _TYPES[recipe.weights]
    if recipe.assemble is not None:
        model, tokenizer = assembled(recipe.assemble, seed=recipe.seed, dtype=dtype)
        return VideoXLAdapter("assembled", model, tokenizer)
    adapter = load(recipe.model, dtype=dtype).adapter
    if not isinstance(adapter, Trainee):
        raise ModelError(
            f"{recipe.model} is of a family that is not trained here: Video-XL and LLaVA-OneVision are"
        )
    return adapter


def _check_able(recipe: StageRecipe, adapter: Trainee) -> None:
    if isinstance(adapter, VideoXLAdapter):
        return
    if recipe.summaries is not None:
        raise UsageError(f"{recipe.model} has no summary tokens: leave out [summaries]")
    fixed = sorted(set(recipe.train) - {"language_model"})
    if fixed:
        raise UsageError(
            f"of {recipe.model} only the language_model learns: leave {', '.join(fixed)} out of train"
        )


def _check_launch() -> None:
    wanted = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    # On a processor the library would quietly leave all weights to each process, or fail, by its version.
    if wanted and not torch.cuda.is_available():
        raise UsageError(
            "weights are shared out (FSDP) among GPUs, and there is none: launch with --multi_gpu in place "
            "of --use_fsdp"
        )


def _cuts(recipe: StageRecipe, adapter: Trainee, places: int) -> Cuts:
    told = recipe.summaries
    if told is None:
        return EqualCuts(adapter.interval, None)
    schedule = tuple(Widening(step.until, tuple(step.ratios)) for step in told.steps)
    plan = RatioPlan(schedule, places, recipe.seed, told.per)
    if told.intervals == "fixed":
        return EqualCuts(adapter.interval, plan)
    films = DynamicFilms(told.borders or Borders(), adapter.interval, adapter.tokens_per_frame)
    films.check(step.ratios for step in schedule)
    return DynamicCuts(films, plan)


def _anew(folder: Path) -> Any:
    """A folder to be written whole, in place of what an interrupted run left."""
    shutil.rmtree(folder, ignore_errors=True)
    return atomic_folder(folder)


def _copy_settings(source: Path, target: Path) -> None:
    """Everything of a release but its weights, as it is."""
    for file in source.iterdir():
        if file.is_file() and not file.name.endswith(_WEIGHTS):
            shutil.copyfile(file, target / file.name)
